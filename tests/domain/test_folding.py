"""What counts as the same text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.folding import control_characters, fold

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]))


@given(TEXTS)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(TEXTS, TEXTS)
def test_case_and_spaces_around_do_not_count(first: str, second: str) -> None:
    assert fold(f"  {first.upper()}   {second} ") == fold(f"{first.upper()} {second}")


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("Ångström", "angstrom"),
        ("ØDEGÅRD", "ødegard"),
        ("ﬁne", "fine"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("Нева", "нева"),
        ("李\u3000明", "李 明"),
        ("\u0301\u0308", ""),
        ("  a\tb\n", "a b"),
    ],
)
def test_accents_case_and_white_space_are_folded_and_letters_are_kept(typed: str, folded: str) -> None:
    assert fold(typed) == folded


@pytest.mark.parametrize(("text", "there"), [("a\nb", True), ("a\x7f", True), ("\ud800", True), ("a b\u00a0ü", False)])
def test_control_characters_are_seen(text: str, there: bool) -> None:
    assert control_characters(text) is there
