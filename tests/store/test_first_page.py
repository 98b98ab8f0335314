"""What the first page asks of the store: things of several kinds together, the newest of many, what is at work, who came."""

from datetime import UTC, datetime, timedelta

from crm.domain.imports import Import, ImportStatus
from crm.domain.metrics import EmailQuery
from crm.store import Store
from crm.store.cost import metered
from crm.store.facets import TOTAL_KEYS, totals_in
from crm.store.jobs import JobKey
from crm.store.months import joined_in, joined_ranges
from crm.store.together import Wanted, found
from tests.conftest import Clock
from tests.factories import NOW, make_campaign, make_event, make_person
from tests.mailings import keep_emails, make_email


def test_counters_and_items_of_several_kinds_come_with_one_reading(store: Store) -> None:
    store.people.create(make_person())
    campaign = store.campaigns.create(make_campaign())
    event = store.events.create(make_event(), [], [], now=NOW)
    imported = store.imports.save(
        Import(id="i1", name="a.csv", owner="", size=1, kind="csv", status=ImportStatus.OPEN, created_at=NOW)
    )
    keep_emails(store, [make_email(campaign_id=campaign.id) for _ in range(3)])
    wanted = Wanted(campaigns=["gone", campaign.id], events=[event.id], imports=[imported.id])

    with metered() as cost:
        snapshot = store.stats.snapshot([*TOTAL_KEYS, *store.campaigns.figure_keys([campaign.id])], beside=wanted.keys)

    assert cost.requests == 7
    assert totals_in(snapshot).total == 1
    assert store.campaigns.figures_in(snapshot, [campaign.id])[campaign.id].sent == 3
    seen = found(snapshot.beside)
    assert (list(seen.campaigns), list(seen.events), list(seen.imports)) == ([campaign.id], [event.id], [imported.id])


def test_hours_out_of_a_snapshot_are_those_that_are_read_by_themselves(store: Store) -> None:
    moments = [datetime(2026, month, day, 9, tzinfo=UTC) for month, day in ((3, 31), (4, 1), (4, 30), (5, 1), (5, 2))]
    keep_emails(store, [make_email(created_at=moment) for moment in moments])
    query = EmailQuery(start=moments[1].date(), end=moments[3].date())

    snapshot = store.stats.snapshot(ranges=store.email_lists.ranges(query))

    assert store.email_lists.rows_in(snapshot, query) == store.email_lists.rows(query)
    assert [row.hour for row in store.email_lists.rows(query)] == moments[1:4]


def test_who_came_is_known_by_the_hour_while_they_are_there(store: Store) -> None:
    first, last = datetime(2026, 4, 30, 22, tzinfo=UTC), datetime(2026, 5, 1, 21, tzinfo=UTC)
    for moment in (first - timedelta(minutes=1), first, first + timedelta(minutes=59), last, last + timedelta(hours=1)):
        store.people.create(make_person(created_at=moment))
    store.people.delete(store.people.create(make_person(created_at=last)))

    snapshot = store.stats.snapshot(ranges=joined_ranges(first, last))

    assert list(joined_in(snapshot, first, last)) == [(first, 2), (last, 1)]


def test_the_newest_campaigns_are_found_without_the_others(store: Store) -> None:
    for number in range(6):
        moment = NOW.replace(year=NOW.year - number // 4) - timedelta(minutes=number)
        store.campaigns.create(make_campaign(subject=f"{number}", created_at=moment, archived_at=NOW if number == 1 else None))
    store.table.clock = lambda: NOW

    with metered() as few:
        newest = store.campaigns.newest(2)
    with metered() as many:
        everything = store.campaigns.newest(10)

    assert [row.subject for row in newest] == ["0", "2"]
    assert [row.subject for row in everything] == ["0", "2", "3", "4", "5"]
    assert (few.requests, few.items_read, many.requests) == (1, 2, 2)


def test_work_is_told_by_when_it_is_due_whoever_has_it(store: Store, clock: Clock) -> None:
    late, held, later = (JobKey(owner=f"EVENT#{number}", name="CREATE") for number in range(3))
    for key, minutes in ((later, 60), (held, 0), (late, -20)):
        store.table.write([store.jobs.put(key, due_at=clock() + timedelta(minutes=minutes))])
    store.jobs.lease(held, "worker", seconds=60, now=clock())

    assert [(key, round((due_at - clock()).total_seconds() / 60)) for key, due_at in store.jobs.at_work()] == [
        (late, -20),
        (held, 1),
        (later, 60),
    ]


def test_imports_since_a_moment_are_found_by_keys(store: Store) -> None:
    for number in range(4):
        at = NOW + timedelta(days=number)
        store.imports.save(
            Import(id=f"i{number}", name="a.csv", owner="", size=1, kind="csv", status=ImportStatus.OPEN, created_at=at)
        )

    assert store.imports.since(NOW + timedelta(days=1), 10) == ["i3", "i2", "i1"]
    assert store.imports.since(NOW, 2) == ["i3", "i2"]
