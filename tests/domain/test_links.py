"""Links in e-mails: what they say, who can make them, and what happens when they are changed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.domain.errors import BadToken
from crm.domain.ids import email_id, new_id
from crm.domain.links import Links

LINKS = Links(["the key"], "https://crm.example/")
USER = "0" * 31 + "1"
EMAIL = email_id("c" * 32, USER)


def test_an_unsubscribe_link_leads_back_to_its_email_and_person() -> None:
    url = LINKS.unsubscribe_url(EMAIL, USER)

    prefix, _, rest = url.partition("/u/")
    assert prefix == "https://crm.example"
    assert rest.endswith("/")
    assert LINKS.read_unsubscribe(rest[:-1]) == (EMAIL, USER)
    assert len(rest) == 67


@settings(max_examples=50)
@given(first=st.text().filter(lambda text: "\0" not in text), second=st.text())
def test_any_two_ids_come_back_as_they_were(first: str, second: str) -> None:
    assert LINKS.read_unsubscribe(LINKS.unsubscribe_token(first, second)) == (first, second)


def test_a_token_with_any_character_changed_is_refused() -> None:
    token = LINKS.unsubscribe_token(EMAIL, USER)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    for place, character in enumerate(token):
        for other in alphabet:
            if other != character:
                with pytest.raises(BadToken):
                    LINKS.read_unsubscribe(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("token", ["", "a", "====", "é", "a b", "A" * 66, "A" * 5000, "\0", "../..", "%41"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(BadToken):
        LINKS.read_unsubscribe(token)


@pytest.mark.parametrize(
    "changed", [lambda t: t[:-1], lambda t: t + "A", lambda t: t + "=", lambda t: t * 2, lambda t: "\n" + t, str.swapcase]
)
def test_a_token_that_was_cut_or_lengthened_is_refused(changed: object) -> None:
    token = LINKS.unsubscribe_token(EMAIL, USER)

    with pytest.raises(BadToken):
        LINKS.read_unsubscribe(changed(token))  # type: ignore[operator]


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(BadToken):
        Links(["another key"], "").read_unsubscribe(LINKS.unsubscribe_token(EMAIL, USER))


def test_a_new_key_in_front_signs_and_the_old_one_still_opens() -> None:
    both = Links(["new key", "the key"], "")

    assert both.read_unsubscribe(LINKS.unsubscribe_token(EMAIL, USER)) == (EMAIL, USER)
    assert Links(["new key"], "").read_unsubscribe(both.unsubscribe_token(EMAIL, USER)) == (EMAIL, USER)


def test_two_people_have_two_tokens() -> None:
    assert LINKS.unsubscribe_token(EMAIL, USER) != LINKS.unsubscribe_token(EMAIL, new_id())


def test_an_address_is_hashed_under_each_key_and_not_kept() -> None:
    hashes = Links(["new key", "the key"], "").suppression_hashes("ada@example.org")

    assert hashes[1:] == LINKS.suppression_hashes("ada@example.org")
    assert hashes[0] != hashes[1]
    assert all(len(hash_) == 64 and int(hash_, 16) for hash_ in hashes)


@pytest.mark.parametrize(
    "spelling", ["ADA.Å@Example.ORG", " ada.å@example.org\n", "ada.a\u030a@example.org", "ADA.A\u030a@EXAMPLE.ORG"]
)
def test_spellings_of_one_address_have_one_hash(spelling: str) -> None:
    assert LINKS.suppression_hashes(spelling) == LINKS.suppression_hashes("ada.å@example.org")


def test_two_addresses_have_two_hashes() -> None:
    assert LINKS.suppression_hashes("ada@example.org") != LINKS.suppression_hashes("ada@example.com")


@pytest.mark.parametrize("keys", [[], [""], ["good", "  "]])
def test_no_key_or_an_empty_one_is_refused(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="LINK_KEY"):
        Links(keys, "")


# --- tracking -----------------------------------------------------------------------------------------------------------


def token_of(url: str) -> str:
    return url.removeprefix("https://crm.example/").partition("/")[2].removesuffix("/").removesuffix(".gif")


@settings(max_examples=50)
@given(email=st.text().filter(lambda text: text.isprintable()), number=st.integers(0, 65535))
def test_a_click_link_leads_back_to_its_email_and_number(email: str, number: int) -> None:
    assert LINKS.read_click(token_of(LINKS.click_url(email, number))) == (email, number)
    assert LINKS.read_open(token_of(LINKS.open_url(email))) == email


def test_tracking_links_are_short_and_hold_no_address_to_go_to() -> None:
    assert LINKS.click_url(EMAIL, 7).startswith("https://crm.example/c/")
    assert LINKS.open_url(EMAIL).endswith(".gif")
    assert len(token_of(LINKS.click_url(EMAIL, 7))) == len(token_of(LINKS.open_url(EMAIL))) == 47
    assert LINKS.click_url(EMAIL, 7) == LINKS.click_url(EMAIL, 7) != LINKS.click_url(EMAIL, 8)


def test_a_click_token_with_any_character_changed_is_refused() -> None:
    token = token_of(LINKS.click_url(EMAIL, 3))

    for place, character in enumerate(token):
        for other in "AQgw059-_":
            if other != character:
                with pytest.raises(BadToken):
                    LINKS.read_click(token[:place] + other + token[place + 1 :])


def test_a_token_for_one_thing_opens_no_other() -> None:
    opened, clicked = token_of(LINKS.open_url(EMAIL)), token_of(LINKS.click_url(EMAIL, 0))
    unsubscribe, feed = LINKS.unsubscribe_token(EMAIL, USER), LINKS.feed_token(EMAIL)

    for token in (clicked, unsubscribe, feed):
        with pytest.raises(BadToken):
            LINKS.read_open(token)
    for token in (opened, unsubscribe, feed):
        with pytest.raises(BadToken):
            LINKS.read_click(token)
    for token in (opened, clicked):
        with pytest.raises(BadToken):
            LINKS.read_unsubscribe(token)
        with pytest.raises(BadToken):
            LINKS.read_feed(token)


def test_links_of_an_old_key_still_lead_on() -> None:
    both = Links(["new key", "the key"], "")

    assert both.read_click(token_of(LINKS.click_url(EMAIL, 3))) == (EMAIL, 3)
    with pytest.raises(BadToken):
        Links(["new key"], "").read_click(token_of(LINKS.click_url(EMAIL, 3)))
