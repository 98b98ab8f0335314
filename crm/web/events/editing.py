"""Changing an event: one form, what the change will do, and both versions where two people save."""

from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from crm.domain.errors import Conflict, RuleViolation
from crm.domain.event_log import FIELDS
from crm.domain.events import MAX_HOSTS, Event, EventStatus
from crm.domain.local_times import zone_names
from crm.domain.people import Person
from crm.services import event_changes
from crm.services.event_changes import EventChanges
from crm.services.event_jobs import check_end, holds_no_shows
from crm.store import Store
from crm.store.event_lifecycle import check_open
from crm.web.events.edit_effects import effects, mark_of
from crm.web.events.edit_form import EventForm, differences, split_ids, typed_of
from crm.web.events.picking import find_people
from crm.web.events.shown import shown
from crm.web.forms import number_in
from crm.web.http import CrmRequest, permission_required, render_part, tell

PEOPLE = "event-people"
"""The part with owner and hosts, which htmx swaps alone."""
SEARCHES = {"owner": "ownerText", "hosts": "hostText"}


@dataclass(slots=True)
class Chosen:
    """Who owns and hosts it by what was pressed; `found` are those to choose from for one of `SEARCHES`, `looked` what for.

    `told` says why nobody was taken, `pressed` that a button beside the form's own was.
    """

    owner: str
    host_ids: tuple[str, ...]
    looked: dict[str, str]
    found: dict[str, list[Person]]
    told: dict[str, str]
    pressed: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.edit_events")
def edit(request: CrmRequest, event_id: str) -> HttpResponse:
    """Change an event; whoever saves second sees both versions."""
    stored = request.store.events.get(event_id)
    if request.method != "POST":
        return _page(request, stored, EventForm(initial=typed_of(stored)), _as_stored(stored))
    chosen = _chosen(request)
    data = request.POST.copy()
    data["owner"] = chosen.owner
    data.setlist("hostIds", list(chosen.host_ids))
    if chosen.pressed:
        return _page(request, stored, EventForm(initial=_typed(request, chosen)), chosen)
    form = EventForm(data)
    new = _read(form, stored, chosen)
    if new is not None:
        try:
            return _agreed(request, stored, new, form, chosen)
        except Conflict as error:
            current = request.store.events.get(event_id)
            if error.field is None and current.version != _version(request) and current.status is EventStatus.PUBLISHED:
                return _conflict(request, current, chosen)
            form.add_fault(error)
        except RuleViolation as error:
            form.add_fault(error)
    return _page(request, stored, form, chosen, status=422)


def _read(form: EventForm, stored: Event, chosen: Chosen) -> Event | None:
    """The event as typed; None where something can't be, which the form tells then."""
    new = None
    if form.is_valid():
        try:
            new = form.edited(stored)
        except RuleViolation as error:
            form.add_fault(error)
    for name, refused in chosen.told.items():
        form.add_error("owner" if name == "owner" else "hostIds", refused)
    return None if form.errors else new


def _agreed(request: CrmRequest, stored: Event, new: Event, form: EventForm, chosen: Chosen) -> HttpResponse:
    """Save it, unless somebody was first, or what it does is still to be said."""
    check_open(stored)
    if _version(request) != stored.version:
        return _conflict(request, stored, chosen)
    check_end(request.store, stored, new, timezone.now())
    told = effects(stored, new, timezone.now())
    if told and request.POST.get("agreed") != mark_of(told):
        return _page(request, stored, form, chosen, told=told)
    return _saved(request, stored, new)


def _saved(request: CrmRequest, stored: Event, new: Event) -> HttpResponse:
    changed = {name: getattr(new, name) for name in FIELDS.values() if getattr(new, name) != getattr(stored, name)}
    changes = cast(EventChanges, changed)
    saved = stored
    if changes:
        actor, now = request.user.get_username(), timezone.now()
        saved = event_changes.edit(request.store, stored.id, changes, version=stored.version, actor=actor, now=now)
    served = max(0, stored.waitlisted_count - saved.waitlisted_count)
    got = f"{served:,} of those in line got a seat." if served else ""
    tell(request, f"{saved.title} saved", got if changes else "Nothing was changed.")
    return redirect("events:event", stored.id)


def _page(
    request: CrmRequest, stored: Event, form: EventForm, chosen: Chosen, *, told: list[str] | None = None, status: int = 200
) -> HttpResponse:
    """The form with who is chosen, and with what the change would do where that is to be agreed to first."""
    people = request.store.people.get_many(list({chosen.owner, *chosen.host_ids} - {""}))
    context: dict[str, Any] = {
        "shown": shown(stored, timezone.now()),
        "form": form,
        "version": _version(request) if request.method == "POST" else stored.version,
        "was": {name: request.POST.get(f"was-{name}", value) for name, value in typed_of(stored).items()},
        "chosen": chosen,
        "owner": people.get(chosen.owner),
        "hosts": [(host_id, people.get(host_id)) for host_id in chosen.host_ids],
        "most": MAX_HOSTS,
        "zones": zone_names(),
        "held": holds_no_shows(request.store, stored),
        "told": told,
        "agreed": mark_of(told or ()),
    }
    return render_part(request, "events/edit.html", context, part=PEOPLE, status=status)


def _as_stored(stored: Event) -> Chosen:
    return Chosen(stored.owner, stored.host_ids, {}, {}, {})


def _chosen(request: CrmRequest) -> Chosen:
    """Who owns and hosts it after what was pressed: somebody taken or dropped, or looked for."""
    post = request.POST
    chosen = Chosen(post.get("owner", ""), split_ids(post.getlist("hostIds")), {}, {}, {})
    if "own" in post:
        chosen.owner, chosen.pressed = post["own"], "owner"
    elif "add" in post:
        chosen.host_ids, chosen.pressed = split_ids([*chosen.host_ids, post["add"]]), "hosts"
    elif "drop" in post:
        chosen.host_ids, chosen.pressed = tuple(one for one in chosen.host_ids if one != post["drop"]), "hosts"
    elif post.get("find") in SEARCHES:
        chosen.pressed = post["find"]
    for name, field in SEARCHES.items():
        chosen.looked[name] = "" if name == chosen.pressed and "find" not in post else post.get(field, "").strip()
        if chosen.looked[name] and (not chosen.pressed or name == chosen.pressed):
            _look(request.store, chosen, name)
    return chosen


def _look(store: Store, chosen: Chosen, name: str) -> None:
    """Find people by what was typed; the only one found is taken at once where that was asked for."""
    found = find_people(store, chosen.looked[name], but=chosen.host_ids if name == "hosts" else {chosen.owner})
    if len(found) == 1 and chosen.pressed:
        if name == "owner":
            chosen.owner = found[0].id
        else:
            chosen.host_ids = split_ids([*chosen.host_ids, found[0].id])
        chosen.looked[name] = ""
        return
    chosen.found[name] = found
    nobody = f"Nobody whose name or address begins with “{chosen.looked[name][:60]}” is left to choose."
    chosen.told[name] = "Choose who of them you mean, or empty the search." if found else nobody


def _typed(request: CrmRequest, chosen: Chosen) -> dict[str, str]:
    """What stands in the form, as typed, with who is chosen."""
    typed = {name: request.POST.get(name, "") for name in EventForm.base_fields}
    return {**typed, "owner": chosen.owner, "hostIds": ",".join(chosen.host_ids)}


def _conflict(request: CrmRequest, stored: Event, chosen: Chosen) -> HttpResponse:
    """Both versions side by side; a save that says the same as the stored one is no conflict."""
    typed = {name: value.replace("\r\n", "\n").strip() for name, value in _typed(request, chosen).items()}
    typed |= {name: "on" if typed[name] else "" for name in ("waitlist", "autoNoShow")}
    ids = split_ids([typed["owner"], typed["hostIds"], stored.owner, *stored.host_ids, request.POST.get("was-hostIds", "")])
    people = request.store.people.get_many([*ids, *split_ids([request.POST.get("was-owner", "")])])
    names = {one.id: one.name for one in people.values()}
    rows, same = differences(typed, stored, request.POST.dict(), names)
    if not rows:
        tell(request, f"{stored.title} saved", "Somebody else had just written the same.")
        return redirect("events:event", stored.id)
    context = {"event": stored, "rows": rows, "same": same, "was": typed_of(stored)}
    return render(request, "events/edit_conflict.html", context, status=409)


def _version(request: CrmRequest) -> int:
    return number_in(request.POST.get("version", ""))
