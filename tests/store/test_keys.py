"""Keys sort as the values they are made of, whatever characters those hold."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from crm.domain.emails import EmailState
from crm.domain.folding import control_characters, fold
from crm.store import schema
from crm.store.email_items import item_of as email_item
from crm.store.keys import AFTER, behind_prefix, count, escape, moment, render, stamp, unescape
from crm.store.people_items import item_of, person_of
from crm.store.people_positions import just_before, position_in
from tests.factories import make_person
from tests.mailings import make_email

VALUES = st.text().filter(lambda text: bool(fold(text)) and not control_characters(text))
IDS = st.text("0123456789abcdef", min_size=4, max_size=4)
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(VALUES, VALUES, VALUES, VALUES, IDS, IDS)
@example("van", "dyke", "van dyke", "a", "1", "2")
@example("a", "#b", "a#", "b", "1", "2")
@example("%", "x", "%25", "x", "1", "2")
def test_names_sort_as_last_name_then_first_name_then_id(
    last: str, first: str, other_last: str, other_first: str, id_: str, other_id: str
) -> None:
    mine = render(schema.PERSON_SORT, {"lastName": last, "firstName": first, "id": id_}) or ""
    other = render(schema.PERSON_SORT, {"lastName": other_last, "firstName": other_first, "id": other_id}) or ""

    values, other_values = (fold(last), fold(first), id_), (fold(other_last), fold(other_first), other_id)
    assert (mine.encode() < other.encode()) == (values < other_values)
    assert (mine == other) == (values == other_values)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_value_comes_back_from_its_key(value: str) -> None:
    assert unescape(escape(value)) == value


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_no_part_of_a_key_holds_a_border(value: str) -> None:
    assert not set(escape(value)) & {chr(number) for number in range(ord("%"))}


@given(VALUES, VALUES)
def test_everything_with_a_prefix_is_in_its_range_and_nothing_else(prefix: str, value: str) -> None:
    beginning, key = escape(fold(prefix)), escape(fold(value)) + "#USER#1"

    within = beginning.encode() <= key.encode() < behind_prefix(beginning).encode()

    assert within == fold(value).startswith(fold(prefix))


@given(st.integers(0, 999_999), st.integers(0, 999_999))
def test_counts_sort_as_numbers(one: int, other: int) -> None:
    assert (count(one) < count(other)) == (one < other)


@given(TIMES, TIMES)
def test_stamps_sort_as_times_and_come_back(one: datetime, other: datetime) -> None:
    one, other = (time.replace(microsecond=time.microsecond // 1000 * 1000) for time in (one, other))

    assert (stamp(one) < stamp(other)) == (one < other)
    assert moment(stamp(one)) == one


@given(VALUES, IDS, VALUES, IDS)
def test_bounds_beside_a_key_leave_out_that_key_alone(name: str, id_: str, other_name: str, other_id: str) -> None:
    key = f"{escape(fold(name))}#USER#{id_}"
    other = f"{escape(fold(other_name))}#USER#{other_id}"

    assert (other.encode() <= just_before(key).encode()) == (other.encode() < key.encode())
    assert (other.encode() >= (key + AFTER).encode()) == (other.encode() > key.encode())


@given(VALUES.filter(lambda text: len(fold(text).encode()) < 60), st.integers(0, 30), st.integers(0, 30))
def test_the_position_of_a_person_is_what_the_indexes_say(name: str, attended: int, hosted: int) -> None:
    person = make_person(last_name=name, attended_event_count=attended, hosted_event_count=hosted)

    item = item_of(person)

    assert position_in("name", person) == (0, item[schema.BY_LAST_NAME.sk])
    assert position_in("attended", person) == (0, item[schema.BY_ACTIVITY.sk])
    hosts = (0, item[schema.EVENT_ATTENDEES.sk]) if hosted else (1, item[schema.BY_LAST_NAME.sk])
    assert position_in("hosted", person) == hosts
    assert person_of(item) == person


def test_a_person_without_values_is_in_no_index_of_theirs() -> None:
    item = item_of(make_person())

    there = {index.name for index in schema.INDEXES if index.pk in item}

    assert there == {"GSI_UsersByActivity", "GSI_ByName"}


def test_indexes_name_no_more_attributes_than_amazon_takes() -> None:
    projections = [index["Projection"] for index in schema.create_request("T")["GlobalSecondaryIndexes"]]

    named = [name for projection in projections for name in projection.get("NonKeyAttributes", [])]

    assert len(projections) == 8
    assert len(named) <= 20  # for a whole table; 100 since 2020


def test_what_becomes_of_an_email_costs_no_write_in_the_list_of_a_person() -> None:
    queued = make_email(status=EmailState.QUEUED)
    sent = replace(queued, status=EmailState.SENT, sent_at=queued.created_at)

    before, after = email_item(queued), email_item(sent)

    holding = [index for index in schema.INDEXES if str(before.get(index.pk, "")).startswith("MAILED#")]
    assert [index.whole for index in holding] == [False]
    assert all(before[name] == after[name] for index in holding for name in (index.pk, index.sk))
