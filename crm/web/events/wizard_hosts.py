"""The step of the wizard that says who answers and who hosts: people are found, chosen and left by buttons of its form."""

from collections.abc import Mapping
from typing import Any

from crm.domain.errors import FieldError
from crm.domain.event_drafts import FIELDS, EventDraft, Step
from crm.domain.ids import checked_id
from crm.domain.people import Person
from crm.web.events.picking import find_people
from crm.web.events.wizard_page import way
from crm.web.http import CrmRequest


def typed(request: CrmRequest, step: Step) -> dict[str, str]:
    """The texts of a step as sent, and whom its buttons choose or leave."""
    texts = {name: request.POST.get(name, "").replace("\r\n", "\n") for name in FIELDS[step]}
    if step is not Step.HOSTS:
        return texts
    chosen = checked_id(request.POST.get("choose-owner", ""))
    if chosen:
        texts |= {"owner": chosen, "findOwner": ""}
    elif "drop-owner" in request.POST:
        texts["owner"] = ""
    elif not texts["owner"] and texts["findOwner"].strip():
        found = find_people(request.store, texts["findOwner"], limit=2) if "@" in texts["findOwner"] else []
        if len(found) == 1:
            texts |= {"owner": found[0].id, "findOwner": ""}
    texts["owner"] = checked_id(texts["owner"]) or ""
    if checked_id(request.POST.get("add-host", "")):
        texts["findHost"] = ""
    return texts


def hosts(request: CrmRequest) -> list[str]:
    """The hosts that the form had, with the one added and without the one removed."""
    ids = [*request.POST.getlist("hostIds"), request.POST.get("add-host", "")]
    gone = request.POST.get("drop-host", "")
    return [id_ for id_ in dict.fromkeys(ids) if checked_id(id_) and id_ != gone]


def todo(request: CrmRequest, step: Step) -> str:
    """What the button means: `next`, `leave`, a `way` to another step, or to stay here, at the owner or the hosts."""
    sent = request.POST.get("do", "next")
    away = sent if sent == "leave" or way(sent, step) else "next"
    if step is not Step.HOSTS:
        return away
    if {"choose-owner", "drop-owner"} & set(request.POST) or sent == "find-owner":
        return "owner"
    if {"add-host", "drop-host"} & set(request.POST) or sent == "find-host":
        return "hosts"
    if sent == "enter" and request.POST.get("findOwner", "").strip():
        return "owner"
    if sent == "enter" and request.POST.get("findHost", "").strip():
        return "hosts"
    return away


def place(draft: EventDraft, part: str) -> str:
    """The id of what has the focus in that part: who was chosen as owner, or the field in which people are looked for."""
    if part == "owner":
        return "owner" if draft.text("owner") else "id_findOwner"
    return "id_findHost"


def undecided(draft: EventDraft, step: Step) -> list[FieldError]:
    """What one must say before one goes on: who is meant by what was typed for a host."""
    if step is not Step.HOSTS or not draft.text("findHost").strip():
        return []
    return [FieldError(field="findHost", message="Choose who is meant of those found, or empty the field.")]


def proposed(request: CrmRequest, draft: EventDraft) -> EventDraft:
    """The draft with whoever plans it as the owner, should they be a person here, until somebody saves that step."""
    if draft.saved.get(Step.HOSTS) or draft.text("owner") or not request.user.email:
        return draft
    me = request.store.people.find_by_email(request.user.email)
    return draft if me is None else draft.with_step(Step.HOSTS, {**draft.fields, "owner": me.id})


def choices(request: CrmRequest, draft: EventDraft, people: Mapping[str, Person]) -> dict[str, Any]:
    """Owner and hosts as chosen, and who is found by what was typed."""
    store, owner = request.store, draft.text("owner")
    return {
        "owner_id": owner,
        "owner": people.get(owner),
        "hosts": [(id_, people.get(id_)) for id_ in draft.host_ids],
        "found_owners": [] if owner else find_people(store, draft.text("findOwner")),
        "found_hosts": find_people(store, draft.text("findHost"), but=draft.host_ids),
    }
