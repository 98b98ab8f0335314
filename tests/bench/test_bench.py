"""The benches run, count what they say they count, and are measured against a baseline that answers correctly."""

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench import analytics, conferences, naive, pages
from bench.__main__ import main
from bench.crowd import make_people, write_people
from bench.mailings import with_more_campaigns, with_more_recipients, write_mailings
from bench.meter import Meter
from bench.report import Bound, Grid, Result, exit_status, text_of
from crm.domain.metrics import EmailQuery
from crm.domain.people import Person
from crm.services.analytics import overview
from crm.services.verify import differences
from crm.store import Store
from crm.store.cost import Cost, metered
from tests.factories import make_person

CONFERENCES = Path(__file__).resolve().parents[3] / "shared" / "data" / "conferences-2025.json"
"""Real conferences of a year, where somebody has put them beside the project; else the made-up year serves."""


@pytest.fixture
def people(store: Store) -> list[Person]:
    people = make_people(150)
    write_people(store, people)
    return people


def test_the_naive_way_and_ours_both_fill_the_page_with_people_that_match(store: Store, people: list[Person]) -> None:
    for case in pages.cases(people):
        there = sum(case.wanted.matches(person) for person in people)

        ours = store.people.page(case.wanted, limit=pages.LIMIT).items
        naively = naive.page(store.table, case.wanted, limit=pages.LIMIT)

        assert there > 0, case.name
        assert len(ours) == min(there, pages.LIMIT), case.name
        for found in (ours, naively):
            assert len({person.id for person in found}) == len(ours), case.name
            assert all(case.wanted.matches(person) for person in found), case.name


def test_a_crowd_stands_in_the_table_as_its_writers_would_have_left_it(store: Store) -> None:
    people = [replace(person, attended_event_count=0, hosted_event_count=0) for person in make_people(60)]

    write_people(store, people)

    assert differences(store) == []
    assert list(store.people.get_many([person.id for person in people]).values()) == [
        replace(person, version=1) for person in people
    ]
    assert store.people.totals().total == len(people)


def test_the_naive_way_takes_the_index_that_was_guessed_to_be_narrowest_and_else_the_table(people: list[Person]) -> None:
    chosen = {case.name: naive.choose(case.wanted).source for case in pages.cases(people)}

    assert chosen["company + title"] == "company"
    assert chosen["city + state"] == "location"
    assert chosen["attended 5 to 9"] == "counts"
    assert {chosen[name] for name in ("not this company", "tag", "name begins (q)")} == {"scan"}


def test_mailings_stand_in_the_table_as_sending_leaves_them_and_are_found_alike_by_a_scan_and_by_counters(store: Store) -> None:
    now = datetime(2026, 5, 4, 9, tzinfo=UTC)
    mailings = with_more_recipients(300, now)

    write_mailings(store, mailings)

    every = EmailQuery()
    found, emails = overview(store, every), list(naive.every_email(store.table))
    assert mailings.emails == found.summary.emails == 300
    assert len(mailings.campaigns) == len(found.breakdowns["campaign_id"])
    assert naive.summary(emails, every).items() <= found.summary.totals.items()
    assert naive.newest(emails, every, limit=60) == store.email_lists.find(every, limit=60).items
    assert differences(store) == []


def test_mailings_become_more_by_recipients_or_by_campaigns() -> None:
    now = datetime(2026, 5, 4, 9, tzinfo=UTC)

    recipients = [with_more_recipients(size, now) for size in (1_000, 10_000)]
    campaigns = [with_more_campaigns(size, now) for size in (1_000, 10_000)]

    assert [one.emails for one in [*recipients, *campaigns]] == [1_000, 10_000] * 2
    assert recipients[0].campaigns[3].id == recipients[1].campaigns[3].id
    assert {one.latest.id for one in [*recipients, *campaigns]} == {recipients[0].latest.id}
    assert [len(one.campaigns) for one in [*recipients, *campaigns]] == [20, 20, 20, 200]


def test_what_grows_with_the_e_mails_breaks_the_promise_of_the_analytics() -> None:
    now = datetime(2026, 5, 4, 9, tzinfo=UTC)
    question = analytics.Question("a list", lambda staff, mailings: None)
    small = Cost(requests=10, items_read=40, read_units=20)
    by_recipients, by_campaigns = analytics.GROWTHS

    def kept(growth: analytics.Growth, **grown: float) -> bool:
        made = [growth.make(size, now) for size in (1_000, 10_000)]
        cost = replace(small, **{name: getattr(small, name) + more for name, more in grown.items()})
        return all(bound.kept for bound in growth.judge(question, [small, cost], made))

    assert [kept(growth) for growth in analytics.GROWTHS] == [True, True]
    assert [kept(growth, requests=1) for growth in analytics.GROWTHS] == [False, False]
    assert [kept(by_recipients, items_read=1), kept(by_recipients, read_units=2)] == [False, False]
    assert [kept(by_campaigns, items_read=180), kept(by_campaigns, items_read=181)] == [True, False]
    assert [kept(by_campaigns, read_units=20), kept(by_campaigns, read_units=30)] == [True, False]


def test_the_meter_agrees_with_the_store_and_counts_other_threads_as_well(store: Store) -> None:
    meter = Meter(store.table.client)

    with metered() as own, meter.reading() as reading:
        store.people.create(make_person(company="Analytical Engines"))
        store.people.totals()
    with meter.reading() as elsewhere:
        thread = threading.Thread(target=store.people.create, args=[make_person()])
        thread.start()
        thread.join()

    assert reading.cost == own
    assert elsewhere.cost.write_units > 0


def test_a_broken_promise_is_told_and_ends_with_status_1() -> None:
    kept = Bound(promise="items for each returned", measured=1.02, most=1.2)
    broken = Bound(promise="write units for each recipient", measured=9.5, most=9.0)

    text = text_of([Result(bounds=[kept, broken])])

    assert exit_status([Result(bounds=[kept])]) == 0
    assert exit_status([Result(bounds=[kept]), Result(bounds=[broken])]) == 1
    assert [line.split()[-1] for line in text.splitlines() if line.startswith(("items", "write"))] == ["kept", "BROKEN"]


def test_a_table_has_words_to_the_left_and_numbers_to_the_right() -> None:
    grid = Grid(title="Pages", columns=("filter", "items"), rows=[("tag", 12_000), ("company", 51), ("none", None)])

    assert grid.text().splitlines() == [
        "Pages",
        "",
        "filter    items",
        "-------  ------",
        "tag      12,000",
        "company      51",
        "none",
    ]


@pytest.mark.slow
@pytest.mark.django_db
def test_reading_and_writing_are_measured_at_a_tiny_size_and_keep_their_promises(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["pages", "writes", "analytics", "import", "--sizes", "60,120"])

    told = capsys.readouterr().out
    assert [title for title in ("People pages", "Writes", "Lists of events", "Analytics", "Import") if title not in told] == []
    assert "company, page 2, 120 people" not in told.partition("Promises")[0]
    assert "BROKEN" not in told
    assert status == 0


@pytest.mark.slow
def test_a_campaign_is_sent_by_real_workers_to_a_real_mail_server(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["mail", "--sizes", "60,100"])

    told = capsys.readouterr().out
    assert [line.split()[-1] for line in told.splitlines() if line.startswith("people not mailed")] == ["kept", "kept"]
    assert sum(line.startswith("sending, ") for line in told.splitlines()) == 5
    assert sum(line.startswith("expanding and sending") for line in told.splitlines()) == 2
    assert status == 0


@pytest.mark.slow
def test_a_year_of_conferences_can_be_created_over_http_and_every_list_and_range_is_right(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = ["--file", str(CONFERENCES)] if CONFERENCES.exists() else []

    status = main(["conferences", *file])

    told = capsys.readouterr().out
    assert [line.split()[-1] for line in told.partition("Promises")[2].splitlines() if line.endswith(("kept", "BROKEN"))] == [
        "kept"
    ] * 3
    assert status == 0


def test_the_plain_filter_has_what_goes_on_in_a_range_by_its_start_and_slugs_are_told_apart() -> None:
    day = {"name": "Øst Days", "startDate": "2025-03-29", "endDate": "2025-03-30"}
    first, second = conferences.read([day, {**day, "startDate": "2025-03-30", "country": "U.S.A."}])
    everything = conferences.Span(name="all", start=None, end=None, limit=50)

    ids = conferences.expected({"b": second, "a": first}, everything)

    assert ids == ["a", "b"]
    assert [one.slug for one in (first, second)] == ["st-days-2025", "st-days-2025-2"]
    assert [f"{one.ends:%H:%M %z}" for one in (first, second)] == ["17:30 +0200", "17:30 -0400"]
    assert not replace(everything, start=first.ends).holds(first)
    assert replace(everything, end=second.starts).holds(second)


def test_an_unknown_bench_and_a_size_that_is_none_are_refused_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for words, sentence in (
        (["typo"], "there is no bench “typo”"),
        (["--sizes", "many"], "sizes are whole numbers"),
        (["--file", "none"], "no file none"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main(words)

        assert sentence in capsys.readouterr().err
