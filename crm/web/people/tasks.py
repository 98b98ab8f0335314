"""Tasks on many people: how one goes, what it did, and the newest of them."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from crm.domain.errors import RuleViolation
from crm.domain.tasks import FAILURES, Outcome, Task, TaskAction, TaskStatus
from crm.services import tasks
from crm.staff import why_not
from crm.web.durations import in_words
from crm.web.http import CrmRequest, permission_required, render_part, tell
from crm.web.people.choosing import NEEDS, done_words

LEFT_OUT = {
    TaskAction.TAG: "tagNot",
    TaskAction.UNTAG: "tag",
    TaskAction.REGISTER: "attendsNot",
    TaskAction.STATUS: "attendsNot",
}
"""The field of the filter that, with what a task is about, finds those who did not get it."""


@require_safe
@permission_required("crm.view_people")
def recent(request: CrmRequest) -> HttpResponse:
    """What was done to many people, newest first."""
    return render(request, "people/tasks.html", {"tasks": request.store.tasks.recent()})


@require_safe
@permission_required("crm.view_people")
def page(request: CrmRequest, task_id: str) -> HttpResponse:
    """How a task goes; while it does, htmx asks for #task again and again."""
    now = timezone.now()
    progress = tasks.progress(request.store, task_id, now=now)
    task = progress.task
    took = (task.finished_at - task.created_at).total_seconds() if task.finished_at else 0
    context: dict[str, Any] = {
        "task": task,
        "progress": progress,
        "told": done_words(task),
        "left": in_words(progress.seconds_left) if progress.seconds_left is not None else "",
        "took": in_words(took),
        "figures": _figures(task),
        "failures": [(words, task.counts[outcome]) for outcome, words in FAILURES.items() if task.counts.get(outcome)],
        "needs": NEEDS[task.action.value],
        "people": "" if task.action is TaskAction.DELETE else f"{reverse('people:list')}?{urlencode({'selected': task.id})}",
        "left_out": _left_out(task),
        "unreached": task.total - task.reached,
    }
    return render_part(request, "people/task.html", context, part="task")


@require_POST
@permission_required("crm.view_people")
def cancel(request: CrmRequest, task_id: str) -> HttpResponse:
    """Stop a task and come back to its page, which says what was done."""
    task = request.store.tasks.get(task_id)
    if not request.user.has_perm(NEEDS[task.action.value]):
        raise PermissionDenied(why_not(request.user, NEEDS[task.action.value]))
    try:
        tasks.cancel(request.store, task_id, actor=request.user.get_username(), now=timezone.now())
    except RuleViolation as error:
        tell(request, "That was not done", error.message, level=messages.ERROR)
    return redirect("people:task", task_id)


def _figures(task: Task) -> list[tuple[str, int, str]]:
    """Label, number and note of each outcome that can be, and in the end of those who were not reached."""
    words = task.words
    figures = [(words.done.capitalize(), task.counts.get(Outcome.DONE, 0), "by this task")]
    if task.action is TaskAction.REGISTER:
        figures.append(("Waitlisted", task.counts.get(Outcome.WAITLISTED, 0), "no seat was left"))
    if task.action is not TaskAction.DELETE:
        figures.append(("Unchanged", task.counts.get(Outcome.UNCHANGED, 0), words.unchanged))
    figures.append(("Gone", task.counts.get(Outcome.GONE, 0), "deleted meanwhile"))
    figures.append(("Failed", task.failed, "the reasons are below" if task.failed else "none"))
    if task.status is TaskStatus.CANCELLED:
        figures.append(("Not reached", task.total - task.reached, "left as they were"))
    return figures


def _left_out(task: Task) -> str:
    """The list of those noted down who did not get what the task gives; empty where there can't be any."""
    field = LEFT_OUT.get(task.action)
    if field is None or not task.ended or task.total == task.counts.get(Outcome.DONE, 0) + task.counts.get(Outcome.UNCHANGED, 0):
        return ""
    return f"{reverse('people:list')}?{urlencode({'selected': task.id, field: task.subject})}"
