"""What a segment may be called, who sees and changes it, and what an erase leaves of it."""

import pytest

from crm.domain.errors import RuleViolation
from crm.domain.filters import PeopleFilter
from crm.domain.segments import MAX_NAME, Segment
from tests.factories import NOW, make_person


def _segment(name: str = "Acme", **values: object) -> Segment:
    given = {"filter": PeopleFilter(company=("Acme",)), "owner": "ingrid", "created_at": NOW, "updated_at": NOW, **values}
    return Segment(id="s1", name=name, **given)  # type: ignore[arg-type]


def test_a_name_is_trimmed_and_its_white_space_squeezed() -> None:
    assert _segment("  Göteborg   regulars ").cleaned().name == "Göteborg regulars"


@pytest.mark.parametrize(
    "name", ["", "   ", "a\x00b", "tab\there", "\u200b", "\u0301", "x" * (MAX_NAME + 1), "a\u202eb", "ﷺ" * MAX_NAME]
)
def test_a_name_that_cant_be_is_refused_with_its_field(name: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        _segment(name).cleaned()

    assert refused.value.field == "name"


def test_a_filter_that_everybody_passes_is_no_segment() -> None:
    with pytest.raises(RuleViolation, match="would be everybody"):
        _segment(filter=PeopleFilter()).cleaned()


@pytest.mark.parametrize(
    ("shared", "viewer", "edits_people", "sees", "changes"),
    [
        (False, "ingrid", False, True, True),
        (False, "tom", True, False, False),
        (True, "ingrid", False, True, True),
        (True, "tom", False, True, False),
        (True, "tom", True, True, True),
    ],
)
def test_who_sees_and_who_changes(shared: bool, viewer: str, edits_people: bool, sees: bool, changes: bool) -> None:
    segment = _segment(shared=shared)

    assert segment.seen_by(viewer) is sees
    assert segment.changed_by(viewer, edits_people=edits_people) is changes


def test_filters_that_mean_the_same_are_the_same_segment() -> None:
    segment = _segment(filter=PeopleFilter(city=("Malmö", "Lund")))

    assert segment.is_about(PeopleFilter(city=("lund", "MALMO")))
    assert not segment.is_about(PeopleFilter(city=("lund",)))


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("For zoë ÅNGSTRÖM only", "For (erased) only"),
        ("Ångström, Zoë", "(erased)"),
        ("(Zoë Ångström)", "((erased))"),
        ("Zoe Angstrom", "(erased)"),
        ("zoe@example.org and others", "(erased) and others"),
        ("Zoë’s friends", "Zoë’s friends"),
    ],
)
def test_an_erase_takes_a_whole_name_out_of_the_name(name: str, left: str) -> None:
    zoe = make_person(first_name="Zoë", last_name="Ångström", email="zoe@example.org")

    assert _segment(name).without(zoe).name == left
