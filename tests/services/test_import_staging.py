"""The rows of a file sorted by address: parts of a bounded size, the same each time."""

import io
from collections.abc import Iterator

import pytest

from crm.domain.errors import RuleViolation
from crm.services import import_staging
from crm.services.import_columns import recognise
from crm.services.import_source import read
from crm.services.import_staging import Part, Staging


def staged(text: str) -> Staging:
    source = read(lambda: io.BytesIO(text.encode()), encoding="utf-8", delimiter=",")
    return Staging(source, recognise(source))


def parts_of(staging: Staging) -> Iterator[Part]:
    place: int | None = 0
    while place is not None:
        part = staging.part(place)
        yield part
        place = part.next


def lines(*addresses: str) -> str:
    return "\n".join(["name,email", *[f"Ada King,{address}" for address in addresses]])


def test_rows_of_one_address_stay_together_where_it_stands_first() -> None:
    staging = staged(lines("a@x.example", "b@x.example", "nobody", "A@X.example", "c@x.example", "b@x.example"))

    (part,) = parts_of(staging)

    assert [(entry.address, [row.number for row, _ in entry.rows]) for entry in part.entries] == [
        ("a@x.example", [2, 5]),
        ("b@x.example", [3, 7]),
        ("c@x.example", [6]),
    ]
    assert [(one.row.number, one.row.cells) for one in part.unusable] == [(4, ("Ada King", "nobody"))]
    assert (part.rows, staging.rows) == (6, 6)


def test_parts_hold_all_rows_once_and_no_more_addresses_than_a_selection_keeps() -> None:
    addresses = [f"a{number % 300}@x.example" if number % 7 else "nobody" for number in range(1000)]

    parts = list(parts_of(staged(lines(*addresses))))

    numbers = [row.number for part in parts for entry in part.entries for row, _ in entry.rows]
    numbers += [one.row.number for part in parts for one in part.unusable]
    assert sorted(numbers) == list(range(2, 1002))
    assert max(len(part.entries) for part in parts) == import_staging.PART_ADDRESSES
    assert sum(part.rows for part in parts) == 1000


def test_a_step_is_the_same_whoever_takes_it_up() -> None:
    text = lines(*[f"a{number % 150}@x.example" for number in range(400)])

    one, other = list(parts_of(staged(text))), list(parts_of(staged(text)))

    assert one == other
    assert len(one) == 2


def test_an_address_in_more_rows_than_any_person_has_fails_from_there() -> None:
    staging = staged(lines(*["a@x.example"] * 1_200, "b@x.example"))

    part = next(parts_of(staging))

    assert [len(entry.rows) for entry in part.entries] == [1_000]
    later = [one for some in parts_of(staging) for one in some.unusable]
    assert len(later) == 200
    assert "too many rows; the first of them is row 2" in later[0].reason


def test_a_file_of_more_rows_than_an_import_takes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_staging, "MAX_ROWS", 10)

    with pytest.raises(RuleViolation, match="more than 10 rows"):
        staged(lines(*[f"a{number}@x.example" for number in range(11)]))
