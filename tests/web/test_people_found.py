"""The line that says how a page was found: in words of staff, whatever the plan."""

import re
from dataclasses import replace

import pytest
from django.template.loader import render_to_string

from crm.store import schema
from crm.store.people_pages import Explain

EXPLAIN = Explain(index="GSI_ByCompany", requests=3, items_read=61, items_returned=50, read_units=8.5)
SOURCES = [
    *(schema.BY_COMPANY.name, schema.BY_JOB_TITLE.name, schema.BY_LOCATION.name, schema.BY_ACTIVITY.name),
    *(schema.EVENT_ATTENDEES.name, schema.BY_LAST_NAME.name, "membership", "TAG", "SEARCH", "scan"),
]


def _said(explain: Explain) -> str:
    text = re.sub("<[^>]+>", "", render_to_string("people/_found.html", {"explain": explain}))
    return " ".join(text.split()).removeprefix("How this was found ")


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_is_said_in_words(source: str) -> None:
    said = _said(replace(EXPLAIN, index=source))

    assert re.match(r"By [a-z]+ [a-z]+", said) or re.match(r"By company, in GSI_ByCompany\.", said)
    assert said.endswith("Read 61 items for 50, in 3 requests, 8.5 read units.")


@pytest.mark.parametrize(("note", "words"), [("sorted", "were read and sorted"), ("wide", "many more were looked at")])
def test_each_note_is_said_in_words(note: str, words: str) -> None:
    said = _said(replace(EXPLAIN, note=note))

    assert words in said
    assert f" {note} Read" not in said
