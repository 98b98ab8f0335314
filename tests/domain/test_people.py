"""What may be written about a person."""

from dataclasses import replace

import pytest

from crm.domain.errors import RuleViolation
from crm.domain.people import EmailStatus, Profile, folded_address, search_tokens
from tests.factories import NOW, make_person, make_profile


def fields_at_fault(profile: Profile) -> list[str]:
    with pytest.raises(RuleViolation) as refused:
        profile.cleaned()
    return [error.field for error in refused.value.errors]


def test_a_profile_is_trimmed_and_each_tag_kept_once() -> None:
    profile = make_profile(first_name=" Ada ", company="  Acme\u00a0", tags=("VIP", " new ", "vip", ""))

    cleaned = profile.cleaned()

    assert (cleaned.first_name, cleaned.company, cleaned.tags) == ("Ada", "Acme", ("VIP", "new"))


def test_every_fault_is_named_with_its_field() -> None:
    profile = Profile(first_name=" ", last_name="\u0301", email="ada@", company="a\tb", city="x" * 201, tags=("\u0301",))

    faults = fields_at_fault(profile)

    assert faults == ["firstName", "lastName", "email", "company", "city", "tags"]


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org",
        "o'neil+x@sub.example.co",
        "jos\u00e9@example.org",
        "ada@b\u00fccher.example",
        "a" * 64 + "@example.org",
        "Ada.King@EXAMPLE.org",
    ],
)
def test_an_address_that_can_be_is_taken(address: str) -> None:
    assert make_profile(email=address).cleaned().email == address


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "ada@localhost",
        "@example.org",
        "ada@example..org",
        "ada@@example.org",
        "ada b@example.org",
        "Ada <ada@example.org>",
        "ada@example.org, bo@example.org",
        "ada@-example.org",
        "a" * 65 + "@example.org",
        "ada@example.org\nBcc: x@example.org",
        "ada@" + "a" * 250 + ".org",
    ],
)
def test_an_address_that_can_not_be_is_refused(address: str) -> None:
    assert fields_at_fault(make_profile(email=address)) == ["email"]


@pytest.mark.parametrize(
    "profile",
    [make_profile(last_name="x" * 201), make_profile(last_name="ü" * 201), make_profile(email=f"{'x' * 320}@x.example")],
)
def test_what_is_too_long_is_told_without_bytes(profile: Profile) -> None:
    with pytest.raises(RuleViolation) as caught:
        profile.cleaned()

    assert caught.value.message in {"Last name is too long; shorten it.", "E-mail is too long; shorten it."}


@pytest.mark.parametrize("name", ["#", "100%", "O'Neil", "李", "\U0001f600", "Müller-Lüdenscheidt", "x" * 200])
def test_a_name_of_any_script_or_sign_is_taken(name: str) -> None:
    assert make_profile(last_name=name).cleaned().last_name == name


@pytest.mark.parametrize(
    "text", ["\u200b", "\u200d\u200c", "\ufeff \u2060", "\u202e", "\u200f\u0301", "\u3164", "\u00ad", "\U000e0041"]
)
def test_a_text_with_nothing_that_can_be_seen_is_refused(text: str) -> None:
    profile = make_profile(first_name=text, last_name=text, company=text, job_title=text, city=text, state=text, tags=(text,))

    assert fields_at_fault(profile) == ["firstName", "lastName", "company", "jobTitle", "city", "state", "tags"]


@pytest.mark.parametrize("mark", list("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
def test_what_turns_the_direction_of_writing_is_refused(mark: str) -> None:
    profile = make_profile(first_name=f"A{mark}da", company=f"{mark}emcA", tags=(f"V{mark}IP",))

    assert fields_at_fault(profile) == ["firstName", "company", "tags"]


@pytest.mark.parametrize("name", ["می\u200cخواهم", "ක්\u200dරි", "\U0001f469\u200d\U0001f680", "\u200fדוד", "❤\ufe0f"])
def test_joiners_within_a_name_stay(name: str) -> None:
    assert make_profile(last_name=name, tags=(name,)).cleaned().last_name == name


@pytest.mark.parametrize("hidden", ["\u200b", "\u200c", "\u200d", "\ufeff", "\u2060", "\u00ad", "\u202e", "\u2066", "\u3164"])
@pytest.mark.parametrize("address", ["{}ada@example.org", "a{}da@example.org", "ada@exam{}ple.org", "ada@example.org{}"])
def test_an_address_with_a_character_that_can_not_be_seen_is_refused(address: str, hidden: str) -> None:
    assert fields_at_fault(make_profile(email=address.format(hidden))) == ["email"]


def test_a_number_copied_from_a_telephone_loses_what_that_put_around_it() -> None:
    assert make_profile(phone_number="\u202a+46 70 123\u202c").cleaned().phone_number == "+46 70 123"
    assert make_profile(phone_number="\u202a\u202c").cleaned().phone_number == ""


def test_a_tag_that_folds_to_little_may_not_be_long_as_typed() -> None:
    assert make_profile(tags=("a" + "\u0301" * 99,)).cleaned().tags
    assert fields_at_fault(make_profile(tags=("a" + "\u0301" * 100,))) == ["tags"]


def test_a_tag_has_no_semicolon_which_stands_between_tags() -> None:
    assert fields_at_fault(make_profile(tags=("speaker", "a;b"))) == ["tags"]


def test_more_than_twenty_tags_are_refused() -> None:
    assert fields_at_fault(make_profile(tags=tuple(f"t{number}" for number in range(21)))) == ["tags"]


def test_the_limit_counts_folded_bytes_because_keys_hold_those() -> None:
    ligatures = "\ufdfa" * 10

    assert fields_at_fault(make_profile(last_name=ligatures)) == ["lastName"]


def test_an_address_folds_its_case_and_keeps_its_accents() -> None:
    assert folded_address(" JOS\u00c9@Example.ORG ") == "jos\u00e9@example.org"


def test_a_person_has_at_most_twenty_search_tokens_and_the_address_is_one() -> None:
    profile = make_profile(first_name=" ".join(f"n{number}" for number in range(30)), last_name="L", email="Ada@example.org")

    tokens = search_tokens(profile)

    assert len(tokens) == 20
    assert tokens[-1] == "ada@example.org"
    assert "l" not in tokens


def test_an_edit_keeps_what_is_not_of_the_profile() -> None:
    person = make_person(attended_event_count=3, email_status=EmailStatus.BOUNCED, version=4)

    edited = person.edited(replace(person.profile, last_name=" Byron "), now=NOW)

    assert edited.name == "Ada Byron"
    assert edited.listed_name == "Byron, Ada"
    assert (edited.attended_event_count, edited.email_status, edited.mailable, edited.version) == (3, "bounced", False, 4)


def test_an_address_is_kept_composed_so_that_it_has_one_spelling() -> None:
    assert make_profile(email=" Jose\u0301@example.org ").cleaned().email == "Jos\u00e9@example.org"


def test_an_address_that_folding_lengthens_beyond_a_key_is_refused() -> None:
    assert fields_at_fault(make_profile(email="\ufdfa" * 60 + "@example.org")) == ["email"]


def test_an_address_of_another_script_is_taken() -> None:
    address = "\ud55c\uae00" * 10 + "@example.org"

    assert make_profile(email=address).cleaned().email == address


def test_words_and_addresses_are_looked_up_without_the_white_space_that_folding_makes() -> None:
    profile = make_profile(first_name="Conan", last_name="O\u00b4Brien", email="o\u00b4brien@example.org")

    assert search_tokens(profile) == ("conan", "obrien", "obrien@example.org")
