"""The background work: what runs, what waits, what failed and is tried again, and the workers that are alive."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from crm.domain.errors import Conflict, NotFound
from crm.services import job_board
from crm.services.job_board import Line
from crm.web.http import CrmRequest, permission_required, render_part, tell
from crm.web.job_pages import page_of

SOON = timedelta(minutes=1)
WHAT = {
    "EXPAND": "Making the e-mails",
    "LANE": "Sending",
    "COPIES": "Sending copies to colleagues",
    "RETRY": "Queueing e-mails again",
    "ATTENDEES": "Adding the first attendees",
    "PROMOTE": "Giving free seats to the waitlist",
    "EVENTDELETE": "Deleting the event",
    "NOSHOW": "Marking no-shows",
    "NOSHOWUNDO": "Taking no-shows back",
    "ERASE": "Erasing a person",
    "MERGE": "Merging two people",
    "TASK": "Working on people",
    "IMPORTCHECK": "Checking a file of people",
    "IMPORT": "Importing people",
    "IMPORTUNDO": "Taking an import back",
}
"""What each kind of job does, in words."""
NAMELESS = {"user": "The person who goes", "event": "An event without a title", "campaign": "A campaign without a subject"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the board as the page shows it. `url` is empty where there is nothing to open; `soon`: due within a minute."""

    line: Line
    what: str
    title: str
    url: str
    soon: bool

    @property
    def percent(self) -> int:
        """How far it is, 0 to 100."""
        return min(100, self.line.done * 100 // self.line.total) if self.line.total else 0


@require_safe
@permission_required("crm.view_jobs")
def page(request: CrmRequest) -> HttpResponse:
    """How the background work stands; htmx asks for #jobs again and again."""
    now = timezone.now()
    board = job_board.board(request.store, now=now)
    rows = {standing.value: [_row(line, now) for line in lines] for standing, lines in board.lines.items()}
    context: dict[str, Any] = {
        "rows": rows,
        "more": board.more,
        "workers": [(worker, worker.is_quiet(now)) for worker in board.workers],
        "alive": any(not worker.is_quiet(now) for worker in board.workers),
        "tab": "jobs",
    }
    return render_part(request, "settings/jobs.html", context, part="jobs")


@require_POST
@permission_required("crm.manage_jobs")
def restart(request: CrmRequest) -> HttpResponse:
    """Let what failed be tried again now, and come back to the list."""
    owner, kind = request.POST.get("owner", ""), request.POST.get("kind", "")
    try:
        job_board.restart(request.store, owner, kind, actor=request.user.get_username(), now=timezone.now())
        tell(request, "It is tried again now", "Should it fail once more, it comes back to this list.")
    except (Conflict, NotFound) as error:
        tell(request, "Nothing was started again", error.message, level=messages.WARNING)
    return redirect("settings:jobs")


@require_POST
@permission_required("crm.manage_jobs")
def restart_all(request: CrmRequest) -> HttpResponse:
    """Let everything that failed be tried again now, as after a mended error, and come back to the list."""
    number = job_board.restart_all(request.store, actor=request.user.get_username(), now=timezone.now())
    if number:
        title = "One job is tried again now" if number == 1 else f"{number:,} jobs are tried again now"
        tell(request, title, "What fails once more comes back to this list.")
    else:
        tell(request, "Nothing was started again", job_board.ALL_MOVED_ON, level=messages.WARNING)
    return redirect("settings:jobs")


def _row(line: Line, now: datetime) -> Row:
    what = WHAT.get(line.kind, line.kind)
    return Row(
        line=line,
        what=what,
        title=line.title or (NAMELESS.get(line.about, "") if line.about_id else ""),
        url=page_of(line.about, line.about_id),
        soon=line.due_at < now + SOON,
    )
