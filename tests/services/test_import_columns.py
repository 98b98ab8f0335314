"""Which column of a file is what."""

import io
from collections import Counter

import pytest

from crm.domain.errors import RuleViolation
from crm.services import import_source
from crm.services.import_columns import FIELDS, check_usable, choose, name_columns, recognise
from crm.services.import_headings import HEADINGS
from crm.services.import_source import Source


def read(data: bytes) -> Source:
    return import_source.read(lambda: io.BytesIO(data))


@pytest.mark.parametrize(
    ("headings", "fields"),
    [
        (
            "First name,Last name,Email,Phone,Company,Job title,City,State",
            "firstName lastName email phoneNumber company jobTitle city state",
        ),
        ("Given Name,Family Name,E-mail 1 - Value,Organization 1 - Name", "firstName lastName email company"),
        (
            "Förnamn,Efternamn,E-post,Mobil,Organisation,Titel,Ort,Län,Mat",
            "firstName lastName email phoneNumber company jobTitle city state -",
        ),
        ("Vorname,Name,E-Mail", "firstName lastName email"),
        ("Prénom,Nom,Courriel", "firstName lastName email"),
        ("Full name,E-mail address", "name email"),
        ("Full name,First name,Last name,Email", "- firstName lastName email"),
        ("姓,名,メールアドレス", "lastName firstName email"),
        ("E-Mail,Schlagwörter", "email tags"),
        ("E-Mail,Schlagworte", "email tags"),
        ("Email,Mobile no.", "email phoneNumber"),
        ("Email,Mobile number", "email phoneNumber"),
        ("Email,Cell phone", "email phoneNumber"),
        ("Email,Work email", "email -"),
    ],
)
def test_columns_are_known_by_their_headings(headings: str, fields: str) -> None:
    source = read(f"{headings}\n".encode() + b"x,y\n")

    assert " ".join(column.field or "-" for column in recognise(source)) == fields


def test_no_heading_means_two_fields() -> None:
    meant = [heading.strip().casefold() for headings in HEADINGS.values() for heading in headings.split(",")]

    assert [heading for heading, times in Counter(meant).items() if times > 1] == []
    assert set(HEADINGS) == set(FIELDS)


def test_a_column_of_addresses_is_known_without_its_heading() -> None:
    source = read(b"who,where\nAnn Lee,a@x.example\nBo Li,b@x.example\n")

    assert [column.field for column in recognise(source)] == ["", "email"]


def test_a_file_without_addresses_names_its_headings() -> None:
    source = read(b"First name,Shoe size\nAda,37\n")

    with pytest.raises(RuleViolation, match="“First name”, “Shoe size”"):
        check_usable(source, recognise(source))


def test_a_person_that_is_read_as_headings_is_told_with_the_way_out() -> None:
    source = import_source.read(lambda: io.BytesIO(b"Ada,Lovelace,ada@example.org\nBo,Li,bo@example.org\n"), headed=True)

    with pytest.raises(RuleViolation, match="is a person"):
        check_usable(source, recognise(source))


def test_two_columns_cannot_be_one_field() -> None:
    source = read(b"a,b\n1,2\n")

    with pytest.raises(RuleViolation, match="“a” and “b” can’t both be city"):
        choose(source, {0: "city", 1: "city"})


def test_columns_can_be_named_from_outside() -> None:
    source = read(b"Kontakt,Wo\nx@x.example,Berlin\n")

    assert [column.field for column in name_columns(source, {"email": "kontakt", "city": "Wo"})] == ["email", "city"]
    with pytest.raises(RuleViolation, match="There is no column “Nirgends”"):
        name_columns(source, {"city": "Nirgends"})
