"""A letter before it is sent: which empty fields it prints, and what its short texts become."""

import pytest

from crm.domain.campaigns import Letter
from crm.jobs.proof import blanks, merged

KNOWN = {"firstName": "Ada", "company": "Engines"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Hi {{ firstName }}", {"firstName": 2}),
        ("Hi {{ firstName | upcase | truncate: 4 }}", {"firstName": 2}),
        ("See [us](https://example.org/{{ company }})", {"company": 2}),
        ("Hi {{ firstName | default: 'there' }}", {}),
        ("{% if company %}At {{ company }}{% endif %}", {}),
        ("{% if company == '' %}On your own{% endif %}", {}),
        ("{{ attendedEventCount }}", {}),
        ("{{ firstName", {}),
    ],
)
def test_a_field_is_missed_where_it_is_printed_and_empty(body: str, expected: dict[str, int]) -> None:
    assert blanks(Letter(body=body), [KNOWN, {}, {}]) == expected


def test_subject_and_preheader_have_gaps_too() -> None:
    assert blanks(Letter(subject="{{ firstName }}", preheader="{{ company }}"), [{}]) == {"firstName": 1, "company": 1}


def test_a_short_text_is_merged_on_one_line_and_left_as_typed_where_it_can_not_be() -> None:
    assert merged("For {{ firstName }}\n at {{ company }}", KNOWN) == "For Ada at Engines"
    assert merged("For {{ firstName", KNOWN) == "For {{ firstName"
