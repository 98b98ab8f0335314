"""Changing who gets a campaign, in the form in which its letter is written: nothing that was typed is lost, with or without htmx.

The filter stands in hidden fields of the form. A button `do` says what becomes of it: `within:<kind>` narrows it to a group,
`without:<kind>` leaves one out, `drop:<field>:<value>` takes a condition away, `everybody` takes all, `choose` opens the choice.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm.domain.errors import NotFound, RuleViolation
from crm.domain.events import STATUS_WORDS
from crm.domain.filters import PeopleFilter, filter_values, group, parse_filter
from crm.domain.groups import GroupKind
from crm.domain.segments import Segment
from crm.services import filter_names, pasted, segments
from crm.services.filter_names import Titled
from crm.services.pasted import Pasted
from crm.store import Store
from crm.web.filter_words import FACETS, GROUPS, Said, fields_of, said
from crm.web.http import CrmRequest, error_answer, permission_required

CHANGES = ("within", "without", "drop", "everybody", "choose", "find", "chosen")
"""What a button of the choice does, before its colon."""
SHOWN = 20
NAMED = 20
"""Unknown addresses that are named; of the others there is a number."""
OUTCOMES = {
    "": "got it",
    "opened": "opened it",
    "not_opened": "did not open it",
    "clicked": "clicked in it",
    "not_clicked": "did not click in it",
    "bounced": "whose address bounced",
    "failed": "could not be sent it",
}
"""What became of an earlier campaign; the first is sent, or uncertain."""
STATUSES = {"": "registered or came", **{status.value: words.lower() for status, words in STATUS_WORDS.items()}}
DAYS = 7
PICKS = {"pickSegment": "a segment", "pickEvent": "an event", "pickCampaign": "a campaign"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of the filter in words, with the value of the button that takes it away."""

    said: Said
    drop: str
    exclude: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """Where the choice stands: open or not, whether the audience was changed, what was wrong, what became of a pasted list."""

    open: bool = False
    changed: bool = False
    error: str = ""
    pasted: Pasted | None = None
    typed: dict[str, str] = field(default_factory=dict)


CLOSED = Choosing()


def asked(request: CrmRequest) -> bool:
    """Tell whether a button of the choice was pressed."""
    return request.POST.get("do", "").partition(":")[0] in CHANGES


def change(request: CrmRequest, wanted: PeopleFilter) -> tuple[PeopleFilter, Choosing]:
    """Return the filter as the button wants it, and where the choice stands then; what can't be done is said there."""
    verb, _, rest = request.POST.get("do", "").partition(":")
    typed = _typed(request)
    state = Choosing(open=verb != "chosen", typed=typed)
    try:
        if verb in {"within", "without"}:
            return _added(request, wanted, verb, rest, state)
        if verb == "drop":
            return _dropped(wanted, rest), replace(state, open=_is_open(request), changed=True)
        if verb == "everybody":
            return PeopleFilter(), replace(state, changed=True)
    except (RuleViolation, NotFound) as error:
        return wanted, replace(state, error=error.message)
    return wanted, state


def still(request: CrmRequest) -> Choosing:
    """Where the choice stands when another button of the form was pressed: open where it was."""
    typed = _typed(request)
    return Choosing(open=_is_open(request), typed=typed) if request.method == "POST" else CLOSED


def choosing_context(request: CrmRequest, wanted: PeopleFilter, names: dict[str, str], choosing: Choosing) -> dict[str, Any]:
    """What campaigns/_audience_form.html shows beside `audience_context`; what there is to choose only while it is open.

    Then it costs a request or two each for segments, events and campaigns.
    """
    conditions = _conditions(wanted, names)
    context: dict[str, Any] = {
        "choosing": choosing,
        "matching": [one for one in conditions if not one.exclude],
        "leaving_out": [one for one in conditions if one.exclude],
        "filter_values": filter_values(wanted),
        "unknown": choosing.pasted.unknown[:NAMED] if choosing.pasted else (),
        "unknown_more": max(0, len(choosing.pasted.unknown) - NAMED) if choosing.pasted else 0,
        "not_addresses": choosing.pasted.not_addresses[:NAMED] if choosing.pasted else (),
    }
    if choosing.open:
        context |= {
            "segments": _segments(request),
            "events": _events(request.store, choosing.typed.get("findEvent", "")),
            "campaigns": _campaigns(request.store, choosing.typed.get("findCampaign", "")),
            "statuses": STATUSES.items(),
            "outcomes": OUTCOMES.items(),
            "facets": FACETS.items(),
            "days": choosing.typed.get("pickDays", DAYS),
        }
    return context


def _typed(request: CrmRequest) -> dict[str, str]:
    return {name: request.POST[name] for name in request.POST}


def _is_open(request: CrmRequest) -> bool:
    return "choosing" in request.POST


def _added(request: CrmRequest, wanted: PeopleFilter, verb: str, kind: str, state: Choosing) -> tuple[PeopleFilter, Choosing]:
    """The filter with one more condition; the last days stand behind all other exclusions."""
    if kind == "facet":
        name, value = _facet(state.typed)
        return _with(wanted, name if verb == "within" else f"{name}Not", value), replace(state, changed=True)
    if kind == "list":
        result = pasted.paste(request.store, state.typed.get("pasted", ""), actor=request.user.get_username())
        if not result.list_id:
            return wanted, replace(state, pasted=result, error="None of these addresses is of somebody here.")
        rest = {name: value for name, value in state.typed.items() if name != "pasted"}
        return _with(wanted, verb, f"list:{result.list_id}"), replace(state, changed=True, pasted=result, typed=rest)
    value = _picked(kind, state.typed)
    segments.expanded(request.store, {verb: [value]}, viewer=request.user.get_username())  # refuses somebody else's own
    return _with(wanted, verb, value), replace(state, changed=True)


def _with(wanted: PeopleFilter, name: str, value: str) -> PeopleFilter:
    values = filter_values(wanted)
    given = [*values.get(name, []), value]
    if name == "without":
        given.sort(key=lambda one: one.startswith(f"{GroupKind.DAYS}:"))
    return parse_filter(values | {name: given})


def _picked(kind: str, typed: dict[str, str]) -> str:
    """The group that was chosen; RuleViolation where nothing was."""

    def chosen(name: str) -> str:
        if not typed.get(name, "").strip():
            raise RuleViolation(f"Choose {PICKS[name]} first.", field=name)
        return typed[name].strip()

    def with_rest(name: str, rest: str) -> str:
        return ":".join(part for part in (chosen(name), typed.get(rest, "").strip()) if part)

    if kind == GroupKind.SEGMENT:
        return f"segment:{chosen('pickSegment')}"
    if kind == GroupKind.ATTENDS:
        return f"attends:{with_rest('pickEvent', 'pickStatus')}"
    if kind == GroupKind.MAILED:
        return f"mailed:{with_rest('pickCampaign', 'pickOutcome')}"
    value = f"days:{typed.get('pickDays', '').strip()}"
    group(value)
    return value


def _facet(typed: dict[str, str]) -> tuple[str, str]:
    name, value = typed.get("pickField", ""), typed.get("pickValue", "").strip()
    if name not in FACETS:
        raise RuleViolation("Choose a field first.", field="pickField")
    if not value:
        raise RuleViolation(f"Write which {FACETS[name].lower()} first.", field="pickValue")
    return name, value


def _dropped(wanted: PeopleFilter, condition: str) -> PeopleFilter:
    """The filter without one condition, or as it is where that is gone already."""
    name, _, value = condition.partition(":")
    values = filter_values(wanted)
    for one in fields_of(name):
        values[one] = [other for other in values.get(one, []) if value and other != value]
    return parse_filter(values)


def _conditions(wanted: PeopleFilter, names: dict[str, str]) -> list[Condition]:
    values = filter_values(wanted)
    return [
        Condition(
            said=one,
            drop=f"drop:{name}:{one.values[0] if len(one.values) == 1 else ''}",
            exclude=one.exclude or one.out,
        )
        for name in GROUPS
        for one in said(name, values, names)
    ]


def _segments(request: CrmRequest) -> list[Segment]:
    return request.store.segments.visible(request.user.get_username())


def _events(store: Store, typed: str) -> list[Titled]:
    return filter_names.events_titled(store, typed, SHOWN)


def _campaigns(store: Store, typed: str) -> list[Titled]:
    return filter_names.campaigns_titled(store, typed, SHOWN)


@require_safe
@permission_required("crm.edit_campaigns")
def found_events(request: CrmRequest) -> HttpResponse:
    """The events whose title has the words that are typed, for the select that htmx fills anew."""
    typed = request.GET.get("findEvent", "")
    return _found(request, _events, typed, "No event has such words in its title")


@require_safe
@permission_required("crm.edit_campaigns")
def found_campaigns(request: CrmRequest) -> HttpResponse:
    """The campaigns that were sent and whose subject has the words, likewise."""
    typed = request.GET.get("findCampaign", "")
    return _found(request, _campaigns, typed, "No campaign has such words in its subject")


@require_safe
@permission_required("crm.edit_campaigns")
def found_values(request: CrmRequest) -> HttpResponse:
    """The values of a field that begin with what is typed, most people first, for its list of suggestions."""
    name, typed = request.GET.get("pickField", ""), request.GET.get("pickValue", "").strip()
    if not request.htmx or name not in FACETS:
        return error_answer(request, 400, "This address only serves the choice of an audience.")
    return render(request, "campaigns/_values.html", {"found": request.store.people.facet(name, typed, SHOWN)})


def _found(request: CrmRequest, find: Callable[[Store, str], list[Titled]], typed: str, empty: str) -> HttpResponse:
    if not request.htmx:
        return error_answer(request, 400, "This address only serves the choice of an audience.")
    return render(request, "campaigns/_titled.html", {"found": find(request.store, typed), "empty": empty})
