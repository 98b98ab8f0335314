"""Segments as they are kept: whole, by name, page by page, and with an index that answers late."""

import pytest

from crm.domain.errors import BadToken, Conflict, NotFound
from crm.domain.filters import Order, PeopleFilter, parse_filter
from crm.domain.people import EmailStatus
from crm.domain.segments import Segment
from crm.store import Store
from crm.store.table import Table
from tests.conftest import store_over
from tests.factories import NOW
from tests.store.late import LateTable


def _segment(name: str, **values: object) -> Segment:
    given = {"filter": PeopleFilter(company=("Acme",)), "owner": "ingrid", "created_at": NOW, "updated_at": NOW, **values}
    return Segment(id=f"id-{name}", name=name, **given)  # type: ignore[arg-type]


def test_a_segment_comes_back_as_it_was_saved(store: Store) -> None:
    wanted = PeopleFilter(company=("Å & Co #1",), tag_not=("vip",), attended_min=3, q="zo", email_status=(EmailStatus.MAILABLE,))

    stored = store.segments.create(_segment("One", filter=wanted, order=Order.HOSTED, shared=True))

    assert store.segments.get(stored.id) == stored
    assert (stored.filter, stored.version) == (wanted, 1)


def test_every_field_of_a_filter_is_kept(store: Store) -> None:
    numbers = {
        "hostedEventCountMin": ["1"],
        "hostedEventCountMax": ["2"],
        "attendedEventCountMin": ["3"],
        "attendedEventCountMax": ["4"],
    }
    texts = {name: ["a", "b"] for name in ("company", "jobTitle", "city", "state", "tag", "attends", "mailed", "selected", "id")}
    unwanted = {name: ["c"] for name in ("companyNot", "jobTitleNot", "cityNot", "stateNot", "tagNot", "attendsNot", "mailedNot")}
    wanted = parse_filter({**numbers, **texts, **unwanted, "q": ["zo"], "emailStatus": ["bounced"]})

    store.segments.create(_segment("One", filter=wanted))

    assert store.segments.get("id-One").filter == wanted


def test_segments_are_listed_by_name_as_names_compare(store: Store) -> None:
    for name in ("Örebro", "alumni", "Malmö", "Zagreb"):
        store.segments.create(_segment(name))

    assert [one.name for one in store.segments.visible("ingrid")] == ["alumni", "Malmö", "Örebro", "Zagreb"]


def test_a_list_reads_nothing_of_what_others_keep_for_themselves(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    batch_get = store.table.batch_get
    store.segments.create(_segment("#1 of tom", owner="tom"))
    store.segments.create(_segment("#2 of tom, shared", owner="tom", shared=True))
    store.segments.create(_segment("#3 of ingrid"))
    monkeypatch.setattr(
        store.table, "batch_get", lambda keys, **how: read.extend(key["PK"] for key in keys) or batch_get(keys, **how)
    )

    store.segments.visible("ingrid")

    assert read == ["SEGMENT#id-%232%20of%20tom,%20shared", "SEGMENT#id-%233%20of%20ingrid"]


def test_pages_lead_forward_and_back_over_what_one_sees(store: Store) -> None:
    for number in range(7):
        store.segments.create(_segment(f"Segment {number}"))
        store.segments.create(_segment(f"Segment {number} of another", owner="tom"))

    first = store.segments.page("ingrid", limit=3)
    second = store.segments.page("ingrid", limit=3, token=first.next_token)
    third = store.segments.page("ingrid", limit=3, token=second.next_token)
    back = store.segments.page("ingrid", limit=3, token=third.prev_token)

    assert [one.name[-1] for page in (first, second, third) for one in page.items] == list("0123456")
    assert (first.prev_token, third.next_token) == (None, None)
    assert back == second
    with pytest.raises(BadToken):
        store.segments.page("tom", limit=3, token=first.next_token)


def test_a_page_behind_what_was_deleted_goes_on(store: Store) -> None:
    stored = [store.segments.create(_segment(f"Segment {number}")) for number in range(4)]
    first = store.segments.page("ingrid", limit=2)

    store.segments.delete(stored[1])

    assert [one.name for one in store.segments.page("ingrid", limit=2, token=first.next_token).items] == [
        "Segment 2",
        "Segment 3",
    ]


def test_who_saves_an_older_version_loses(store: Store) -> None:
    read = store.segments.create(_segment("One"))
    store.segments.save(read)

    with pytest.raises(Conflict):
        store.segments.save(read)
    with pytest.raises(Conflict):
        store.segments.delete(read)
    with pytest.raises(Conflict):
        store.segments.create(read)

    assert store.segments.get(read.id).version == 2


def test_a_late_index_lists_late_but_never_wrongly(table: Table, store: Store) -> None:
    late = store_over(LateTable(table.client, table.name, lag=60))
    gone, renamed = store.segments.create(_segment("A")), store.segments.create(_segment("B"))
    assert [one.name for one in late.segments.visible("ingrid")] == ["A", "B"]

    late.segments.delete(gone)
    other = late.segments.save(Segment(**{**{name: getattr(renamed, name) for name in Segment.__slots__}, "name": "0"}))
    late.segments.create(_segment("C"))

    assert late.segments.visible("ingrid") == [other]
    assert late.segments.get("id-C").name == "C"
    with pytest.raises(NotFound):
        late.segments.get(gone.id)
