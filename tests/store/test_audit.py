"""The audit log as it is read: by filter, page by page, a bounded stretch at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.domain.audit import AuditEntry, Origin
from crm.domain.audit_actions import Subject
from crm.domain.audit_filter import AuditFilter
from crm.domain.errors import BadToken
from crm.domain.events import EventStatus
from crm.store import Store
from crm.store import audit as audit_store
from crm.store.audit import AuditPage
from crm.store.audit_names import Named, names
from crm.store.cost import metered
from crm.store.requests import Delete
from crm.store.table import Table
from tests.conftest import store_over
from tests.factories import make_campaign, make_event, make_person

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)


def _entry(number: int, at: datetime, **values: object) -> AuditEntry:
    given = {"actor": "ingrid", "action": "person.edited", "subject": f"p{number}", **values}
    return AuditEntry(id=f"{number:04d}", at=at, **given)  # type: ignore[arg-type]


def _pages(store: Store, wanted: AuditFilter, limit: int) -> Iterator[AuditPage]:
    page = store.audit.page(wanted, limit=limit)
    yield page
    while page.next_token is not None:
        page = store.audit.page(wanted, limit=limit, token=page.next_token)
        yield page


@pytest.fixture
def ticking(table: Table) -> Store:
    """A store whose clock stands at NOW."""
    table.clock = lambda: NOW
    return store_over(table)


ENTRIES = st.lists(
    st.tuples(
        st.integers(0, 200 * 24 * 60),
        st.sampled_from(["ingrid", "jonas"]),
        st.sampled_from(["person.edited", "people.merged", "campaign.sent"]),
        st.sampled_from(["page", "api"]),
    ),
    max_size=30,
)
FILTERS = st.builds(
    AuditFilter,
    who=st.sampled_from(["", "ingrid"]),
    what=st.sampled_from(["", "people", "campaign.sent"]),
    via=st.sampled_from(["", "api"]),
    start=st.sampled_from([None, NOW - timedelta(days=70, minutes=3)]),
    end=st.sampled_from([None, NOW - timedelta(days=15), datetime(2026, 3, 1, tzinfo=UTC)]),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=ENTRIES, wanted=FILTERS, limit=st.integers(1, 7), at_once=st.integers(2, 5), most=st.integers(1, 3))
def test_every_entry_is_on_one_page_whatever_a_page_may_read(
    ticking: Store, entries: list[tuple[int, str, str, str]], wanted: AuditFilter, limit: int, at_once: int, most: int
) -> None:
    store = ticking
    written = [
        _entry(number, NOW - timedelta(minutes=minutes), actor=actor, action=action, origin=Origin(via=via))
        for number, (minutes, actor, action, via) in enumerate(entries)
    ]
    puts = [store.audit.put(entry) for entry in written]
    store.table.write(puts)
    expected = sorted((one for one in written if wanted.matches(one)), key=lambda one: (one.at, one.id), reverse=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit_store, "AT_ONCE", at_once)
        patch.setattr(audit_store, "MOST_QUERIES", most)
        forth = list(_pages(store, wanted, limit))
        page, back = forth[-1], list(forth[-1].items)
        while page.prev_token is not None:
            page = store.audit.page(wanted, limit=limit, token=page.prev_token)
            back = list({one.id: one for one in [*page.items, *back]}.values())
        walked = list(store.audit.walk(wanted))
    store.table.write([Delete(key={name: item.item[name] for name in ("PK", "SK")}) for item in puts])

    assert [one for page in forth for one in page.items] == expected
    assert back == expected
    assert walked == expected


def test_a_page_reads_one_month_where_every_entry_fits(ticking: Store) -> None:
    ticking.table.write([ticking.audit.put(_entry(number, NOW - timedelta(minutes=number))) for number in range(60)])

    with metered() as cost:
        page = ticking.audit.page(AuditFilter(), limit=50)

    assert (len(page.items), page.looked_to, cost.requests) == (50, None, 1)


def test_where_few_entries_fit_a_page_says_how_far_back_it_looked(ticking: Store) -> None:
    ticking.audit.note(_entry(1, datetime(2025, 6, 10, tzinfo=UTC), actor="jonas"))
    ticking.audit.note(_entry(2, NOW))
    wanted = AuditFilter(who="jonas")

    with metered() as cost:
        first = ticking.audit.page(wanted)
    second = ticking.audit.page(wanted, token=first.next_token)
    third = ticking.audit.page(wanted, token=second.next_token)

    assert (first.items, first.looked_to, cost.requests) == ([], datetime(2026, 1, 1, tzinfo=UTC), 5)
    assert second.looked_to == datetime(2025, 8, 1, tzinfo=UTC)
    assert [one.id for one in third.items] == ["0001"]


def test_a_month_that_is_over_and_empty_is_asked_for_once(ticking: Store) -> None:
    ticking.audit.note(_entry(1, NOW))
    while ticking.audit.page(AuditFilter()).next_token is not None:
        pass

    with metered() as cost:
        page = ticking.audit.page(AuditFilter())

    assert ([one.id for one in page.items], page.looked_to, cost.requests) == (["0001"], None, 1)


def test_a_span_of_days_reads_its_own_months(ticking: Store) -> None:
    ticking.audit.note(_entry(1, datetime(2026, 2, 28, 23, 59, 59, 999000, tzinfo=UTC)))
    ticking.audit.note(_entry(2, datetime(2026, 3, 1, tzinfo=UTC)))
    ticking.audit.note(_entry(3, datetime(2026, 3, 31, 23, 59, tzinfo=UTC)))
    ticking.audit.note(_entry(4, datetime(2026, 4, 1, tzinfo=UTC)))
    march = AuditFilter(start=datetime(2026, 3, 1, tzinfo=UTC), end=datetime(2026, 4, 1, tzinfo=UTC))

    with metered() as cost:
        page = ticking.audit.page(march)

    assert [one.id for one in page.items] == ["0003", "0002"]
    assert cost.requests == 1


def test_a_token_of_another_filter_is_refused(ticking: Store) -> None:
    ticking.table.write([ticking.audit.put(_entry(number, NOW)) for number in range(3)])
    token = ticking.audit.page(AuditFilter(), limit=1).next_token

    with pytest.raises(BadToken):
        ticking.audit.page(AuditFilter(who="ingrid"), limit=1, token=token)


def test_names_of_all_that_a_page_speaks_of_are_one_request(store: Store) -> None:
    person = store.people.create(make_person(first_name="Ada", last_name="King"))
    event = store.events.create(make_event(title="Spring", status=EventStatus.PUBLISHED), [], [], now=NOW)
    campaign = store.campaigns.create(make_campaign(subject="News"))
    wanted = {(Subject.PERSON, person.id), (Subject.EVENT, event.id), (Subject.CAMPAIGN, campaign.id), (Subject.PERSON, "gone")}

    with metered() as cost:
        found = names(store.table, {*wanted, (Subject.STAFF, "staff:1"), (Subject.NOTHING, "")})

    assert found == {
        (Subject.PERSON, person.id): Named(name="Ada King"),
        (Subject.EVENT, event.id): Named(name="Spring"),
        (Subject.CAMPAIGN, campaign.id): Named(name="News"),
    }
    assert cost.requests == 1
