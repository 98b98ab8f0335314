"""The file that is imported: 5 rows in 100 are broken, 2 in 100 are of somebody who is there, 1 in 100 says somebody twice."""

import csv
from collections.abc import Iterator
from pathlib import Path

from bench.crowd import make_people
from crm.domain.people import ATTRIBUTES, Person

HEADINGS = [*ATTRIBUTES, "tags"]
NOBODY = "not an address"


def is_bad(number: int) -> bool:
    """Whether that row is broken."""
    return number % 20 == 7


def is_known(number: int) -> bool:
    """Whether the person of that row is there before."""
    return number % 50 == 1


def is_twice(number: int) -> bool:
    """Whether that row is of the person of the row before."""
    return number % 100 == 12


def rows_of(people: list[Person]) -> Iterator[list[str]]:
    """The rows, one for each of these people."""
    for number, person in enumerate(people):
        row = _row(people[number - 1] if is_twice(number) else person)
        if is_bad(number):
            row[2] = NOBODY
        yield row


def write_file(path: Path, rows: int) -> list[Person]:
    """Write the file and return whom it was made of: those of the rows that are neither broken nor double are in it."""
    people = make_people(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        writer.writerows(rows_of(people))
    return people


def _row(person: Person) -> list[str]:
    profile = person.profile
    return [*[getattr(profile, attribute) for attribute in ATTRIBUTES.values()], ";".join(profile.tags)]
