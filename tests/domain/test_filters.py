"""What a filter means, and what is no filter."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from crm.domain.errors import RuleViolation
from crm.domain.filters import MAX_COUNT, Order, Outcome, PeopleFilter, filter_values, mailing, parse_filter, parse_order
from crm.domain.people import EmailStatus
from tests.factories import make_person
from tests.store.crowd import filters, grouped

ADA = make_person(
    first_name="Ada Marie",
    last_name="Ødegård",
    email="ada@example.org",
    company="Ångström  AB",
    job_title="Engineer",
    city="Ulm",
    tags=("VIP",),
    attended_event_count=3,
    hosted_event_count=1,
)


@pytest.mark.parametrize(
    "wanted",
    [
        PeopleFilter(),
        PeopleFilter(company=("angstrom ab",)),
        PeopleFilter(company=("Other", "ÅNGSTRÖM AB"), job_title=("engineer",)),
        PeopleFilter(state_not=("IL",), company_not=("Other",)),
        PeopleFilter(tag=("vip", "other"), tag_not=("x",)),
        PeopleFilter(attended_min=3, attended_max=3, hosted_min=0, hosted_max=MAX_COUNT),
        PeopleFilter(email_status=(EmailStatus.MAILABLE, EmailStatus.BOUNCED)),
        PeopleFilter(q="øde mar"),
        PeopleFilter(q="ø"),
        PeopleFilter(q="ADA@Ex"),
    ],
)
def test_a_person_matches_when_every_field_holds_by_one_of_its_values(wanted: PeopleFilter) -> None:
    assert wanted.matches(ADA)


@pytest.mark.parametrize(
    "wanted",
    [
        PeopleFilter(company=("Angstrom",)),
        PeopleFilter(company=("Ångström AB",), job_title=("Manager",)),
        PeopleFilter(company_not=("Ångström AB",)),
        PeopleFilter(state=("IL",)),
        PeopleFilter(tag_not=("Vip",)),
        PeopleFilter(attended_min=4),
        PeopleFilter(hosted_max=0),
        PeopleFilter(email_status=(EmailStatus.BOUNCED,)),
        PeopleFilter(q="ode"),
        PeopleFilter(q="a"),
        PeopleFilter(q="ada bo"),
        PeopleFilter(q="example"),
    ],
)
def test_a_person_does_not_match_when_one_field_fails(wanted: PeopleFilter) -> None:
    assert not wanted.matches(ADA)


@settings(max_examples=100)
@given(filters() | grouped())
def test_a_filter_comes_back_from_its_query_string(wanted: PeopleFilter) -> None:
    lowest = replace(
        wanted,
        hosted_max=None if (wanted.hosted_min or 0) > (wanted.hosted_max or MAX_COUNT) else wanted.hosted_max,
        attended_max=None if (wanted.attended_min or 0) > (wanted.attended_max or MAX_COUNT) else wanted.attended_max,
    )
    if (lowest.hosted_max == 0 and lowest.hosted_min) or (lowest.attended_max == 0 and lowest.attended_min):
        return

    parsed = parse_filter(filter_values(lowest))

    assert parsed.fingerprint() == lowest.fingerprint()


def test_a_fingerprint_is_the_same_for_filters_that_mean_the_same() -> None:
    one = parse_filter({"company": ["Acme", "Other", "ACME"], "q": ["  Bo   ada "], "state": [""]})
    other = parse_filter({"company": ["other", "acme"], "q": ["ada", "BO"]})

    assert one.fingerprint() == other.fingerprint() != PeopleFilter(company=("Acme",)).fingerprint()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"attendedEventCountMin": ["x"]}, "attendedEventCountMin"),
        ({"attendedEventCountMin": ["-1"]}, "attendedEventCountMin"),
        ({"hostedEventCountMax": ["1.5"]}, "hostedEventCountMax"),
        ({"hostedEventCountMax": ["\u0663"]}, "hostedEventCountMax"),
        ({"hostedEventCountMax": ["1000000"]}, "hostedEventCountMax"),
        ({"hostedEventCountMax": ["1", "2"]}, "hostedEventCountMax"),
        ({"hostedEventCountMin": ["5"], "hostedEventCountMax": ["2"]}, "hostedEventCountMin"),
        ({"company": ["\u0301"]}, "company"),
        ({"company": ["x" * 501]}, "company"),
        ({"city": [f"c{number}" for number in range(51)]}, "city"),
        ({"q": ["a b c d e f g h i j k"]}, "q"),
        ({"q": ["\u0301"]}, "q"),
        ({"emailStatus": ["happy"]}, "emailStatus"),
        ({"attends": ["e1:asleep"]}, "attends"),
        ({"mailed": ["c1:read"]}, "mailed"),
        ({"mailedNot": ["c1:"]}, "mailedNot"),
        ({"within": ["e1"]}, "within"),
        ({"within": ["segment:"]}, "within"),
        ({"within": ["attends::no_show"]}, "within"),
        ({"without": ["attends:e1:asleep"]}, "without"),
        ({"without": ["mailed:c1:read"]}, "without"),
        ({"without": ["days:0"]}, "without"),
        ({"without": ["days:366"]}, "without"),
        ({"without": ["days:\u0663"]}, "without"),
        ({"without": ["days:000000001999"]}, "without"),
        ({"within": ["days:000000001999999999999"]}, "within"),
        ({"without": [f"days:{number}" for number in range(1, 22)]}, "without"),
    ],
)
def test_a_value_that_can_not_be_is_refused_with_its_field(values: dict[str, list[str]], field: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        parse_filter(values)

    assert refused.value.field == field


def test_a_filter_that_no_address_holds_is_refused_by_its_longest_field() -> None:
    values = {"company": [f"株式会社ひまわり電気機械製造第{number}工場" for number in range(50)], "city": ["東京"]}

    with pytest.raises(RuleViolation, match="too long for an address") as refused:
        parse_filter(values)

    assert [error.field for error in refused.value.errors] == ["company"]
    assert len(parse_filter(values, stored=True).company) == 50
    assert len(parse_filter({"id": [f"{number:032}" for number in range(200)]}).ids) == 200


def test_groups_and_outcomes_are_read_as_they_are_written() -> None:
    wanted = parse_filter({"within": ["mailed:c1:not_opened", "days:14"], "without": ["segment:s1", "segment:s2", "attends:e1"]})

    assert [(one.kind, one.id, one.rest, one.days) for one in wanted.groups] == [
        ("mailed", "c1", "not_opened", 0),
        ("days", "14", "", 14),
        ("segment", "s1", "", 0),
        ("segment", "s2", "", 0),
        ("attends", "e1", "", 0),
    ]
    assert wanted.segment_ids == ("s1", "s2")
    assert mailing("c1:clicked") == ("c1", Outcome.CLICKED)


def test_a_person_must_pass_all_filters_of_segments_that_are_asked_for_and_none_that_is_left_out() -> None:
    engineers, others = PeopleFilter(job_title=("engineer",)), PeopleFilter(job_title=("Manager",))

    assert PeopleFilter(all_of=(engineers,), none_of=(others,)).matches(ADA)
    assert not PeopleFilter(all_of=(engineers, others)).matches(ADA)
    assert not PeopleFilter(none_of=(engineers,)).matches(ADA)


def test_empty_values_and_other_names_ask_for_nothing() -> None:
    wanted = parse_filter({"company": ["", "  "], "attendedEventCountMin": [""], "q": [" "], "limit": ["5"], "order": ["name"]})

    assert wanted.is_empty


def test_an_order_that_is_unknown_is_refused() -> None:
    assert parse_order("attended") is Order.ATTENDED
    with pytest.raises(RuleViolation, match="name, attended or hosted"):
        parse_order("age")


@pytest.mark.parametrize("value", ["\ud800", "a\x00b", "a\x01b"])
@pytest.mark.parametrize("name", ["company", "tagNot", "attends", "mailedNot", "q"])
def test_control_characters_and_halves_of_characters_are_refused(name: str, value: str) -> None:
    with pytest.raises(RuleViolation, match="control character") as refused:
        parse_filter({name: [value]})

    assert refused.value.field == name
