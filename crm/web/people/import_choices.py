"""What staff choose in the second step of an import: as it stands in the form, and as it is kept."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import PurePath

from django.http import HttpRequest
from django.template.defaultfilters import date as format_date
from django.utils import timezone

from crm.domain.errors import RuleViolation
from crm.domain.imports import Choices, Import, Mode
from crm.domain.people import checked_tag
from crm.services.import_columns import Column
from crm.services.import_encoding import ENCODINGS
from crm.services.import_text import DELIMITERS

MODES = {
    Mode.BOTH: "new, add; known, update",
    Mode.CREATE: "only add new ones",
    Mode.UPDATE: "only update known ones",
}
_DATE = re.compile(r"(?<!\d)\d{4}(?:-\d{2}){0,2}(?!\d)")
_COPY = re.compile(r"\s*\(\d{1,3}\)$")


def posted(request: HttpRequest, imported: Import) -> Choices:
    """What stands in the form. Read another way, the columns are recognised anew, and so is whether the first row is headings,
    unless that was said otherwise.
    """
    encoding, delimiter = request.POST.get("encoding", ""), request.POST.get("delimiter", "")
    given = {name.removeprefix("map-"): str(field) for name, field in request.POST.items() if name.startswith("map-")}
    columns = {int(place): field for place, field in given.items() if place.isascii() and place.isdigit() and len(place) < 6}
    mode = request.POST.get("mode", "")
    headed = {"yes": True, "no": False}.get(request.POST.get("headed", ""), imported.headed)
    same = (encoding, delimiter) == (imported.encoding, imported.delimiter)
    return Choices(
        encoding=encoding if encoding in ENCODINGS else "",
        delimiter=delimiter if delimiter in DELIMITERS else "",
        headed=headed if same or not (headed and imported.headed) else None,
        columns=columns if columns and same and headed == imported.headed else None,
        mode=Mode(mode) if mode in set(Mode) else Mode.BOTH,
        tag=request.POST.get("tag", "").strip(),
    )


def check_tag(choices: Choices) -> None:
    """RuleViolation for a tag that can't be one; none at all can be."""
    if choices.tag:
        checked_tag(choices.tag)


def settled(choices: Choices, imported: Import, columns: tuple[Column, ...]) -> Choices:
    """The choices to keep: columns that were left as they were recognised or remembered are not a choice of their own."""
    untouched = choices.columns is not None and _fields(choices.columns, columns) == [column.field for column in columns]
    recognised = imported.columns is None or imported.remembered_at is not None
    return replace(choices, columns=None) if untouched and recognised else choices


def seen(imported: Import, columns: tuple[Column, ...]) -> str:
    """A mark of all that decides what an import does, as it is kept: who sends another one has looked at something else."""
    fields = [column.field for column in columns]
    return _mark([imported.encoding, imported.delimiter, imported.headed, fields, imported.mode.value, imported.tag])


def wanted(choices: Choices, columns: tuple[Column, ...]) -> str:
    """The same mark of what stands in the form."""
    if choices.columns is None:
        return ""
    fields = _fields(choices.columns, columns)
    return _mark([choices.encoding, choices.delimiter, choices.headed, fields, choices.mode.value, choices.tag])


def applied(choices: Choices, imported: Import) -> Import:
    """The import with the choices in it, only to be shown."""
    return replace(
        imported,
        encoding=choices.encoding,
        delimiter=choices.delimiter,
        headed=imported.headed if choices.headed is None else choices.headed,
        columns=choices.columns,
        mode=choices.mode,
        tag=choices.tag,
        remembered_at=None,
    )


def why(column: Column, remembered_at: datetime | None) -> str:
    """Why a column becomes what it becomes, in a few words."""
    if remembered_at and column.why in {"chosen", "left out by you"}:
        return f"remembered from {format_date(timezone.localtime(remembered_at), 'j F')}"
    return column.why or "nothing fits; choose a field or leave it out"


def suggested_tag(name: str, today: date) -> str:
    """A tag for everybody in a file: what it is called, and the month unless a date is in that.

    >>> suggested_tag("members-2026-05.csv", date(2026, 11, 22)), suggested_tag("Board_members (2).xlsx", date(2026, 11, 22))
    ('members 2026-05', 'Board members 2026-11')
    """
    stem = _COPY.sub("", PurePath(name).stem)
    found = _DATE.search(stem)
    dated = found[0] if found else f"{today:%Y-%m}"
    words = re.sub(r"[\s_,;.-]+", " ", stem[: found.start()] + " " + stem[found.end() :] if found else stem).strip()
    tag = f"{words[:40].strip()} {dated}".strip()
    try:
        return checked_tag(tag)
    except RuleViolation:
        return dated


def _fields(chosen: Mapping[int, str], columns: tuple[Column, ...]) -> list[str]:
    return [chosen.get(column.index, "") for column in columns]


def _mark(parts: list[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
