"""Counters: nothing is counted twice or lost, whoever folds, writes and reads at the same moment."""

from collections import Counter as Tally
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from crm.domain.errors import StoreUnavailable
from crm.store import Store, schema
from crm.store import fold as folding
from crm.store import stats as module
from crm.store.cost import metered
from crm.store.deltas import MAX_NUMBERS, MAX_ROWS
from crm.store.stats import DUE, WAITED, Counter, CounterRange, StatsRepository, one_moment
from crm.store.table import ConditionFailed, Table
from tests.factories import NOW, make_person

APPLES, PEARS = Counter("FRUIT", "apple"), Counter("FRUIT", "pear")


def count(stats: StatsRepository, changes: dict[Counter, int], table: Table, **labels: str) -> None:
    """Write a delta alone."""
    rows = {(counter.what, counter.key): dict(labels) for counter in changes}
    table.write(stats.delta(changes, labels=rows, now=NOW))


def value(stats: StatsRepository, counter: Counter) -> int:
    return stats.snapshot(keys=[(counter.what, counter.key)]).value(*counter)


def test_a_change_counts_before_it_is_folded_and_after(store: Store, table: Table) -> None:
    count(store.stats, {APPLES: 3, PEARS: 1}, table)
    count(store.stats, {APPLES: -1}, table)

    before = value(store.stats, APPLES)
    folded = store.stats.fold_all()

    assert (before, folded, value(store.stats, APPLES)) == (2, 2, 2)


def test_a_change_of_nothing_puts_no_delta(store: Store) -> None:
    assert store.stats.delta({APPLES: 0}, now=NOW) == []


def test_the_last_label_is_kept(store: Store, table: Table) -> None:
    count(store.stats, {APPLES: 1}, table, label="Apple")
    store.stats.fold_all()
    count(store.stats, {APPLES: 1}, table, label="APPLE")

    before = store.stats.snapshot(keys=[("FRUIT", "apple")]).rows("FRUIT")
    store.stats.fold_all()

    assert before == {"apple": {"n": 2, "label": "APPLE"}}
    assert store.stats.snapshot(keys=[("FRUIT", "apple")]).rows("FRUIT") == before


def test_one_write_may_change_more_rows_than_one_delta_holds(store: Store, table: Table) -> None:
    changes = {Counter("ROW", f"{number:03}"): number + 1 for number in range(2 * MAX_ROWS + 5)}

    deltas = store.stats.delta(changes, now=NOW)
    table.write(deltas)
    store.stats.fold_all()

    rows = store.stats.snapshot(ranges=[CounterRange("ROW")]).rows("ROW")
    assert len(deltas) == 3
    assert {key: row["n"] for key, row in rows.items()} == {counter.key: change for counter, change in changes.items()}


def test_what_one_fold_has_no_room_for_is_still_counted(store: Store, table: Table) -> None:
    for start in range(0, 300, 50):
        count(store.stats, {Counter("ROW", f"{start + number:03}"): 1 for number in range(50)}, table)

    folded = store.stats.fold()

    rows = store.stats.snapshot(ranges=[CounterRange("ROW")]).rows("ROW")
    stored = [item for item in table.scan() if item["entityType"] == "counter" and item["what"] == "ROW"]
    assert folded == 6
    assert 0 < len(stored) < 300
    assert [row["n"] for row in rows.values()] == [1] * 300


def test_deltas_that_name_more_numbers_of_a_row_than_an_update_takes_are_folded_one_after_the_other(
    store: Store, table: Table
) -> None:
    names = [f"domain-{number:04}.example" for number in range(2 * MAX_NUMBERS)]
    for start in range(0, len(names), 50):
        count(store.stats, {Counter("ROW", key, name): 1 for key in "ab" for name in names[start : start + 50]}, table)

    first = store.stats.fold()
    between = store.stats.snapshot(keys=[("ROW", "a")]).row("ROW", "a")
    rest = store.stats.fold_all()

    assert 0 < first < len(names) // 50
    assert rest > 0
    assert between == dict.fromkeys(names, 1)
    assert store.stats.snapshot(ranges=[CounterRange("ROW")]).rows("ROW") == dict.fromkeys("ab", dict.fromkeys(names, 1))
    assert not [item for item in table.scan() if item["entityType"] == "delta"]


def test_one_delta_may_name_more_numbers_of_a_row_than_an_update_takes(store: Store, table: Table) -> None:
    numbers = {f"domain-{number:04}.example": number - 5 for number in range(4 * MAX_NUMBERS)}
    rows = {Counter("ROW", f"{key:02}", name): number for key in range(2) for name, number in numbers.items()}
    count(store.stats, {**rows, **{Counter("ROW", f"{key:02}"): 1 for key in range(2, 60)}}, table, label="Row")
    wanted = store.stats.snapshot(ranges=[CounterRange("ROW")]).rows("ROW")

    folds = [folded for _ in range(10) if (folded := store.stats.fold())]

    assert folds == [1] * 4
    assert store.stats.snapshot(ranges=[CounterRange("ROW")]).rows("ROW") == wanted
    assert wanted["01"] == {"label": "Row", **{name: number for name, number in numbers.items() if number}}


def test_few_deltas_wait_for_others_but_not_for_long(store: Store, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def folded(*, after: timedelta) -> int:
        monkeypatch.setattr(table, "clock", lambda: NOW + after)
        return store.stats.fold_due()

    for _ in range(DUE - 1):
        count(store.stats, {APPLES: 1}, table)
    few = folded(after=WAITED / 2)
    count(store.stats, {APPLES: 1}, table)
    many = folded(after=WAITED / 2)
    count(store.stats, {APPLES: 1}, table)
    old = folded(after=WAITED)

    assert (few, many, old) == (0, DUE, 1)
    assert value(store.stats, APPLES) == DUE + 1


def test_a_range_gives_its_rows_and_no_others(store: Store, table: Table) -> None:
    count(store.stats, {Counter("ROW", key): 1 for key in "abcd"}, table)
    store.stats.fold_all()
    count(store.stats, {Counter("ROW", "bb"): 1, Counter("ROW", "e"): 1, Counter("OTHER", "b"): 1}, table)

    snapshot = store.stats.snapshot(ranges=[CounterRange("ROW", "b", "c")])

    assert list(snapshot.rows("ROW")) == ["b", "bb", "c"]
    assert snapshot.rows("OTHER") == {}


def test_a_range_that_is_cut_leaves_out_what_it_did_not_read(store: Store, table: Table) -> None:
    count(store.stats, {Counter("ROW", key): 5 for key in "abcd"}, table)
    store.stats.fold_all()
    count(store.stats, {Counter("ROW", "a"): 1, Counter("ROW", "d"): 1}, table)

    rows = store.stats.snapshot(ranges=[CounterRange("ROW", limit=2)]).rows("ROW")

    assert {key: row["n"] for key, row in rows.items()} == {"a": 6, "b": 5}


def test_of_two_folders_at_the_same_moment_one_folds(store: Store, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    count(store.stats, {APPLES: 1}, table)
    read = folding.oldest
    monkeypatch.setattr(folding, "oldest", lambda table: (read(table), monkeypatch.undo(), store.stats.fold())[0])

    folded = StatsRepository(table).fold()

    assert (folded, value(store.stats, APPLES)) == (0, 1)


def test_writers_folders_and_readers_at_once_lose_and_double_nothing(store: Store, table: Table) -> None:
    writers, writes = 6, 25

    def write(number: int) -> None:
        stats = StatsRepository(table)
        for step in range(writes):
            count(stats, {APPLES: 1, Counter("FRUIT", f"{number}-{step % 5}"): 1}, table)

    def read(_: int) -> list[int]:
        return [value(StatsRepository(table), APPLES) for _ in range(15)]

    def fold(_: int) -> None:
        for _ in range(20):
            StatsRepository(table).fold()

    with ThreadPoolExecutor(writers + 4) as pool:
        writing = [pool.submit(write, number) for number in range(writers)]
        readings = [pool.submit(read, number) for number in range(2)]
        folding = [pool.submit(fold, number) for number in range(2)]
    for done in (*writing, *folding):
        done.result()

    assert all(reading.result() == sorted(reading.result()) for reading in readings)
    assert value(store.stats, APPLES) == writers * writes
    store.stats.fold_all()
    rows = store.stats.snapshot(ranges=[CounterRange("FRUIT")]).rows("FRUIT")
    assert Tally(row["n"] for row in rows.values()) == Tally({writers * writes: 1, writes // 5: writers * 5})


def test_a_reader_that_is_overtaken_by_a_fold_reads_again(store: Store, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    count(store.stats, {APPLES: 1}, table)
    read, folds = store.stats._deltas, []

    def overtaken() -> list[schema.Item]:
        deltas = read()
        if not folds:
            folds.append(StatsRepository(table).fold())
        return deltas

    monkeypatch.setattr(store.stats, "_deltas", overtaken)

    assert value(store.stats, APPLES) == 1
    assert folds == [1]


def test_a_reader_that_is_always_overtaken_gives_up_with_a_sentence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = iter(range(1000))
    monkeypatch.setattr(store.stats, "_version", lambda: next(versions))

    with pytest.raises(StoreUnavailable, match="counts change too quickly"):
        store.stats.snapshot([("PEOPLE", "TOTAL")])


def test_a_reader_that_meets_a_long_backlog_folds_some_of_it(store: Store, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKLOG", 10)
    for _ in range(12):
        count(store.stats, {APPLES: 1}, table)

    total = value(store.stats, APPLES)

    assert total == 12
    assert not [item for item in table.scan() if item["entityType"] == "delta"]


def test_bulk_writers_keep_the_deltas_few(store: Store, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP_UP", 3)

    store.people.create_many([make_person(company=f"C{number}") for number in range(120)])

    assert sum(1 for item in table.scan() if item["entityType"] == "delta") <= 5
    assert store.people.totals().total == 120


def test_a_fold_that_read_an_older_head_is_refused(store: Store, table: Table) -> None:
    count(store.stats, {APPLES: 1}, table)
    old_head = table.get(folding.HEAD) or {}
    store.stats.fold()

    with pytest.raises(ConditionFailed):
        table.write([folding._raised(old_head, folding.VERSION)])


def test_what_only_reads_counts_at_one_moment_and_asks_for_the_deltas_once(store: Store) -> None:
    store.people.create(make_person())

    with metered() as spent, one_moment():
        before = store.people.totals().total
        first = spent.requests
        store.people.create(make_person())
        between = spent.requests
        again = store.people.totals().total
        second = spent.requests - between
    after = store.people.totals().total

    assert (before, again, after) == (1, 1, 2)
    assert (first, second) == (7, 0)


def test_of_one_moment_only_what_was_not_read_before_is_read(store: Store) -> None:
    store.people.create(make_person(company="Acme"))
    acme, total = ("COMPANY", "acme"), ("PEOPLE", "TOTAL")
    snapshot = store.stats.snapshot

    with metered() as spent, one_moment():
        snapshot([total, ("PEOPLE", "NONE")], [CounterRange("COMPANY")])
        first = spent.requests
        among = snapshot([acme, total, ("PEOPLE", "NONE")])
        second = spent.requests - first
        other = snapshot([acme], [CounterRange("COMPANY", "b")])
        third = spent.requests - first - second

    assert (first, second, third) == (8, 0, 2)
    assert (among.value(*acme), among.value(*total), among.has("PEOPLE", "NONE")) == (1, 1, False)
    assert set(other.rows("COMPANY")) == {"acme"}


def test_what_was_read_before_a_fold_is_read_again_behind_it(store: Store) -> None:
    store.people.create(make_person(company="Acme"))

    with one_moment():
        store.stats.snapshot([("PEOPLE", "TOTAL")])
        store.stats.fold_all()
        both = store.stats.snapshot([("PEOPLE", "TOTAL"), ("COMPANY", "acme")])
        again = store.stats.snapshot([("PEOPLE", "TOTAL")])

    assert [both.value("PEOPLE", "TOTAL"), both.value("COMPANY", "acme"), again.value("PEOPLE", "TOTAL")] == [1, 1, 1]


def test_a_fold_in_between_does_not_make_one_moment_count_twice(store: Store) -> None:
    store.people.create(make_person())

    with one_moment():
        before = store.people.totals().total
        store.stats.fold_all()
        again = store.people.totals().total

    assert (before, again) == (1, 1)


def test_long_deltas_cost_little_and_count_the_same(store: Store, table: Table) -> None:
    changes = {Counter("ROW", "Ängelholm", f"domain-{number}.example"): number + 1 for number in range(200)}
    [put] = store.stats.delta(changes, now=NOW)

    table.write([put])

    assert len(put.item["changes"]) < 1500
    counted = {f"domain-{number}.example": number + 1 for number in range(200)}
    assert store.stats.snapshot(keys=[("ROW", "Ängelholm")]).row("ROW", "Ängelholm") == counted
    store.stats.fold_all()
    assert store.stats.snapshot(keys=[("ROW", "Ängelholm")]).row("ROW", "Ängelholm") == counted
