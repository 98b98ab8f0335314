"""Import in the browser, before it begins: choose a file, match and check. Nothing is written to anybody until then."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.imports import CHOOSING, Choices, Import, ImportStatus
from crm.services import imports
from crm.services.import_columns import FIELDS, Column, check_usable
from crm.services.import_encoding import ENCODINGS
from crm.services.import_staging import MAX_ROWS
from crm.services.import_text import DELIMITERS
from crm.web.bounds import takes_files
from crm.web.forms import number_in
from crm.web.http import CrmRequest, permission_required, render_part, tell
from crm.web.people import import_report
from crm.web.people.import_choices import MODES, applied, check_tag, posted, seen, settled, suggested_tag, wanted, why
from crm.web.people.import_figures import figures, shown_failures
from crm.wiring import get_files

DRY = "import-dry"
LISTED = 30
FOLDED = 10
"""More columns without a use than these stand behind those that have one, folded."""
SAMPLE_LETTERS = 60
ELSEWHERE = "It was changed meanwhile, perhaps in another window. Below is what you chose; try it again."


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column, why it becomes what it becomes, and its first cells."""

    column: Column
    why: str
    samples: list[str]


@takes_files(imports.MAX_CSV)
@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.import_people")
def upload(request: CrmRequest) -> HttpResponse:
    """Take a file, if it can be used, and try at once what it would do as it is recognised; below it, the latest imports."""
    problem = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            if file:
                return redirect("people:import-one", _taken(request, file).id)
            problem = "Choose a file first."
        except RuleViolation as error:
            problem = error.message
    context = {
        "problem": problem,
        "recent": imports.recent(request.store, LISTED),
        "now": timezone.now(),
        "max_rows": MAX_ROWS,
        "max_csv": imports.MAX_CSV // 1_000_000,
        "max_sheet": imports.MAX_SHEET // 1_000_000,
    }
    return render(request, "people/import.html", context, status=422 if problem else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.import_people")
def one(request: CrmRequest, import_id: str) -> HttpResponseBase:
    """Match and check; once the import has begun, how far it is; at the end the report."""
    imported = request.store.imports.get(import_id)
    if imported.status not in CHOOSING:
        if request.method == "POST":
            tell(request, "This import has begun", "What it does can’t be changed any more.", level=messages.INFO)
            return redirect("people:import-one", import_id)
        if request.htmx.target == DRY:
            return HttpResponseClientRedirect(request.path)
        return import_report.page(request, imported)
    if request.method == "POST":
        return _chosen(request, imported)
    return _page(request, imported)


@require_POST
@permission_required("crm.import_people")
def discard(request: CrmRequest, import_id: str) -> HttpResponse:
    """Throw away a file that was not imported."""
    imported = request.store.imports.get(import_id)
    try:
        imports.discard(request.store, get_files(), imported, actor=request.user.get_username(), now=timezone.now())
    except Conflict as error:
        tell(request, "That was not done", error.message, level=messages.ERROR)
        return redirect("people:import-one", import_id)
    tell(request, f"{imported.name} is thrown away", "Nothing of it was imported.")
    return redirect("people:import")


def _taken(request: CrmRequest, file: "UploadedFile[bytes]") -> Import:
    """The import of an upload, with its dry run begun if it can be. RuleViolation says why a file can't be used."""
    now, files = timezone.now(), get_files()
    name = file.name or "people"
    owner = request.user.get_username()
    imported = imports.upload(request.store, files, name=name, content=file, size=file.size or 0, owner=owner, now=now)
    tag = suggested_tag(name, timezone.localtime(now).date())
    choices = Choices(encoding=imported.encoding, delimiter=imported.delimiter, headed=imported.headed, tag=tag)
    try:
        return imports.choose(request.store, files, imported.id, choices, version=imported.version, now=now)
    except RuleViolation:  # a column must be chosen first; the page says which
        return imported


def _chosen(request: CrmRequest, imported: Import) -> HttpResponseBase:
    """Check with what was chosen; or begin, if that is what was checked."""
    now, files, choices = timezone.now(), get_files(), posted(request, imported)
    try:
        columns = imports.look(files, imported).columns
        kept = seen(imported, columns)
        if "import" in request.POST and imported.status is not ImportStatus.OPEN and wanted(choices, columns) == kept:
            return _begun(request, imported)
        if request.POST.get("seen", kept) != kept:
            return _page(request, imported, choices=choices, problem=ELSEWHERE, status=409)
        check_tag(choices)
        checked = settled(choices, imported, columns)
        imports.choose(request.store, files, imported.id, checked, version=imported.version, now=now)
    except RuleViolation as error:
        return _page(request, imported, choices=choices, problem=error.message, status=422)
    except Conflict:
        return _page(request, request.store.imports.get(imported.id), choices=choices, problem=ELSEWHERE, status=409)
    if "import" in request.POST:
        tell(request, "Checked again", "You had changed something; look, then import.", level=messages.INFO)
    return redirect("people:import-one", imported.id)


def _begun(request: CrmRequest, imported: Import) -> HttpResponse:
    """Begin what was looked at; otherwise come back and look again."""
    version = number_in(request.POST.get("version", ""), 0)
    try:
        imports.begin(request.store, imported.id, version=version, actor=request.user.get_username(), now=timezone.now())
    except Conflict:
        if request.store.imports.get(imported.id).status in CHOOSING:
            tell(request, "Not imported yet", "It was checked again meanwhile; look, then import.", level=messages.INFO)
    return redirect("people:import-one", imported.id)


def _page(
    request: CrmRequest, imported: Import, *, choices: Choices | None = None, problem: str = "", status: int = 200
) -> HttpResponse:
    """The second step: the columns, and what would happen, or why nothing can. `choices` are typed ones that can't be kept.

    htmx asks for #import-dry alone, which the beginning of the file is not read for.
    """
    shown = applied(choices, imported) if choices else imported
    context: dict[str, Any] = {"imported": imported, "shown": shown, "problem": problem or imported.problem}
    if request.htmx.target != DRY:
        try:
            context |= _columns(imported, shown, problem)
        except NotFound as error:
            return render(request, "people/import_gone.html", {"imported": imported, "message": error.message}, status=404)
    checked = imported.status is ImportStatus.CHECKED and not context["problem"]
    context |= {
        "progress": imports.progress(request.store, imported.id),
        "checked": checked,
        "figures": figures(imported) if checked else [],
        "failed": shown_failures(imported) if checked else [],
    }
    return render_part(request, "people/import_check.html", context, part=DRY, status=status)


def _columns(imported: Import, shown: Import, problem: str) -> dict[str, Any]:
    """The columns with their first cells, and what can be chosen. Raises NotFound once the file is deleted."""
    files = get_files()
    rows: list[ColumnRow] = []
    mark = look = None
    try:
        mark = seen(imported, imports.look(files, imported).columns)
        look = imports.look(files, shown)
        rows = [
            ColumnRow(column, why(column, shown.remembered_at), [text[:SAMPLE_LETTERS] or "–" for text in cells])
            for column, cells in zip(look.columns, look.samples, strict=True)
        ]
        if not problem and shown.status is ImportStatus.OPEN:
            check_usable(imports.opened(files, shown), look.columns)
    except RuleViolation as error:
        problem = problem or error.message
    used = [row for row in rows if row.column.field]
    unused = [row for row in rows if not row.column.field]
    fold = bool(used) and len(unused) > FOLDED
    return {
        "look": look,
        "seen": mark,
        "rows": used if fold else rows,
        "folded": unused if fold else [],
        "columns": len(rows),
        "recognised": len(used),
        "problem": problem or imported.problem,
        "fields": FIELDS,
        "modes": MODES,
        "encodings": ENCODINGS,
        "delimiters": DELIMITERS,
    }
