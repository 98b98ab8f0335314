"""Import in the browser, once it has begun: how far it is, the report, the failed rows, stopping, undoing."""

from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from crm.domain.errors import Conflict, RuleViolation
from crm.domain.imports import Import, ImportStatus, Kind, Undone
from crm.services import imports
from crm.services.imports import ImportProgress
from crm.store import Store
from crm.web.csv import csv_response
from crm.web.durations import in_words
from crm.web.http import CrmRequest, permission_required, render_part, tell
from crm.web.people.import_figures import figures, left_alone, shown_failures, undo_figures
from crm.wiring import get_files

PROGRESS = "import-progress"


def page(request: CrmRequest, imported: Import) -> HttpResponseBase:
    """How far it is, while something is being done; else the report."""
    progress = imports.progress(request.store, imported.id)
    if progress.at_work:
        return _running(request, progress)
    if request.htmx.target == PROGRESS:
        return HttpResponseClientRedirect(request.path)
    return render(request, "people/import_report.html", _report(request.store, progress.imported, timezone.now()))


@require_safe
@permission_required("crm.import_people")
def failed(request: CrmRequest, import_id: str) -> HttpResponseBase:
    """The rows that could not be read, or would not be, as CSV with a reason."""
    imported = request.store.imports.get(import_id)
    actor = request.user.get_username()
    header, rows = imports.take_failed(request.store, get_files(), imported, actor=actor, now=timezone.now())
    name = slugify(PurePath(imported.name).stem) or "people"
    return csv_response(f"{name}-failed-rows.csv", header, rows, separator=imports.separator_of(imported))


@require_POST
@permission_required("crm.import_people")
def cancel(request: CrmRequest, import_id: str) -> HttpResponse:
    """Stop a dry run or an import."""
    try:
        stopped = imports.cancel(request.store, import_id, actor=request.user.get_username(), now=timezone.now())
    except Conflict as error:
        tell(request, "Nothing to stop", error.message, level=messages.INFO)
    else:
        if stopped.status is ImportStatus.CANCELLED:
            tell(request, "Stopping", "What was written so far stays, and can be undone.")
    return redirect("people:import-one", import_id)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.import_people")
def undo(request: CrmRequest, import_id: str) -> HttpResponse:
    """Ask once, then take the import back."""
    imported = request.store.imports.get(import_id)
    if request.method == "POST":
        try:
            imports.undo(request.store, import_id, actor=request.user.get_username(), now=timezone.now())
        except (Conflict, RuleViolation) as error:
            tell(request, "That was not done", error.message, level=messages.ERROR)
        return redirect("people:import-one", import_id)
    context = _report(request.store, imported, timezone.now())
    return (
        render(request, "people/import_undo.html", context) if context["may_undo"] else redirect("people:import-one", import_id)
    )


def _running(request: CrmRequest, progress: ImportProgress) -> HttpResponse:
    """The panel that is asked for again and again."""
    imported, left = progress.imported, progress.seconds_left
    undoing = imported.status is ImportStatus.UNDOING
    context = {
        "imported": imported,
        "progress": progress,
        "undoing": undoing,
        "stopping": imported.status is ImportStatus.CANCELLED,
        "figures": undo_figures(progress.undone, "") if undoing else figures(imported, progress.counts),
        "left": in_words(left) if left is not None else "",
        "done_at": timezone.now() + timedelta(seconds=left) if left is not None else None,
    }
    return render_part(request, "people/import_running.html", context, part=PROGRESS)


def _report(store: Store, imported: Import, now: datetime) -> dict[str, Any]:
    """What became of it, and what can be done with that."""
    ended, began = imported.finished_at, imported.started_at
    people = f"{reverse('people:list')}?selected={imported.id}"
    until = imported.undo_until
    undone = imported.status is ImportStatus.UNDONE
    kept = sum(imported.undo_counts.get(one, 0) for one in (Undone.RESTORED, Undone.LEFT)) if undone else imported.written
    ended_well = imported.status in {ImportStatus.DONE, ImportStatus.CANCELLED}
    return {
        "imported": imported,
        "now": now,
        "undone": undone,
        "still_here": bool(kept),
        "added": imported.counts.get(Kind.NEW, 0),
        "updated": imported.counts.get(Kind.UPDATE, 0),
        "people": people,
        "took": in_words((ended - began).total_seconds()) if ended and began else "",
        "figures": figures(imported, people=people if kept else ""),
        "undo_figures": undo_figures(imported.undo_counts, people),
        "failed": shown_failures(imported),
        "left": left_alone(store, imported),
        "may_undo": bool(ended_well and imported.written and until and now <= until),
        "too_late": bool(ended_well and imported.written and until and now > until),
    }
