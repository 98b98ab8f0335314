"""Import in the browser: choose a file, match and check, import, report. Nothing is written before the third step.

An import goes in steps of a few seconds, each kept: the page asks for the next one by itself, or by a button without
JavaScript, and one can leave and come back. A step that is done twice writes nothing twice.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

from django.core.cache import cache
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from crm.domain.errors import RuleViolation
from crm.services import import_whole as imports
from crm.services.import_columns import FIELDS, Column
from crm.services.import_file import DELIMITERS, ENCODINGS, SourceFile, read
from crm.services.import_whole import Kind, Mode, Report
from crm.web.csv import csv_response
from crm.web.http import CrmRequest, permission_required, render_part, tell
from crm.web.people import drafts
from crm.web.people.drafts import DONE, OPEN, RUNNING, Draft

MAX_BYTES = 5_000_000
MAX_ROWS = 10_000
STEP_SECONDS = 4.0
LOCK_SECONDS = 60
SHOWN = 20
MODES = {
    Mode.BOTH: "new, add; known, update",
    Mode.CREATE: "only add new ones",
    Mode.UPDATE: "only update known ones",
}


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column with its first cells, for the table of columns."""

    column: Column
    samples: list[str]


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.import_people")
def upload(request: CrmRequest) -> HttpResponse:
    """Take a file, if it can be used."""
    problem = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            draft = drafts.start(_owner(request), file.name or "people.csv", _checked(file)) if file else None
        except RuleViolation as error:
            problem = error.message
        else:
            if draft:
                return redirect("people:import-check", draft.id)
            problem = "Choose a file first."
    context = {"problem": problem, "earlier": drafts.of_owner(_owner(request)), "max_rows": MAX_ROWS}
    return render(request, "people/import.html", context, status=422 if problem else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.import_people")
def check(request: CrmRequest, draft_id: str) -> HttpResponseBase:
    """Match and check; once the import runs, how far it is; at the end the report."""
    draft = drafts.load(draft_id, _owner(request))
    if draft.status == RUNNING:
        return render_part(request, "people/import_running.html", {"draft": draft}, part="import-progress")
    if draft.status == DONE:
        source = draft.source()
        report = draft.report(source)
        context = {"draft": draft, "report": report, "figures": _figures(report), "failed": _shown(report)}
        return render(request, "people/import_report.html", context)
    if request.method == "POST":
        return _chosen(request, draft)
    return _check_page(request, draft)


@require_POST
@permission_required("crm.import_people")
def run(request: CrmRequest, draft_id: str) -> HttpResponseBase:
    """Do the next part of an import; only one request at a time works on it."""
    draft = drafts.load(draft_id, _owner(request))
    lock = f"import:{draft.id}"
    if draft.status == RUNNING and cache.add(lock, 1, LOCK_SECONDS):
        try:
            draft = _work(request, drafts.load(draft_id, draft.owner))
        finally:
            cache.delete(lock)
    if request.htmx and draft.status == RUNNING:
        return render_part(request, "people/import_running.html", {"draft": draft}, part="import-progress")
    return HttpResponseClientRedirect(_address(draft)) if request.htmx else redirect(_address(draft))


@require_safe
@permission_required("crm.import_people")
def failed(request: CrmRequest, draft_id: str) -> HttpResponseBase:
    """The rows that could not be read, or would not be, as CSV with a reason."""
    draft = drafts.load(draft_id, _owner(request))
    source = draft.source()
    report = imports.plan(request.store, source, draft.options(source)) if draft.status == OPEN else draft.report(source)
    header, rows = imports.failed_rows(source, report.failed)
    return csv_response("failed-rows.csv", header, rows)


def _checked(file: "UploadedFile[bytes]") -> bytes:
    """The bytes of an upload that can be used here; RuleViolation says why another can't."""
    command = "python manage.py import_people FILE takes files of any size."
    if (file.size or 0) > MAX_BYTES:
        raise RuleViolation(f"The file is larger than {MAX_BYTES // 1_000_000} MB, the most for this page; {command}")
    data = bytes(file.read())
    source = read(data)
    if len(source.rows) > MAX_ROWS:
        raise RuleViolation(f"The file has {len(source.rows):,} rows, {MAX_ROWS:,} are the most for this page; {command}")
    if not source.rows:
        raise RuleViolation("The file has headings, but no row under them.")
    return data


def _chosen(request: CrmRequest, draft: Draft) -> HttpResponseBase:
    """Check again with what was chosen; or begin, if that is what was checked."""
    source = draft.source()
    checked = _choices(draft, source)
    changed = _with_choices(draft, request)
    try:
        source = changed.source()
        same = _choices(changed, source) == checked
        if "import" not in request.POST or not same:
            drafts.save(changed)
            if "import" in request.POST:
                tell(request, "Checked again", "You had changed something; look, then import.")
            return redirect(_address(draft))
        addresses = imports.size(source, changed.options(source))
    except RuleViolation as error:
        return _check_page(request, changed, problem=error.message)
    drafts.save(replace(changed, status=RUNNING, addresses=addresses))
    return run(request, draft.id)


def _with_choices(draft: Draft, request: HttpRequest) -> Draft:
    """The draft with what stands in the form. Read another way, the columns are recognised anew."""
    encoding, delimiter = request.POST.get("encoding", ""), request.POST.get("delimiter", "")
    columns = {name.removeprefix("map-"): str(value) for name, value in request.POST.items() if name.startswith("map-")}
    mode, tag = request.POST.get("mode", ""), request.POST.get("tag", "").strip()
    if (encoding, delimiter) != (draft.encoding, draft.delimiter):
        columns = {}
    return replace(
        draft,
        encoding=encoding if encoding in ENCODINGS else "",
        delimiter=delimiter if delimiter in DELIMITERS else "",
        columns=columns if columns and all(name.isascii() and name.isdigit() and len(name) < 7 for name in columns) else None,
        mode=mode if mode in set(Mode) else Mode.BOTH.value,
        tag=tag,
    )


def _choices(draft: Draft, source: SourceFile) -> tuple[object, ...]:
    """All that decides what an import does."""
    fields = tuple(column.field for column in draft.chosen(source))
    return draft.encoding, draft.delimiter, fields, draft.mode, draft.tag


def _check_page(request: CrmRequest, draft: Draft, problem: str = "") -> HttpResponse:
    """The second step: the columns, and what would happen, or why nothing can."""
    source: SourceFile | None = None
    columns: tuple[Column, ...] = ()
    report = Report()
    try:
        source = draft.source()
        columns = draft.shown(source)
        if not problem:
            report = imports.plan(request.store, source, draft.options(source))
    except RuleViolation as error:
        problem = error.message
    context: dict[str, Any] = {
        "draft": draft,
        "source": source,
        "rows": [ColumnRow(column, _samples(source, column)) for column in columns] if source else [],
        "recognised": sum(bool(column.field) for column in columns),
        "fields": FIELDS,
        "modes": MODES,
        "encodings": ENCODINGS,
        "delimiters": DELIMITERS,
        "problem": problem,
        "report": report,
        "figures": _figures(report),
        "failed": _shown(report),
    }
    return render(request, "people/import_check.html", context, status=422 if problem else 200)


def _work(request: CrmRequest, draft: Draft) -> Draft:
    """Import for a few seconds; each step is kept."""
    source = draft.source()
    until = time.monotonic() + STEP_SECONDS
    for step in imports.commit(request.store, source, draft.options(source), now=timezone.now(), start=draft.next):
        draft = drafts.save(draft.with_outcomes(step.outcomes, step.next))
        if time.monotonic() > until:
            break
    return draft


def _samples(source: SourceFile, column: Column) -> list[str]:
    cells = [row.cells[column.index].strip() for row in source.rows[:3] if column.index < len(row.cells)]
    return [cell[:60] or "–" for cell in cells]


def _figures(report: Report) -> list[tuple[str, int, str, str]]:
    """Label, number, note and colour of each count."""
    figures = [
        ("New people", report.counts[Kind.NEW], "added", "good"),
        ("Updated", report.counts[Kind.UPDATE], "get what the file says", ""),
        ("Unchanged", report.counts[Kind.UNCHANGED], "already the same", ""),
        ("Twice in the file", report.counts[Kind.DUPLICATE], "what stands further down counts", ""),
        ("Can’t be read", report.counts[Kind.INVALID], "left out", "bad"),
    ]
    if report.counts[Kind.SKIPPED]:
        figures.append(("Left alone", report.counts[Kind.SKIPPED], "as you chose", ""))
    return [(label, number, note, css if number else "zero") for label, number, note, css in figures]


def _shown(report: Report) -> list[tuple[int, str, str]]:
    """The first failed rows: number, what stands there, why."""
    return [
        (outcome.row.number, "; ".join(cell[:80] for cell in outcome.row.cells)[:200].rstrip("; "), outcome.reason)
        for outcome in report.failed[:SHOWN]
    ]


def _address(draft: Draft) -> str:
    return reverse("people:import-check", args=[draft.id])


def _owner(request: CrmRequest) -> int:
    return int(request.user.pk)
