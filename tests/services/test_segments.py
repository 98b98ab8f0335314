"""Segments: saved, seen, changed, opened wherever a filter is taken, and forgetting whoever is erased."""

import pytest

from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.filters import Order, PeopleFilter
from crm.domain.segments import MAX_OWN, Segment
from crm.services import segments
from crm.services.verify import differences
from crm.store import Store
from tests.factories import NOW, make_person

ACME = PeopleFilter(company=("Acme",))


def _save(
    store: Store, name: str = "Acme", wanted: PeopleFilter = ACME, *, owner: str = "ingrid", shared: bool = False
) -> Segment:
    return segments.save(store, name, wanted, owner=owner, shared=shared, now=NOW)


def test_a_segment_is_seen_by_its_owner_and_when_shared_by_all(store: Store) -> None:
    own = _save(store, "Mine")
    shared = _save(store, "Ours", shared=True)

    assert [one.id for one in store.segments.visible("ingrid")] == [own.id, shared.id]
    assert [one.id for one in store.segments.visible("tom")] == [shared.id]
    with pytest.raises(NotFound):
        segments.opened(store, own.id, "tom")


@pytest.mark.parametrize("field", ["within", "without"])
def test_a_segment_that_leans_on_another_is_refused(store: Store, field: str) -> None:
    other = _save(store, "Mine")

    with pytest.raises(RuleViolation, match="can't lean on another"):
        _save(store, "Yours", PeopleFilter(**{field: (f"segment:{other.id}",)}))  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["within", "without"])
def test_a_group_names_no_segment_of_somebody_else_nor_tells_that_it_is_there(store: Store, field: str) -> None:
    own, shared = _save(store, "Mine"), _save(store, "Ours", shared=True)
    told = []

    for segment_id in (own.id, "gone"):
        with pytest.raises(RuleViolation) as refused:
            segments.expanded(store, {field: ["days:3", f" segment:{segment_id}"]}, viewer="tom")
        told.append([(error.field, error.message) for error in refused.value.errors])

    assert told[0] == told[1] == [(field, "There is no such segment; it may have been deleted. Take it out of the filter.")]
    for viewer, segment_id in (("ingrid", own.id), ("tom", shared.id)):
        given = {field: [f"segment:{segment_id}"]}
        assert segments.expanded(store, given, viewer=viewer) == given


def test_a_form_may_name_others_own_segments_only_where_what_is_stored_does(store: Store) -> None:
    own, shared = (f"segment:{_save(store, name, shared=name == 'Ours').id}" for name in ("Mine", "Ours"))
    wanted = PeopleFilter(within=(shared, "segment:gone"), without=(own, "days:3"))

    with pytest.raises(RuleViolation, match="no such segment") as refused:
        segments.check_seen(store, wanted, viewer="tom")

    assert refused.value.field == "without"
    segments.check_seen(store, wanted, viewer="tom", known=PeopleFilter(within=(own,)))
    segments.check_seen(store, wanted, viewer="ingrid")


def test_the_same_form_sent_twice_makes_one_segment(store: Store) -> None:
    first = segments.save(store, "Acme", ACME, owner="ingrid", now=NOW, segment_id="s1")

    again = segments.save(store, "Acme", ACME, owner="ingrid", now=NOW, segment_id="s1")

    assert again == first
    assert store.segments.visible("ingrid") == [first]


def test_the_same_form_with_another_name_makes_another_segment(store: Store) -> None:
    segments.save(store, "Acme", ACME, owner="ingrid", now=NOW, segment_id="s1")

    segments.save(store, "Acme, again", ACME, owner="ingrid", now=NOW, segment_id="s1")

    assert [one.name for one in store.segments.visible("ingrid")] == ["Acme", "Acme, again"]


def test_segments_are_nothing_that_verify_minds(store: Store) -> None:
    _save(store)

    assert list(differences(store)) == []


def test_two_segments_that_somebody_sees_have_two_names(store: Store) -> None:
    _save(store, "Göteborg", shared=True)
    _save(store, "Private")

    with pytest.raises(Conflict, match="already"):
        _save(store, "goteborg", owner="tom")
    assert _save(store, "private", owner="tom").name == "private"


def test_somebody_has_only_so_many_segments(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "MAX_OWN", 2)
    _save(store, "One")
    _save(store, "Two")

    with pytest.raises(RuleViolation, match="which is the most"):
        _save(store, "Three")
    assert MAX_OWN > 2


def test_editing_changes_what_is_given_and_nothing_else(store: Store) -> None:
    saved = _save(store)

    renamed = segments.edit(store, saved.id, viewer="ingrid", version=1, name="Acme people", now=NOW)
    other = segments.edit(
        store, saved.id, viewer="ingrid", version=2, wanted=PeopleFilter(city=("Lund",)), order=Order.NAME, shared=True, now=NOW
    )

    assert (renamed.name, renamed.filter, renamed.shared, renamed.version) == ("Acme people", ACME, False, 2)
    assert (other.name, other.filter, other.order, other.shared) == (
        "Acme people",
        PeopleFilter(city=("Lund",)),
        Order.NAME,
        True,
    )
    assert store.segments.get(saved.id) == other


def test_who_changes_an_older_version_loses_and_nothing_is_overwritten(store: Store) -> None:
    saved = _save(store)
    segments.edit(store, saved.id, viewer="ingrid", version=1, name="First", now=NOW)

    with pytest.raises(Conflict, match="changed by someone else"):
        segments.edit(store, saved.id, viewer="ingrid", version=1, name="Second", now=NOW)
    with pytest.raises(Conflict):
        segments.delete(store, saved.id, viewer="ingrid", version=1, now=NOW)

    assert store.segments.get(saved.id).name == "First"


def test_a_deleted_segment_is_gone(store: Store) -> None:
    saved = _save(store)

    segments.delete(store, saved.id, viewer="ingrid", version=1, now=NOW)

    assert store.segments.visible("ingrid") == []
    with pytest.raises(NotFound):
        segments.delete(store, saved.id, viewer="ingrid", now=NOW)


def test_values_without_a_segment_are_left_alone(store: Store) -> None:
    assert segments.expanded(store, {"company": ["Acme"], "segment": [""]}, viewer="ingrid") == {"company": ["Acme"]}


def test_a_segment_stands_for_its_filter_and_its_order(store: Store) -> None:
    saved = segments.save(store, "Acme", ACME, order=Order.ATTENDED, owner="ingrid", now=NOW)

    values = segments.expanded(store, {"segment": [saved.id], "city": ["Lund"]}, viewer="ingrid")

    assert values == {"company": ["Acme"], "city": ["Lund"], "order": ["attended"]}
    assert segments.expanded(store, {"segment": [saved.id], "order": ["name"]}, viewer="ingrid")["order"] == ["name"]


def test_a_field_that_stands_in_the_segment_too_is_refused(store: Store) -> None:
    saved = _save(store)

    with pytest.raises(RuleViolation, match="company stands in the segment already") as refused:
        segments.expanded(store, {"segment": [saved.id], "company": ["Other"]}, viewer="ingrid")

    assert refused.value.field == "company"


def test_an_unknown_segment_and_somebody_elses_own_are_not_found(store: Store) -> None:
    saved = _save(store)

    for segment_id, viewer in (("nothing", "ingrid"), (saved.id, "tom")):
        with pytest.raises(NotFound, match="There is no such segment"):
            segments.expanded(store, {"segment": [segment_id]}, viewer=viewer)


def test_two_segments_at_once_are_refused(store: Store) -> None:
    with pytest.raises(RuleViolation, match="Only one segment"):
        segments.expanded(store, {"segment": ["a", "b"]}, viewer="ingrid")


@pytest.mark.parametrize("q", ["zoe@example.org", "Zoe@Example.org", "angstrom ZOË", "zoë ångström lund"])
def test_a_segment_forgets_who_is_erased(store: Store, q: str) -> None:
    zoe = store.people.create(make_person(first_name="Zoë", last_name="Ångström", email="zoe@example.org"))
    saved = _save(store, "For Zoë Ångström", PeopleFilter(q=q, city=("Lund",)))

    changed = segments.forget(store, zoe)

    left = store.segments.get(saved.id)
    assert changed == 1
    assert left.filter == PeopleFilter(ids=(zoe.id,), city=("Lund",))
    assert left.name == "For (erased)"
    assert segments.forget(store, zoe) == 0


def test_a_segment_about_others_is_not_touched_by_an_erase(store: Store) -> None:
    zoe = store.people.create(make_person(first_name="Zoë", last_name="Ångström", email="zoe@example.org"))
    saved = _save(store, "All called Zoë", PeopleFilter(q="zoë"))

    assert segments.forget(store, zoe) == 0
    assert store.segments.get(saved.id) == saved
