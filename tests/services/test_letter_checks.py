"""What is found in a letter before it goes: what stops it, and what its author may want to know."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from crm.domain.campaigns import Letter, Utm
from crm.services.letter_checks import CLIPPED_BYTES, Check, Level, Proof, checks

LINK = '<p><a href="https://example.org/?utm_campaign=x">Come</a></p>'
LETTER = Letter(subject="Hello", body="Come")


@dataclass
class Problem:
    """What a renderer would say."""

    field: str
    message: str
    suggestion: str | None = None


def found(**values: Any) -> list[Check]:
    """What is said of a letter that is fine but for these values."""
    fine = Proof(letter=LETTER, subject="Hello", html=LINK, unsubscribe_url="https://crm/u/", postal_address="Main Street 1")
    return list(checks(replace(fine, **values)).checks)


def test_nothing_is_said_of_a_letter_that_is_fine() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"letter": Letter(body="Come")}, "subject", "There is no subject yet"),
        ({"letter": Letter(subject="Hello", body=" ")}, "body", "There is no letter yet"),
        ({"problems": [Problem("body", "There is no field “nam”.", "name")]}, "body", "Did you mean name?"),
        ({"letter": replace(LETTER, sender="Ada <ada@example.org>")}, "sender", "verified senders"),
    ],
)
def test_what_can_not_be_sent_stops_it(values: dict[str, Any], field: str, words: str) -> None:
    (check,) = found(**values)

    assert (check.level, check.field) == (Level.STOP, field)
    assert words in check.words


@pytest.mark.parametrize("sender", ["Ada <ada@example.org>", "ada@example.org", "Countess <ADA@example.org>"])
def test_a_verified_address_may_be_named_in_any_way(sender: str) -> None:
    assert found(letter=replace(LETTER, sender=sender), senders=["crm@example.org", "Ada <ada@example.org>"]) == []


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"subject": "x" * 41}, "subject", "41 characters"),
        ({"html": f'{LINK}<a href="https://example.org/a"></a>'}, "body", "A link has no text"),
        ({"html": f'{LINK}<img src="https://example.org/a.png" alt="">'}, "body", "A picture has no text"),
        ({"html": LINK + "x" * CLIPPED_BYTES}, "body", "103 KB; Gmail hides what is beyond 102 KB"),
        ({"html": "<p>Come</p>", "letter": replace(LETTER, utm=Utm(campaign="x"))}, "utmCampaign", "no link takes them"),
        ({"letter": replace(LETTER, body="Dear [first name], lorem ipsum")}, "body", "“[first name]” looks like a placeholder"),
        ({"letter": replace(LETTER, preheader="TBD")}, "preheader", "“TBD” looks like a placeholder"),
        ({"blanks": {"company": 2}, "looked_at": 50}, "body", "2 of the first 50 people have no company"),
        ({"postal_address": ""}, "postalAddress", "No postal address is set"),
    ],
)
def test_what_an_author_may_want_to_know_warns(values: dict[str, Any], field: str, words: str) -> None:
    (check,) = found(**values)

    assert (check.level, check.field) == (Level.WARN, field)
    assert words in check.words


@pytest.mark.parametrize(
    "values",
    [
        {"subject": "x" * 40},
        {"html": f'{LINK}<a href="https://example.org/a"><img src="https://example.org/a.png" alt="Come"></a>'},
        {"html": f'{LINK}<a href="https://crm/u/"></a>'},
        {"html": "<p>Come</p>", "letter": replace(LETTER, utm=Utm(medium="email"))},
        {"letter": replace(LETTER, body="[Your programme](https://example.org) of the todos")},
    ],
)
def test_what_only_looks_like_a_mistake_is_left_alone(values: dict[str, Any]) -> None:
    assert found(**values) == []


def test_links_of_the_author_and_the_size_are_told() -> None:
    proof = Proof(letter=LETTER, html=f'{LINK}<a href="https://crm/u/">Unsubscribe</a>', unsubscribe_url="https://crm/u/")

    checked = checks(proof)

    assert (checked.links, checked.kilobytes) == (1, 1)
