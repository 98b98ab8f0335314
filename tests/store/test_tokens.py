"""Page tokens: whole, or refused; and nobody reads in them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.errors import BadToken
from crm.store.tokens import TokenSigner

SIGNER = TokenSigner(b"one key")
POSITION = ["q", "next", 0, "ada@example.org#USER#1"]


@given(st.recursive(st.integers() | st.text(st.characters(exclude_categories=["Cs"])), lambda some: st.lists(some)))
def test_a_position_comes_back(position: object) -> None:
    assert SIGNER.read("people", SIGNER.sign("people", position)) == position


@given(st.data())
def test_a_token_with_one_character_changed_is_refused(data: st.DataObject) -> None:
    token = SIGNER.sign("people", POSITION)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    changed = token[:place] + other + token[place + 1 :]

    if changed == token:
        assert SIGNER.read("people", changed) == POSITION
    else:
        with pytest.raises(BadToken):
            SIGNER.read("people", changed)


@pytest.mark.parametrize("token", ["", "x", "å", "AAAA", "!" * 40, "A" * 400, SIGNER.sign("people", POSITION) + "="])
def test_what_never_was_a_token_is_refused(token: str) -> None:
    with pytest.raises(BadToken):
        SIGNER.read("people", token)


def test_a_token_is_good_for_its_purpose_and_key_alone() -> None:
    token = SIGNER.sign("people", POSITION)

    with pytest.raises(BadToken):
        SIGNER.read("events", token)
    with pytest.raises(BadToken):
        TokenSigner(b"another key").read("people", token)


def test_nobody_reads_an_address_in_a_token() -> None:
    token = SIGNER.sign("people", POSITION)

    assert b"example" not in base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
