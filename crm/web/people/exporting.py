"""The list as a file: exactly the filter, in the columns that were chosen, which are remembered for the next one."""

from dataclasses import dataclass
from typing import Any

from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.domain.errors import RuleViolation
from crm.services.export import COLUMNS, SEPARATORS, columns_named, export_people, headings
from crm.web.csv import csv_response
from crm.web.http import CrmRequest, error_answer, permission_required
from crm.web.people.filters import FilterBar
from crm.web.people.query import list_query

REMEMBERED = "people-file"
"""In the session: `{"columns": [names], "separator": name}`, as last chosen."""


@dataclass(frozen=True, slots=True)
class FileMenu:
    """What the file of the list can hold: name, heading and whether it is chosen, of each column.

    `kept` is the filter and the order, as pairs; `zone` the name of the zone of its times.
    """

    columns: list[tuple[str, str, bool]]
    separator: str
    kept: list[tuple[str, str]]
    zone: str

    @property
    def chosen(self) -> int:
        """How many columns the next file has."""
        return sum(chosen for _, _, chosen in self.columns)

    @property
    def is_whole(self) -> bool:
        """Whether it has all columns."""
        return self.chosen == len(self.columns)


@require_safe
@permission_required("crm.export_people")
def export(request: CrmRequest) -> HttpResponseBase:
    """Everybody who matches the filter, as CSV, in the columns the address names; else those remembered; else all."""
    bar = FilterBar(request.GET, request.store, request.user.get_username())
    if bar.wanted is None:
        return error_answer(request, 400, " ".join(bar.errors.values()))
    try:
        columns, separator = _chosen(request)
    except RuleViolation as error:
        return error_answer(request, 400, error.message)
    if request.method == "HEAD":
        return csv_response("people.csv", headings(columns), ())
    rows = export_people(
        request.store,
        bar.wanted,
        order=bar.order,
        columns=columns,
        zone=timezone.get_default_timezone(),
        actor=request.user.get_username(),
        now=timezone.now(),
    )
    return csv_response("people.csv", headings(columns), rows, separator=SEPARATORS[separator])


def file_menu(request: CrmRequest) -> FileMenu:
    """What was chosen last, for the menu beside the link; at first, all columns and commas."""
    columns, separator = _remembered(request)
    listed = list_query(request.GET)
    kept = [(name, value) for name in listed for value in listed.getlist(name)]
    return FileMenu(
        [(name, heading, name in columns) for name, heading in COLUMNS.items()],
        separator,
        kept,
        timezone.get_default_timezone_name(),
    )


def _chosen(request: CrmRequest) -> tuple[tuple[str, ...], str]:
    """Columns and separator; RuleViolation for what can't be. What comes from the menu (it sends `separator`) is remembered."""
    columns, separator = _remembered(request)
    if "column" in request.GET or "separator" in request.GET:
        columns = columns_named(request.GET.getlist("column"))
    if "separator" in request.GET:
        separator = request.GET["separator"]
        if separator not in SEPARATORS:
            raise RuleViolation(f"separator can be {' or '.join(SEPARATORS)}.", field="separator")
        request.session[REMEMBERED] = {"columns": list(columns), "separator": separator}
    return columns, separator


def _remembered(request: CrmRequest) -> tuple[tuple[str, ...], str]:
    kept: dict[str, Any] = request.session.get(REMEMBERED, {})
    columns = columns_named(name for name in kept.get("columns", ()) if name in COLUMNS)
    return columns, str(kept.get("separator", "comma"))
