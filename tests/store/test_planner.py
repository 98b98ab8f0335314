"""The planner alone: which source it takes, in which order, and what it leaves to filters."""

import re
from dataclasses import replace

import pytest

from crm.domain.errors import BadToken
from crm.domain.filters import Order, PeopleFilter
from crm.domain.people import EmailStatus
from crm.store import schema
from crm.store.expressions import AnyOf, Clause, Expression, equals
from crm.store.people_counts import Counts, counted, needed
from crm.store.people_where import residual
from crm.store.plan import Plan
from crm.store.planner import plan, plan_whole
from crm.store.stats import CounterRange

TOWN = Counts(
    total=10_000,
    rows={
        "COMPANY": {"acme": 4_000, "small": 30, "tiny": 3},
        "JOBTITLE": {"engineer": 1_000},
        "STATE": {"il": 2_500, "ma": 500},
        "CITY": {"springfield#il": 900, "springfield#ma": 60, "springfield#": 5, "boston#ma": 300},
        "TAG": {"vip": 100},
        "NAME": {"a": 6_000, "b": 4_000},
        "ATTENDED": {"000000": 7_000, "000001": 2_000, "000005": 1_000},
        "HOSTED": {"000000": 9_900, "000001": 100},
        "EMAILSTATUS": {"mailable": 9_000, "bounced": 1_000},
    },
)


def partitions(chosen: Plan) -> list[str]:
    return [strand.partition for stage in chosen.stages for strand in stage.strands]


@pytest.mark.parametrize(
    ("wanted", "source", "order"),
    [
        (PeopleFilter(), "name", "name"),
        (PeopleFilter(company=("Acme",), state=("IL",)), "state", "city"),
        (PeopleFilter(company=("Small",), state=("IL",)), "company", "name"),
        (PeopleFilter(state=("IL",), city=("Springfield",)), "city", "name"),
        (PeopleFilter(job_title=("Engineer",), company=("Acme",)), "jobTitle", "name"),
        (PeopleFilter(tag=("VIP",), company=("Acme",)), "tag", "name"),
        (PeopleFilter(tag=("VIP",), company=("Small",)), "company", "name"),
        (PeopleFilter(attended_min=5, company=("Acme",)), "attended", "attended"),
        (PeopleFilter(hosted_min=1, company=("Acme",)), "hosted", "hosted"),
        (PeopleFilter(hosted_max=0), "name", "name"),
        (PeopleFilter(company_not=("Acme",)), "name", "name"),
        (PeopleFilter(email_status=(EmailStatus.BOUNCED,)), "name", "name"),
    ],
)
def test_the_source_is_the_one_that_reads_least(wanted: PeopleFilter, source: str, order: str) -> None:
    chosen = plan(wanted, Order.SOURCE, TOWN)

    assert (chosen.source, chosen.order) == (source, order)


def test_what_has_the_order_is_read_rather_than_nearly_as_many_sorted_for_each_page() -> None:
    state = PeopleFilter(state=("IL",))
    many, few = (replace(TOWN, rows={**TOWN.rows, "STATE": {"il": number}}, total=3_000) for number in (1_900, 1_000))
    many, few = (replace(one, rows={**one.rows, "ATTENDED": {"000001": 3_000}}) for one in (many, few))

    assert plan(state, Order.ATTENDED, many).source == "attended"
    assert (plan(state, Order.ATTENDED, few).source, plan(state, Order.ATTENDED, few).in_memory) == ("state", True)


def test_several_values_are_several_key_conditions() -> None:
    chosen = plan(PeopleFilter(company=("Tiny", " SMALL ", "small")), Order.SOURCE, TOWN)

    assert partitions(chosen) == ["COMPANY#small", "COMPANY#tiny"]
    assert (chosen.estimate, len(chosen.stages)) == (33, 1)


def test_a_city_without_a_state_is_looked_up_in_each_state_that_has_it() -> None:
    chosen = plan(PeopleFilter(city=("Springfield",)), Order.SOURCE, TOWN)

    assert partitions(chosen) == ["STATE#", "STATE#il", "STATE#ma"]
    assert {strand.prefix for strand in chosen.stages[0].strands} == {"CITY#springfield#"}


def test_cities_and_states_that_nobody_has_together_are_not_read() -> None:
    chosen = plan(PeopleFilter(city=("Boston", "Springfield"), state=("IL", "MA"), state_not=("ma",)), Order.SOURCE, TOWN)

    assert partitions(chosen) == ["STATE#il"]


def test_a_range_of_counts_is_a_key_condition_on_each_shard() -> None:
    chosen = plan(PeopleFilter(attended_min=1, attended_max=3), Order.SOURCE, TOWN)

    assert partitions(chosen) == ["ATTENDED#0", "ATTENDED#1", "ATTENDED#2", "ATTENDED#3"]
    assert {(strand.low, strand.high) for strand in chosen.stages[0].strands} == {("000001#USER#", "000003#USER$")}
    assert (chosen.estimate, chosen.complete, chosen.stages[0].where) == (2_000, True, ())


def test_few_matches_are_sorted_for_an_order_that_their_source_lacks() -> None:
    chosen = plan(PeopleFilter(company=("Small",)), Order.ATTENDED, TOWN)

    assert (chosen.source, chosen.order, chosen.in_memory, chosen.note) == ("company", "attended", True, "sorted")


def test_many_matches_are_read_where_the_order_is() -> None:
    chosen = plan(PeopleFilter(state=("IL",)), Order.NAME, TOWN)

    assert (chosen.source, chosen.in_memory, chosen.note) == ("name", False, "")


def test_a_plan_that_reads_much_more_than_it_returns_says_so() -> None:
    wanted = PeopleFilter(company=("Acme",), email_status=(EmailStatus.BOUNCED,), state=("IL",), job_title_not=("Engineer",))

    chosen = plan(wanted, Order.ATTENDED, TOWN)

    assert (chosen.source, chosen.note) == ("attended", "wide")
    assert chosen.estimate > 10 * chosen.matches


def test_hosts_come_first_and_then_everybody_else_by_name() -> None:
    chosen = plan(PeopleFilter(), Order.HOSTED, TOWN)

    assert [stage.rank for stage in chosen.stages] == [0, 1, 1]
    assert [stage.ascending for stage in chosen.stages] == [False, True, True]
    assert partitions(chosen)[4:] == ["NAME#a", "NAME#b"]


def test_a_pinned_source_stays_when_counts_make_another_cheaper() -> None:
    wanted = PeopleFilter(company=("Acme",), state=("IL",))

    assert plan(wanted, Order.SOURCE, TOWN).source == "state"
    assert plan(wanted, Order.SOURCE, TOWN, pinned="company").source == "company"
    with pytest.raises(BadToken):
        plan(wanted, Order.SOURCE, TOWN, pinned="tag")


def test_a_value_that_is_asked_for_and_excluded_matches_nobody_and_reads_nothing() -> None:
    chosen = plan(PeopleFilter(company=("Acme",), company_not=("ACME",)), Order.SOURCE, TOWN)

    assert chosen.stages == ()


def test_two_first_letters_match_nobody_and_read_nothing() -> None:
    chosen = plan(PeopleFilter(q="a b"), Order.SOURCE, TOWN)

    assert (chosen.source, chosen.stages) == ("name", ())


def test_guesses_stand_in_while_nobody_was_counted() -> None:
    chosen = plan(PeopleFilter(company=("Acme",), job_title=("Engineer",)), Order.SOURCE, Counts())
    everybody = plan(PeopleFilter(), Order.HOSTED, Counts())

    assert (chosen.source, chosen.estimate) == ("company", 1_000)
    assert (everybody.source, everybody.in_memory, everybody.note) == ("scan", True, "scan")


def test_what_no_expression_can_say_is_left_to_python() -> None:
    where, complete = residual(PeopleFilter(state=("IL",), city_not=("Boston",)), "state")

    assert (where, complete) == ((), False)


def test_events_are_left_to_python_and_the_profile_to_expressions() -> None:
    chosen = plan(PeopleFilter(company=("Small",), attends_not=("e",)), Order.SOURCE, TOWN)

    assert (chosen.source, chosen.expressed, chosen.complete) == ("company", True, False)


@pytest.mark.parametrize(
    ("wanted", "counts", "source"),
    [
        (PeopleFilter(q="ada", company_not=("Acme",)), replace(TOWN, search=1_500), "q"),
        (PeopleFilter(q="ada", company_not=("Acme",)), replace(TOWN, search=2_500), "name"),
        (PeopleFilter(q="ada", company=("Acme",)), replace(TOWN, search=1_500), "company"),
        (PeopleFilter(selected=("task",)), replace(TOWN, members=1_500), "members"),
        (PeopleFilter(selected=("task",)), replace(TOWN, members=2_500), "name"),
        (PeopleFilter(tag=("VIP",), email_status=(EmailStatus.BOUNCED,)), TOWN, "tag"),
    ],
)
def test_everybody_is_read_among_all_names_where_pointers_would_cost_more(
    wanted: PeopleFilter, counts: Counts, source: str
) -> None:
    chosen = plan_whole(wanted, counts)

    assert chosen.source == source


SEGMENT = PeopleFilter(company=("Acme", "Tiny"), state_not=("MA",), attended_min=1)


def test_whom_a_segment_leaves_out_is_one_clause_of_which_a_part_must_fail() -> None:
    where, complete = residual(PeopleFilter(none_of=(SEGMENT,)), "name")
    company, state = schema.BY_COMPANY.pk, schema.BY_LOCATION.pk

    assert complete
    assert where == (
        AnyOf(
            (
                AnyOf((Clause(company, "equals", ("COMPANY#acme",)), Clause(company, "equals", ("COMPANY#tiny",))), negated=True),
                AnyOf((Clause(state, "equals", ("STATE#ma",)),)),
                Clause("attendedEventCount", "at least", (1,), negated=True),
            )
        ),
    )


@pytest.mark.parametrize(
    ("wanted", "source"),
    [
        (PeopleFilter(none_of=(SEGMENT,)), "company"),
        (PeopleFilter(none_of=(PeopleFilter(city=("Ulm",)),)), "state"),
        (PeopleFilter(none_of=(PeopleFilter(q="a"),)), "name"),
        (PeopleFilter(none_of=(PeopleFilter(),)), "attended"),
        (PeopleFilter(all_of=(PeopleFilter(company=("Acme",)),)), "company"),
    ],
)
def test_a_segment_that_asks_for_the_key_that_is_read_is_left_to_python(wanted: PeopleFilter, source: str) -> None:
    assert residual(wanted, source) == ((), False)


def test_a_list_of_hosts_goes_on_by_name_so_both_indexes_must_say_all() -> None:
    letter = PeopleFilter(none_of=(PeopleFilter(q="a"),))

    chosen = plan(letter, Order.HOSTED, TOWN)
    hosts_alone = plan(replace(letter, hosted_min=1), Order.HOSTED, TOWN)

    assert (chosen.source, chosen.complete, hosts_alone.complete) == ("hosted", False, True)


def test_whoever_a_segment_leaves_out_is_not_counted_by_counters() -> None:
    assert counted(PeopleFilter(none_of=(SEGMENT,)), TOWN) is None
    assert counted(PeopleFilter(company=("Acme",), all_of=(SEGMENT,)), TOWN) is None


MANY = tuple(f"v{number}" for number in range(50))
ALL = tuple(EmailStatus)


@pytest.mark.parametrize(
    "wanted",
    [
        PeopleFilter(company=MANY, job_title=MANY, company_not=MANY, tag=MANY, tag_not=MANY),
        PeopleFilter(company_not=MANY, job_title_not=MANY, state_not=MANY),
        PeopleFilter(city=MANY, city_not=MANY, tag_not=MANY[:44], q="a b c d e f g h i j"),
        PeopleFilter(tag=MANY, tag_not=MANY, company_not=MANY[:40], attended_min=1, attended_max=9, hosted_max=9, q="aa bb cc"),
        PeopleFilter(none_of=(PeopleFilter(company=MANY, tag_not=MANY, q="aa bb"), PeopleFilter(city_not=MANY[:40], state=MANY))),
        PeopleFilter(all_of=(PeopleFilter(tag=MANY),), none_of=(PeopleFilter(tag=MANY, hosted_max=1, email_status=ALL),)),
    ],
)
def test_an_expression_stays_within_what_the_engine_takes(wanted: PeopleFilter) -> None:
    where, _ = residual(wanted, "attended")
    text = Expression().where([*where, equals("hostedEventCount", 0)])

    assert 180 < len(re.findall(r" = | <> |<=|>=|\bAND\b|\bOR\b|\bNOT\b|begins_with|contains", text)) <= 300
    assert len(text) <= 4096


def test_a_filter_that_no_expression_holds_is_left_to_python() -> None:
    _, complete = residual(PeopleFilter(company_not=MANY, job_title_not=MANY, state_not=MANY), "name")

    assert not complete


@pytest.mark.parametrize(
    ("wanted", "people"),
    [
        (PeopleFilter(), 10_000),
        (PeopleFilter(company=("Acme", "tiny")), 4_003),
        (PeopleFilter(company_not=("Acme",)), 6_000),
        (PeopleFilter(company=("Acme", "tiny"), company_not=("tiny",)), 4_000),
        (PeopleFilter(city=("springfield",)), 965),
        (PeopleFilter(city=("springfield",), state=("MA",)), 60),
        (PeopleFilter(city=("springfield", "boston"), state_not=("MA",)), 905),
        (PeopleFilter(city_not=("springfield",)), 9_035),
        (PeopleFilter(attended_min=1), 3_000),
        (PeopleFilter(attended_max=0), 7_000),
        (PeopleFilter(hosted_min=1, hosted_max=9), 100),
        (PeopleFilter(tag=("vip",)), 100),
        (PeopleFilter(tag_not=("vip",)), 9_900),
        (PeopleFilter(email_status=(EmailStatus.BOUNCED, EmailStatus.MAILABLE)), 10_000),
        (PeopleFilter(q="A"), 6_000),
    ],
)
def test_one_facet_is_counted_without_reading_anybody(wanted: PeopleFilter, people: int) -> None:
    assert counted(wanted, TOWN) == people


@pytest.mark.parametrize(
    "wanted",
    [
        PeopleFilter(company=("Acme",), state=("IL",)),
        PeopleFilter(tag=("vip", "other")),
        PeopleFilter(q="ad"),
        PeopleFilter(q="a b"),
        PeopleFilter(attends=("e1",)),
    ],
)
def test_two_facets_are_not_guessed_from_counters(wanted: PeopleFilter) -> None:
    assert counted(wanted, TOWN) is None


def test_only_counters_that_decide_something_are_read() -> None:
    keys, ranges = needed(PeopleFilter(company=("Acme",), city=("Ulm",)), Order.SOURCE)

    assert keys == [("PEOPLE", "TOTAL"), ("COMPANY", "acme")]
    assert ranges == [CounterRange("CITY", "ulm#", "ulm$")]
