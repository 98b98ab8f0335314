"""What is asked of the recipients of a campaign, as a query string has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.emails import EmailState, FailReason, SkipReason
from crm.domain.errors import RuleViolation
from crm.domain.outcomes import Hits, Outcome
from crm.domain.recipients import NO_CODE, Part, Recipients, parse_recipients, recipients_values

links = st.one_of(
    st.just(Part()),
    st.builds(Part, domain=st.sampled_from(["", "mail.example"]), link=st.integers(0, 999), hits=st.sampled_from(Hits)),
)
wanted = st.builds(
    Recipients,
    statuses=st.lists(st.sampled_from(EmailState), unique=True).map(tuple),
    outcome=st.none() | st.sampled_from(Outcome),
    reason=st.none() | st.sampled_from([*FailReason, *SkipReason]),
    part=links | st.builds(Part, code=st.sampled_from(["", "550 5.1.1", "none", NO_CODE, "MessageRejected"])),
)


@given(wanted)
def test_what_is_asked_for_is_read_as_it_was_written(asked: Recipients) -> None:
    assert parse_recipients(recipients_values(asked)) == asked


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("link", "\u0663", "from 0 to 999"),
        ("link", "12345678901234567890", "from 0 to 999"),
        ("hits", "nobody", "people, all"),
        ("domain", "x" * 101, "100 characters"),
    ],
)
def test_what_can_not_be_is_refused_with_what_can(name: str, value: str, says: str) -> None:
    with pytest.raises(RuleViolation, match=says) as refused:
        parse_recipients({name: [value]})

    assert [error.field for error in refused.value.errors] == [name]
