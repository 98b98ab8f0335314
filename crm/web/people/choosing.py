"""People chosen in the list, rows or all who match, and the question before something is done to them."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from crm.domain.errors import CrmError, RuleViolation
from crm.domain.filters import PeopleFilter, filter_values, parse_filter
from crm.domain.ids import checked_id, new_id
from crm.domain.tasks import Task, TaskAction, people
from crm.services import tasks
from crm.staff import why_not
from crm.web.http import CrmRequest, error_answer, permission_required, render_part, tell
from crm.web.people.asking import question
from crm.web.people.filters import FilterBar

NEEDS = {
    TaskAction.TAG.value: "crm.edit_people",
    TaskAction.UNTAG.value: "crm.edit_people",
    TaskAction.REGISTER.value: "crm.edit_events",
    TaskAction.STATUS.value: "crm.edit_events",
    TaskAction.DELETE.value: "crm.delete_people",
    "export": "crm.export_people",
    "write": "crm.edit_campaigns",
    "merge": "crm.delete_people",
}
"""What can be done to people who were chosen, and the right it needs."""
ELSEWHERE = {"export": "people:export", "write": "campaigns:new", "merge": "people:merge-chosen"}
"""What is done on a page of its own, which takes a filter; two rows in the case of a merge."""
EVENTS = "/events/"
"""Lists of attendees, where people can be chosen too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Who was chosen. `fields` say it again in a form, `query` as a filter, `back` is the list it was done in.

    `event`: the list is of those who do not attend it, so that is where they are to be added.
    """

    wanted: PeopleFilter
    fields: list[tuple[str, str]]
    query: str
    back: str
    event: str = ""

    @property
    def of_event(self) -> bool:
        """Whether they were chosen on the page of an event."""
        return self.back.startswith(EVENTS)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.view_people")
def choose(request: CrmRequest) -> HttpResponse:
    """Ask before something is done to the people chosen, then begin it; what has a page of its own is led there."""
    sent = request.POST if request.method == "POST" else request.GET
    action = sent.get("action") or (TaskAction.STATUS.value if "to" in sent else "")
    if action not in NEEDS:
        return error_answer(request, 400, "Choose people in the list first, then what is to be done.")
    if not request.user.has_perm(NEEDS[action]):
        raise PermissionDenied(why_not(request.user, NEEDS[action]))
    chosen = _chosen(request, sent)
    if chosen.wanted.is_empty and "all" not in sent:
        return _back(request, chosen, "Nobody is chosen", "Tick the people you mean, or all who match, and press again.")
    if action == "merge" and ("all" in sent or len(chosen.wanted.ids) != 2):
        return _back(request, chosen, "Two people can be merged", "Tick these two, nobody else, and press again.")
    if action in ELSEWHERE:
        return redirect(f"{reverse(ELSEWHERE[action])}?{chosen.query}")
    if request.method == "POST":
        return _begin(request, TaskAction(action), chosen)
    return _ask(request, TaskAction(action), chosen)


def done_words(task: Task) -> tuple[str, str]:
    """What a task did, and what became of the others: two sentences for a toast."""
    words = task.words
    number = {outcome.value: count for outcome, count in task.counts.items()}
    others = [
        (number.get("waitlisted", 0), "on the waitlist"),
        (number.get("unchanged", 0), words.unchanged),
        (number.get("gone", 0), "deleted meanwhile"),
        (task.failed, "could not be done"),
    ]
    told = words.told.format(people=people(number.get("done", 0)), name=task.name)
    return told, ", ".join(f"{count:,} {what}" for count, what in others if count)


def _chosen(request: CrmRequest, sent: QueryDict) -> Chosen:
    """The rows that were ticked, or with `all` everybody whom the list shows. RuleViolation for what can't be a filter."""
    listed = sent.get("list", "")
    bar = FilterBar(QueryDict(listed), request.store, request.user.get_username())
    back = f"{reverse('people:list')}?{bar.page_string}" if bar.page_string else reverse("people:list")
    fields = [("list", listed)]
    came_from = str(sent.get("back", ""))
    if came_from.startswith(EVENTS):
        back = came_from
        fields.append(("back", back))
    if "all" in sent:
        if bar.wanted is None:
            raise RuleViolation(" ".join(bar.errors.values()))
        return Chosen(
            wanted=bar.wanted, fields=[*fields, ("all", "1")], query=bar.list_string, back=back, event=_event_of(bar.wanted)
        )
    wanted = parse_filter({"id": sent.getlist("id")})
    ids = QueryDict(mutable=True)
    ids.setlist("id", filter_values(wanted).get("id", []))
    fields += [("id", one) for one in wanted.ids]
    return Chosen(wanted=wanted, fields=fields, query=ids.urlencode(), back=back, event=_event_of(bar.wanted))


def _event_of(listed: PeopleFilter | None) -> str:
    """The event that all in a list do not attend, empty where it says nothing of that, or of several."""
    return listed.attends_not[0] if listed is not None and len(listed.attends_not) == 1 else ""


def _subject(sent: QueryDict, chosen: Chosen) -> str:
    """What it is about, as sent: the tag, the event, or the event and what is to become of them there."""
    if sent.get("to") and sent.get("event"):
        return f"{sent.get('event')}:{sent.get('to')}"
    return str(sent.get("subject", chosen.event)).strip()


def _back(request: CrmRequest, chosen: Chosen, title: str, text: str) -> HttpResponse:
    """Say what is missing, in the list."""
    if request.htmx:
        return error_answer(request, 422, text, title=title)
    tell(request, title, text, level=messages.WARNING)
    return redirect(chosen.back)


def _ask(request: CrmRequest, action: TaskAction, chosen: Chosen, error: CrmError | None = None) -> HttpResponse:
    """The question; in the list it is a dialog."""
    sent = request.POST if request.method == "POST" else request.GET
    asked = question(request.store, action, chosen.wanted, typed=_subject(sent, chosen), now=timezone.now())
    if not asked["number"]:
        return _back(request, chosen, "Nobody is there to do this to", "Nobody matches any more. Choose again in the list.")
    context: dict[str, Any] = {
        **asked,
        "chosen": chosen,
        "error": error,
        "task_id": checked_id(sent.get("task", "")) or new_id(),
        "at_once": tasks.AT_ONCE,
        "in_dialog": request.htmx.target == "bulk",
    }
    return render_part(request, "people/task_new.html", context, part="bulk", status=422 if error else 200)


def _begin(request: CrmRequest, action: TaskAction, chosen: Chosen) -> HttpResponse:
    """Begin it once, however often the form is sent. What is done at once is told in the list, the rest has a page."""
    try:
        if action is TaskAction.DELETE:
            _check_number(request, chosen)
        task = tasks.start(
            request.store,
            action,
            chosen.wanted,
            subject=_subject(request.POST, chosen),
            actor=request.user.get_username(),
            now=timezone.now(),
            task_id=checked_id(request.POST.get("task", "")),
        )
    except CrmError as error:
        return _ask(request, action, chosen, error)
    if not task.ended:
        return redirect("people:task", task.id)
    text, note = done_words(task)
    tell(request, text, format_html("{}{}", f"{note}. " if note else "", _links(task)))
    return redirect(chosen.back)


def _links(task: Task) -> SafeString:
    """From what was done to whom it was done to, and to what became of the others."""
    about = format_html('<a href="{}">What became of them</a>', reverse("people:task", args=[task.id]))
    if task.action is TaskAction.DELETE:
        return about
    return format_html('<a href="{}?selected={}">Show them</a> · {}', reverse("people:list"), task.id, about)


def _check_number(request: CrmRequest, chosen: Chosen) -> None:
    """RuleViolation when more people match by now than the question said: nobody is deleted unseen."""
    shown, number = request.POST.get("shown", ""), request.store.people.count(chosen.wanted)
    if number and (not shown.isascii() or not shown.isdigit() or number > int(shown)):
        raise RuleViolation(f"By now {people(number)} match. Look again whether you mean all of them.")
