"""A letter that would keep a process busy for seconds is refused before any of it is converted."""

from typing import Any

import pytest

from crm.domain.campaigns import Utm
from crm.jobs import letter as converting
from crm.jobs.letter import MAX_BRACKETS, MAX_CELLS, letter
from crm.jobs.render import check_template


def table(rows: int, columns: int, row: str = "") -> str:
    full = "|" + "a|" * columns
    return "\n".join([full, "|" + "-|" * columns, *[row or full] * (rows - 1)])


def quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the parser was given."""
    given: list[str] = []
    plain = converting._markdown.parse

    def parse(text: str, env: Any = None) -> Any:
        given.append(text)
        return plain(text, env)

    monkeypatch.setattr(converting._markdown, "parse", parse)
    return given


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("![" * 49_500, "49,500 opening brackets"),
        ("[" * 99_000, "99,000 opening brackets"),
        (table(300, 150), "45,150 cells"),
        (table(900, 300, "a"), "270,300 cells"),
        (quoted(table(300, 150)), "45,150 cells"),
        ("\n\n".join([table(10, 100)] * 20), "22,000 cells"),
        ("\r\n".join(table(300, 150).split("\n")), "45,150 cells"),
        ("a|" * 149 + "a\n" + "-|" * 149 + "-\n" + "a\n" * 299, "45,150 cells"),
    ],
)
def test_a_letter_that_takes_seconds_is_refused_unparsed(parsed: list[str], body: str, words: str) -> None:
    problems = check_template("Hello", body)

    assert parsed == []
    assert [problem.field for problem in problems] == ["body"]
    assert words in problems[0].message


@pytest.mark.parametrize(
    "body",
    [
        "[Come](https://example.org/) " * MAX_BRACKETS,
        table(MAX_CELLS // 50 - 1, 50),
        table(200, 5, "| - | - | - | - | - |"),
        "This | that\n" * 6_000,
        "- one\n" * 6_000,
        "a\n---\n" * 3_000,
        "{{ firstName | default: '[[[[' }} " * 1_000,
    ],
)
def test_a_letter_with_many_links_lines_or_rows_is_converted(parsed: list[str], body: str) -> None:
    converted = letter(body, Utm())

    assert len(parsed) == 1
    assert converted.faults == ()
    assert converted.html
