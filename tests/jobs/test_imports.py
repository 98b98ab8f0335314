"""The jobs of an import: large files, steps that break off and are done again, stopping, taking back."""

import itertools
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crm.domain.campaigns import CampaignStatus
from crm.domain.errors import Conflict, CrmError, NotFound, RuleViolation, StoreUnavailable
from crm.domain.filters import PeopleFilter
from crm.domain.imports import KEPT_FOR, Choices, Import, ImportStatus, Kind, Undone
from crm.domain.log import LogEntry, LogKind
from crm.domain.people import EmailStatus, Person
from crm.jobs import import_undo, staged
from crm.jobs import imports as import_jobs
from crm.jobs.upkeep import Upkeep
from crm.jobs.work import Held
from crm.jobs.worker import Worker
from crm.services import import_parts, imports, people
from crm.services.files import FolderFiles
from crm.services.import_jobs import UNDO, WRITE, job_key
from crm.services.import_parts import folder_of
from crm.services.verify import differences, repair
from crm.store import Store
from crm.store.calls import utc_now
from crm.store.imports import import_of, item_of
from tests.factories import make_campaign, make_event, make_person
from tests.jobs.importing import assert_sound, begun, checked, crowd_of, done, failed_of, undone, uploaded, work_off, work_on
from tests.mailings import keep_emails, make_email


@pytest.fixture
def files(tmp_path: Path) -> FolderFiles:
    return FolderFiles(tmp_path)


def lines(*rows: str, heading: str = "name,email,company") -> str:
    return "\n".join([heading, *rows])


def many(number: int, company: str = "Acme") -> str:
    return lines(*[f"Ada King,a{place}@x.example,{company}" for place in range(number)])


def person_at(store: Store, address: str) -> Person:
    found = store.people.find_by_email(address)
    assert found is not None
    return found


hours = itertools.count()


def step_of(store: Store, files: FolderFiles, imported: Import, kind: str = WRITE) -> Held:
    """The job of an import under a lease, as a worker that has just started takes it when the lease before is long over."""
    later = timedelta(hours=next(hours))
    held = Held.take(replace(work_on(store, files), clock=lambda: utc_now() + later), job_key(imported.id, kind), "someone")
    assert held is not None
    return held


# --- the dry run


def test_a_large_file_is_checked_by_a_job_with_the_same_outcome(store: Store, files: FolderFiles) -> None:
    imported = uploaded(store, files, lines(*[f"Ada King,a{n}@x.example,Acme" for n in range(2100)], "Ada King,nobody,"))
    chosen = imports.choose(store, files, imported.id, Choices(), version=imported.version, now=utc_now())
    assert (chosen.status, imports.progress(store, imported.id).at_work) == (ImportStatus.CHECKING, True)

    work_off(store, files)

    found = store.imports.get(imported.id)
    assert (found.status, found.rows, found.counts) == (ImportStatus.CHECKED, 2101, {Kind.NEW: 2100, Kind.INVALID: 1})
    assert [number for number, _, _ in imports.shown_failures(files, found, 9)] == [2102]
    assert store.people.totals().total == 0


@pytest.mark.parametrize("rows", [5, 2100])
def test_a_file_that_breaks_further_down_says_so_and_can_be_chosen_anew(store: Store, files: FolderFiles, rows: int) -> None:
    text = lines(*[f"Ada King,a{n}@x.example,Acme" for n in range(250)], '"Bo Li,b@x.example,') + "\nx,y,z" * rows

    imported = checked(store, files, text)

    assert imported.status is ImportStatus.OPEN
    assert "opens in row 252" in imported.problem
    with pytest.raises(Conflict, match="Check first"):
        imports.begin(store, imported.id, version=imported.version, actor="zoe", now=utc_now())


def test_other_choices_while_a_dry_run_is_under_way_begin_another_one(store: Store, files: FolderFiles) -> None:
    imported = uploaded(store, files, many(2100))
    first = imports.choose(store, files, imported.id, Choices(), version=imported.version, now=utc_now())

    second = imports.choose(store, files, imported.id, Choices(tag="vip"), version=first.version, now=utc_now())
    work_off(store, files)

    found = store.imports.get(imported.id)
    assert (second.status, found.status, found.tag, found.counts) == (
        ImportStatus.CHECKING,
        ImportStatus.CHECKED,
        "vip",
        {Kind.NEW: 2100},
    )
    with pytest.raises(Conflict, match="changed meanwhile"):
        imports.choose(store, files, imported.id, Choices(), version=first.version, now=utc_now())


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        (Choices(tag="x" * 200), "tag"),
        (Choices(columns={0: "name", 1: "email", 2: "email"}), "can’t both be e-mail"),
        (Choices(columns={0: "name"}), "No column holds e-mail addresses"),
        (Choices(encoding="klingon"), "not one of"),
    ],
)
def test_choices_that_can_not_be_are_refused_and_nothing_is_saved(
    store: Store, files: FolderFiles, choices: Choices, words: str
) -> None:
    imported = store.imports.get(uploaded(store, files, many(2)).id)

    with pytest.raises(RuleViolation, match=words):
        imports.choose(store, files, imported.id, choices, version=imported.version, now=utc_now())

    assert store.imports.get(imported.id) == imported


def test_a_dry_run_can_be_stopped(store: Store, files: FolderFiles) -> None:
    imported = uploaded(store, files, many(2100))
    imports.choose(store, files, imported.id, Choices(), version=imported.version, now=utc_now())

    imports.cancel(store, imported.id, actor="zoe", now=utc_now())
    work_off(store, files)

    assert store.imports.get(imported.id).status is ImportStatus.OPEN


# --- the import


def test_an_import_says_what_it_did_in_the_log_of_each_person_and_shows_them(store: Store, files: FolderFiles) -> None:
    old = store.people.create(make_person(email="bo@x.example", first_name="Bo", last_name="Li", company="Before"))

    imported = done(store, files, lines("Ada King,ada@x.example,Acme", "Bo Li,bo@x.example,Acme", "Bo Li,bo@x.example,Acme"))

    ada, bo = person_at(store, "ada@x.example"), person_at(store, "bo@x.example")
    (added,), (changed,) = store.log.of(ada.id), store.log.of(bo.id)
    assert (added.kind, added.created, added.source, added.source_name) == (LogKind.IMPORTED, True, imported.id, "")
    assert (changed.created, changed.changes, changed.text) == (False, {"company": ("Before", "Acme")}, "row 3")
    assert (added.actor, added.at, bo.id) == ("zoe", imported.started_at, old.id)
    shown = store.people.page(PeopleFilter(selected=(imported.id,))).items
    assert {person.id for person in shown} == {ada.id, bo.id}
    assert {(entry.action, entry.subject) for entry in store.audit.of_month(f"{utc_now():%Y-%m}")} == {
        ("people.file_uploaded", imported.id),
        ("people.imported", imported.id),
    }


@pytest.mark.parametrize("transactions", [0, 1, 2])
def test_a_step_that_broke_off_is_done_again_with_the_same_counts(
    store: Store, files: FolderFiles, monkeypatch: pytest.MonkeyPatch, transactions: int
) -> None:
    store.people.create_many([make_person(email=f"a{n}@x.example", company="Before", last_name="King") for n in range(0, 90, 3)])
    text = lines(*[f"Ada King,a{n}@x.example,Acme" for n in range(90)], "Ada King,nobody,")
    imported = begun(store, files, text)
    real, left = store.people._parcels._send, transactions

    def cut_off(*given: Any) -> list[Person | CrmError]:
        nonlocal left
        if left == 0:
            raise StoreUnavailable("away")
        left -= 1
        return real(*given)

    monkeypatch.setattr(store.people._parcels, "_send", cut_off)
    with pytest.raises(StoreUnavailable):
        import_jobs.write_step(work_on(store, files), step_of(store, files, imported))
    monkeypatch.setattr(store.people._parcels, "_send", real)

    held = step_of(store, files, imported)
    while not held.over:
        import_jobs.write_step(work_on(store, files), held)

    found = store.imports.get(imported.id)
    assert found.counts == {Kind.NEW: 60, Kind.UPDATE: 30, Kind.INVALID: 1}
    assert len(list(store.selections.walk(imported.id))) == store.people.totals().total == 90
    assert_sound(store)


def test_two_imports_of_the_same_people_at_once_double_nobody(store: Store, files: FolderFiles) -> None:
    one, other = begun(store, files, many(200)), begun(store, files, many(200, "Other"))

    work_off(store, files)

    counts = [store.imports.get(imported.id).counts for imported in (one, other)]
    assert sum(some.get(Kind.NEW, 0) for some in counts) == store.people.totals().total == 200
    assert sum(some.get(Kind.UPDATE, 0) for some in counts) == 200
    assert_sound(store)


def test_somebody_whose_address_moves_on_in_the_middle_is_not_added_again(
    store: Store, files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = begun(store, files, lines("Ada King,ada@x.example,Acme"))
    held = step_of(store, files, imported)
    monkeypatch.setattr(held, "save", _away)
    with pytest.raises(StoreUnavailable):
        import_jobs.write_step(work_on(store, files), held)
    ada = person_at(store, "ada@x.example")
    people.edit(store, ada.id, replace(ada.profile, email="king@x.example"), version=ada.version, now=utc_now())

    held = step_of(store, files, imported)
    while not held.over:
        import_jobs.write_step(work_on(store, files), held)

    assert store.imports.get(imported.id).counts == {Kind.NEW: 1}
    assert store.people.totals().total == 1


def _away(*_: object, **__: object) -> None:
    raise StoreUnavailable("away")


def test_a_file_that_is_gone_ends_its_import_with_a_reason(store: Store, files: FolderFiles) -> None:
    imported = begun(store, files, many(5))
    files.delete(f"{folder_of(imported.id)}/source")

    work_off(store, files)

    found = store.imports.get(imported.id)
    assert (found.status, found.finished_at is not None) == (ImportStatus.CANCELLED, True)
    assert "not there any more" in found.problem


def test_a_row_that_failed_in_a_step_that_broke_off_and_not_when_it_was_done_again_is_no_failure(
    store: Store, files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.people.create(make_person(email="ada@x.example"))
    imported = begun(store, files, lines("Ada King,ada@x.example,Acme"))
    held = step_of(store, files, imported)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(store.people, "save_many", lambda pairs, also, gate: [Conflict("changed") for _ in pairs])
        meanwhile.setattr(held, "save", _away)
        with pytest.raises(StoreUnavailable):
            import_jobs.write_step(work_on(store, files), held)

    work = work_on(store, files)
    held = step_of(store, files, imported)
    while not held.over:
        import_jobs.write_step(work, held)

    found = store.imports.get(imported.id)
    assert found.counts == {Kind.UPDATE: 1}
    assert imports.shown_failures(files, found, 9) == []


@pytest.mark.parametrize("cancelled", [False, True])
def test_rows_that_failed_are_told_also_where_the_end_is_broken_off_or_the_import_stopped_then(
    store: Store, files: FolderFiles, monkeypatch: pytest.MonkeyPatch, cancelled: bool
) -> None:
    imported = begun(store, files, lines("Ada King,ada@x.example,Acme", "Bo Li,nobody,Acme"))
    work, held = work_on(store, files), step_of(store, files, imported)
    end = import_jobs._end

    def cut_off(*given: Any, **named: Any) -> None:
        if not cancelled:
            raise StoreUnavailable("away")
        imports.cancel(store, imported.id, actor="zoe", now=utc_now())
        end(*given, **named)

    with monkeypatch.context() as meanwhile, suppress(StoreUnavailable):
        meanwhile.setattr(import_jobs, "_end", cut_off)
        import_jobs.write_step(work, held)
    held = held if cancelled else step_of(store, files, imported)
    while not held.over:
        import_jobs.write_step(work, held)

    found = store.imports.get(imported.id)
    assert [number for number, _, _ in imports.shown_failures(files, found, 9)] == [3]
    assert not [name for name in files.list(folder_of(imported.id)) if name.startswith("import-0")]


# --- stopping


def test_an_import_stops_after_its_step_and_what_is_written_can_be_taken_back(store: Store, files: FolderFiles) -> None:
    imported = begun(store, files, many(300))
    held = step_of(store, files, imported)
    import_jobs.write_step(work_on(store, files), held)

    stopped = imports.cancel(store, imported.id, actor="zoe", now=utc_now())
    assert (stopped.status, imports.progress(store, imported.id).at_work) == (ImportStatus.CANCELLED, True)
    with pytest.raises(Conflict, match="finished"):
        imports.undo(store, imported.id, actor="zoe", now=utc_now())
    import_jobs.write_step(work_on(store, files), held)

    found = store.imports.get(imported.id)
    assert (held.over, found.status, found.counts, found.rows) == (True, ImportStatus.CANCELLED, {Kind.NEW: 96}, 300)
    assert not imports.progress(store, imported.id).at_work
    assert undone(store, files, found).undo_counts == {Undone.DELETED: 96}
    assert store.people.totals().total == 0


@pytest.mark.parametrize("steps", [0, 1])
def test_a_step_that_broke_off_before_the_stop_is_not_forgotten(
    store: Store, files: FolderFiles, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    imported = begun(store, files, f"{many(200)}\nAda King,nobody,")
    held = step_of(store, files, imported)
    for _ in range(steps):
        import_jobs.write_step(work_on(store, files), held)
    monkeypatch.setattr(held, "save", _away)
    with pytest.raises(StoreUnavailable):
        import_jobs.write_step(work_on(store, files), held)

    imports.cancel(store, imported.id, actor="zoe", now=utc_now())
    held = step_of(store, files, imported)
    while not held.over:
        import_jobs.write_step(work_on(store, files), held)

    found = store.imports.get(imported.id)
    written = 96 * (steps + 1)
    assert (found.status, found.counts) == (ImportStatus.CANCELLED, {Kind.NEW: written})
    assert len(list(store.selections.walk(imported.id))) == store.people.totals().total == written


def _full(*given: Any, **named: Any) -> None:
    raise OSError(28, "No space left on device")


def broken_off(store: Store, files: FolderFiles, monkeypatch: pytest.MonkeyPatch, steps: int) -> Import:
    """An import whose disk is full after so many steps: the next one has written its people, and rests for an hour."""
    imported = begun(store, files, many(300))
    work = work_on(store, files)
    put_part = import_parts.put_part
    done_steps = iter(range(steps))

    def filling(*given: Any, **named: Any) -> None:
        (_full if next(done_steps, None) is None else put_part)(*given, **named)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(import_jobs, "put_part", filling)
        Worker(replace(work, settings=replace(work.settings, retry_seconds=3600))).run_once()
    return store.imports.get(imported.id)


@pytest.mark.parametrize("steps", [0, 1])
def test_an_import_that_rests_after_a_breakdown_stops_at_once_and_all_it_wrote_can_be_taken_back(
    store: Store, files: FolderFiles, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    imported = broken_off(store, files, monkeypatch, steps)
    written = 96 * (steps + 1)
    assert len(crowd_of(store)) == written

    imports.cancel(store, imported.id, actor="zoe", now=utc_now())
    work_off(store, files)

    stopped = store.imports.get(imported.id)
    assert (stopped.status, stopped.finished_at is not None, stopped.written) == (ImportStatus.CANCELLED, True, written)
    assert undone(store, files, stopped).undo_counts == {Undone.DELETED: written}
    assert crowd_of(store) == {}


def test_an_import_that_rests_after_a_breakdown_says_so_instead_of_a_speed(
    store: Store, files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = broken_off(store, files, monkeypatch, steps=1)
    monkeypatch.setattr(store.table, "clock", lambda: utc_now() + timedelta(seconds=5))

    resting = imports.progress(store, imported.id)
    monkeypatch.setattr(store.table, "clock", lambda: utc_now() + timedelta(hours=1, seconds=5))
    due = imports.progress(store, imported.id)

    assert resting.rests is not None
    assert (resting.rests.error, resting.done) == ("OSError", 96)
    assert (resting.rows_a_second, resting.seconds_left) == (None, None)
    assert due.rests is None


def test_an_import_that_no_worker_has_begun_stops_at_once(store: Store, files: FolderFiles) -> None:
    imported = begun(store, files, many(5))

    stopped = imports.cancel(store, imported.id, actor="zoe", now=utc_now())
    work_off(store, files)

    assert stopped.finished_at is not None
    assert store.people.totals().total == 0
    with pytest.raises(Conflict, match="not running"):
        imports.cancel(store, imported.id, actor="zoe", now=utc_now())


# --- taking back


def test_an_undo_gives_the_earlier_state_back(store: Store, files: FolderFiles) -> None:
    known = [make_person(email=f"a{n}@x.example", city="Lund", tags=("before", "vip"), company="Old") for n in range(20)]
    store.people.create_many(known)
    store.table.write(store.suppressions.actions("a50@x.example", EmailStatus.UNSUBSCRIBED, now=utc_now(), source="link"))
    before, totals = crowd_of(store), store.people.totals()
    text = lines(*[f"Ada King,a{n}@x.example,Acme,host; vip" for n in range(120)], heading="name,email,company,tags")

    imported = undone(store, files, done(store, files, text, tag="imported"))

    assert imported.undo_counts == {Undone.DELETED: 100, Undone.RESTORED: 20}
    assert crowd_of(store) == before
    assert store.people.totals() == totals
    assert {value.value for value in store.people.facet("tag") if value.count} == {"before", "vip"}
    assert "taken back" in store.log.of(person_at(store, "a1@x.example").id)[0].text
    assert_sound(store)
    with pytest.raises(Conflict, match="finished"):
        imports.undo(store, imported.id, actor="zoe", now=utc_now())


def test_whoever_was_touched_since_is_left_alone_and_listed(store: Store, files: FolderFiles) -> None:
    store.people.create(make_person(email="known@x.example", company="Before"))
    addresses = ["known", "edited", "noted", "seated", "waiting", "deleted", "untouched"]
    imported = done(store, files, lines(*[f"Ada King,{name}@x.example,Acme" for name in addresses]))
    found = {name: person_at(store, f"{name}@x.example") for name in addresses}
    for name in ("known", "edited"):
        person = found[name]
        people.edit(store, person.id, replace(person.profile, city="Lund"), version=person.version, now=utc_now())
    note = LogEntry(id="n1", user_id=found["noted"].id, at=utc_now(), kind=LogKind.NOTE, text="Likes tea")
    store.table.write([store.log.put(note)])
    event = store.events.create(make_event(max_capacity=1), host_ids=(), attendee_ids=(), now=utc_now())
    store.events.seat(event.id, [found["seated"].id, found["waiting"].id], now=utc_now())
    people.remove(store, found["deleted"].id, now=utc_now())

    imported = undone(store, files, imported)

    assert imported.undo_counts == {Undone.LEFT: 5, Undone.GONE: 1, Undone.DELETED: 1}
    left = {one.person_id: one.reason for one in imports.left_alone(files, imported, 9)}
    assert {name: left.get(person.id) for name, person in found.items()} == {
        "known": "changed since",
        "edited": "changed since",
        "noted": "has notes or other changes",
        "seated": "on the list of an event",
        "waiting": "on the list of an event",
        "deleted": None,
        "untouched": None,
    }
    assert store.events.seat(event.id, [found["noted"].id], now=utc_now()).waitlisted == (found["noted"].id,)
    assert_sound(store)


def test_whoever_was_mailed_since_is_left_alone(store: Store, files: FolderFiles) -> None:
    imported = done(store, files, many(3))
    campaign = make_campaign(status=CampaignStatus.DONE, started_at=utc_now())
    store.campaigns.create(campaign)
    mailed = person_at(store, "a1@x.example")
    keep_emails(store, [make_email(campaign_id=campaign.id, user_id=mailed.id, email=mailed.profile.email)])

    imported = undone(store, files, imported)

    assert imported.undo_counts == {Undone.DELETED: 2, Undone.LEFT: 1}
    assert imports.left_alone(files, imported, 9) == [(mailed.id, "was sent e-mails")]


def test_an_undo_that_broke_off_counts_those_it_deleted(
    store: Store, files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = done(store, files, many(40))
    imports.undo(store, imported.id, actor="zoe", now=utc_now())
    work = work_on(store, files)
    held = step_of(store, files, imported, UNDO)
    real, saves = held.save, itertools.count()
    monkeypatch.setattr(held, "save", lambda *what: real(*what) if next(saves) == 0 else _away())
    with pytest.raises(StoreUnavailable):
        import_undo.step(work, held)
    assert store.people.totals().total == 0

    again = step_of(store, files, imported, UNDO)
    while not again.over:
        import_undo.step(work, again)

    assert store.imports.get(imported.id).undo_counts == {Undone.DELETED: 40}


def test_an_import_can_be_undone_for_thirty_days(store: Store, files: FolderFiles) -> None:
    imported = done(store, files, many(1))

    with pytest.raises(RuleViolation, match="30 days"):
        imports.undo(store, imported.id, actor="zoe", now=utc_now() + KEPT_FOR + timedelta(minutes=1))


# --- files without headings


def test_a_file_without_headings_goes_the_same_way_through_jobs_that_break_off(
    store: Store, files: FolderFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"Ada King,a{number}@x.example,Acme" for number in range(2_100)]
    text = "\n".join(["Ada King,a0@x.example,", "Bo Li,nobody,Tech", *rows])
    columns = {0: "name", 1: "email", 2: "company"}
    imported = uploaded(store, files, text)
    chosen = imports.choose(store, files, imported.id, Choices(columns=columns), version=imported.version, now=utc_now())
    assert (chosen.status, chosen.headed) == (ImportStatus.CHECKING, False)
    work_off(store, files)
    tried = store.imports.get(imported.id)
    imports.begin(store, imported.id, version=tried.version, actor="zoe", now=utc_now())
    put_part, steps = import_parts.put_part, iter(range(3))

    def filling(*given: Any, **named: Any) -> None:
        (_full if next(steps, None) is None else put_part)(*given, **named)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(import_jobs, "put_part", filling)
        work_off(store, files)
    staged._kept.clear()  # another process
    later = replace(work_on(store, files), clock=lambda: utc_now() + timedelta(hours=1))
    Worker(later).run_once()
    ended = store.imports.get(imported.id)

    expected = {Kind.NEW: 2_100, Kind.DUPLICATE: 1, Kind.INVALID: 1}
    assert (tried.rows, tried.counts, ended.counts) == (2_102, expected, expected)
    assert imports.failed_rows(files, ended)[0] == ["Full name", "E-mail", "Company", "reason"]
    assert [row[:3] for row in failed_of(tmp_path, ended)] == [["Bo Li", "nobody", "Tech"]]
    assert [number for number, _, _ in imports.shown_failures(files, ended, 9)] == [2]
    assert undone(store, files, ended).undo_counts == {Undone.DELETED: 2_100}
    assert_sound(store)


def test_columns_of_files_without_headings_are_not_remembered(store: Store, files: FolderFiles) -> None:
    checked(store, files, "x,Ada King,ada@x.example", columns={1: "name", 2: "email"})

    again = uploaded(store, files, "Bo Li,Lund,bo@x.example")
    alike = uploaded(store, files, "Column 1,Column 2,Column 3\nLund,Bo Li,bo@x.example")

    assert [column.field for column in imports.look(files, again).columns] == ["", "", "email"]
    assert (again.remembered_at, alike.remembered_at) == (None, None)


def test_an_import_from_before_headings_were_a_choice_has_some(store: Store, files: FolderFiles) -> None:
    imported = uploaded(store, files, many(2))
    item = item_of(imported)
    del item["headed"]

    assert import_of(item) == import_of(item_of(imported))
    assert import_of(item_of(replace(imported, headed=False))).headed is False


# --- what is kept


def test_columns_are_remembered_for_files_with_the_same_headings(store: Store, files: FolderFiles) -> None:
    heading = "Wer,Wo,Firma"
    checked(store, files, lines("Ada King,ada@x.example,Acme", heading=heading), columns={0: "name", 1: "email", 2: "jobTitle"})

    again = uploaded(store, files, lines("Bo Li,bo@x.example,Acme", heading="WER, wo,Firma "))
    other = uploaded(store, files, lines("Bo Li,bo@x.example,Acme", heading="Wer,Wo,Was"))

    assert [column.field for column in imports.look(files, again).columns] == ["name", "email", "jobTitle"]
    assert again.remembered_at is not None
    assert other.remembered_at is None


def test_files_go_after_thirty_days_and_the_import_stays(store: Store, files: FolderFiles, tmp_path: Path) -> None:
    imported = done(store, files, lines("Ada King,nobody,", "Ada King,ada@x.example,"))
    store.table.clock = lambda: utc_now() + timedelta(days=29)
    assert Upkeep(store, files, sweeps=False).sweep_files() == 0

    store.table.clock = lambda: utc_now() + timedelta(days=31)
    assert Upkeep(store, files, sweeps=False).sweep_files() == 1

    assert [path.name for path in tmp_path.rglob("*")] == ["imports"]
    assert store.imports.get(imported.id).failed == 1
    with pytest.raises(NotFound, match="30 days"):
        imports.look(files, imported)


def test_a_file_that_was_not_imported_can_be_thrown_away(store: Store, files: FolderFiles, tmp_path: Path) -> None:
    imported = checked(store, files, many(2))

    imports.discard(store, files, imported, actor="ingrid", now=utc_now())

    assert imports.recent(store) == []
    assert [path.name for path in tmp_path.rglob("*")] == ["imports"]


def test_an_upload_that_is_refused_leaves_nothing(store: Store, files: FolderFiles, tmp_path: Path) -> None:
    for data in (b"", b"name,email\n", b"%PDF-1.7", b"PK\x03\x04rest"):
        with pytest.raises(RuleViolation):
            uploaded(store, files, data)

    assert imports.recent(store) == []
    assert [path.name for path in tmp_path.rglob("*")] == ["imports"]


def test_verify_names_an_import_that_nobody_works_on_and_repair_lets_it_go_on(store: Store, files: FolderFiles) -> None:
    imported = begun(store, files, many(150))
    held = step_of(store, files, imported)
    import_jobs.write_step(work_on(store, files), held)
    held.release(None)

    found = differences(store)
    repair(store)
    work_off(store, files)

    assert [difference.says for difference in found] == ["it is not over, but no job is due"]
    assert store.imports.get(imported.id).counts == {Kind.NEW: 150}
