"""The step of the wizard that says who comes: sources are added, looked at, mended, removed; nobody is touched yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from crm.domain.draft_people import Source, SourceKind, addresses_in, addresses_of_file
from crm.domain.errors import CrmError, FieldError, NotFound, RuleViolation
from crm.domain.event_drafts import FIELDS, EventDraft, Step
from crm.domain.filters import PeopleFilter
from crm.domain.ids import checked_id, new_id
from crm.domain.people import Person
from crm.services import draft_people, filter_names, segments
from crm.services.draft_people import Gathered, filter_of
from crm.web.events.picking import find_people
from crm.web.events.wizard_forms import AttendeesForm
from crm.web.events.wizard_page import address, around, left, way
from crm.web.filter_words import Said, filter_words
from crm.web.http import CrmRequest

MAX_FILE = 2_000_000
"""Bytes of a file of addresses."""
NAMED = 50
"""People chosen one by one that are shown with their names."""
WORDS = {
    SourceKind.FILTER: "From a filter",
    SourceKind.CHOSEN: "Chosen one by one",
    SourceKind.PASTED: "Pasted addresses",
    SourceKind.FILE: "From a file",
}


@dataclass(frozen=True, slots=True)
class SourceShown:
    """One source as shown: how many it gives, its filter in words, its people by name, and what is nobody's address."""

    source: Source
    title: str
    number: int
    words: Sequence[Said]
    people: Sequence[Person]
    unknown: Sequence[str]
    later: bool


def attendees(request: CrmRequest, draft: EventDraft) -> HttpResponse:
    """The step; what is sent is added or removed, and what can't be used is kept in its field."""
    if request.method != "POST":
        return _page(request, draft, [])
    todo = request.POST.get("do", "add")
    typed = {name: request.POST.get(name, "").replace("\r\n", "\n") for name in FIELDS[Step.ATTENDEES]}
    faults = _change(request, draft.id, typed)
    try:
        kept = draft_people.keep_typed(request.store, draft.id, typed, actor=request.user.get_username(), now=timezone.now())
    except RuleViolation as error:
        faults.append(FieldError(field="pasted", message=error.message))
        return _page(request, replace(draft, fields={**draft.fields, **typed}), faults, status=422)
    if todo == "leave":
        return left(request, kept)
    if elsewhere := way(todo, Step.ATTENDEES):
        return redirect(address(draft.id, elsewhere))
    if faults or (todo == "next" and typed["findPerson"].strip()):
        undecided = FieldError(field="findPerson", message="Choose who is meant of those found, or empty the field.")
        return _page(request, kept, faults or [undecided], status=422)
    if todo == "next":
        return redirect(address(draft.id, Step.REVIEW))
    return redirect(address(draft.id, Step.ATTENDEES, at="id_findPerson" if typed["findPerson"].strip() else "sources"))


def _change(request: CrmRequest, draft_id: str, typed: dict[str, str]) -> list[FieldError]:
    """Do all that was sent; empty the texts that became people, and return what is wrong with the others."""
    sent, store = request.POST, request.store
    by: dict[str, Any] = {"actor": request.user.get_username(), "now": timezone.now()}
    form_id = checked_id(sent.get("form", "")) or new_id()
    faults: list[FieldError] = []
    if gone := sent.get("drop-source", ""):
        draft_people.leave_out(store, draft_id, source_id=gone, **by)
    if gone := sent.get("drop-person", ""):
        draft_people.leave_out(store, draft_id, person_id=gone, **by)
    mended = {name.removeprefix("mend-"): addresses_in(sent[name]) for name in sent if name.startswith("mend-")}
    unknown = {one.id: list(one.unknown) for one in store.drafts.sources(draft_id)} if mended else {}
    for source_id, addresses in mended.items():
        if addresses != unknown.get(source_id, addresses):
            draft_people.mend(store, draft_id, source_id, addresses, **by)
    for field, make in (("filter", _filter), ("pasted", _pasted), ("file", _file), ("segment", _segment)):
        try:
            source = make(request, f"{form_id}-{field}")
            if source is not None:
                draft_people.add(store, draft_id, source, **by)
                typed |= {field: ""} if field in typed else {}
        except CrmError as error:
            faults.append(FieldError(field="filter" if field == "segment" else field, message=error.message))
    if chosen := checked_id(sent.get("choose-person", "")):
        try:
            draft_people.choose(store, draft_id, chosen, **by)
            typed["findPerson"] = ""
        except (NotFound, RuleViolation) as error:
            faults.append(FieldError(field="findPerson", message=error.message))
    return faults


def _filter(request: CrmRequest, source_id: str) -> Source | None:
    text = request.POST.get("filter", "")
    if not text.strip():
        return None
    wanted = draft_people.filter_in(request.store, text, viewer=request.user.get_username())
    return draft_people.filter_source(source_id, wanted)


def _segment(request: CrmRequest, source_id: str) -> Source | None:
    chosen = request.POST.get("segment", "")
    if not chosen:
        return None
    segment = segments.opened(request.store, chosen, request.user.get_username())
    if segment.filter.is_empty:
        raise RuleViolation(f"The segment “{segment.name}” is everybody; nobody adds everybody by a slip.")
    return draft_people.filter_source(source_id, segment.filter, segment.name)


def _pasted(request: CrmRequest, source_id: str) -> Source | None:
    addresses = addresses_in(request.POST.get("pasted", ""))
    if not addresses:
        return None
    return draft_people.address_source(request.store, source_id, SourceKind.PASTED, addresses)


def _file(request: CrmRequest, source_id: str) -> Source | None:
    sent = request.FILES.get("file")
    if sent is None:
        return None
    if (sent.size or 0) > MAX_FILE:
        raise RuleViolation("The file is too large; 2 MB are the most. Import it with People, then add them by a filter.")
    content = sent.read()
    if content.startswith(b"PK\x03\x04"):
        raise RuleViolation("This is a spreadsheet; save it as CSV, then choose that file.")
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    addresses = addresses_of_file(text)
    if not addresses:
        raise RuleViolation("There is no e-mail address in this file.")
    return draft_people.address_source(request.store, source_id, SourceKind.FILE, addresses, (sent.name or "file")[:100])


def _page(request: CrmRequest, draft: EventDraft, faults: Sequence[FieldError], *, status: int = 200) -> HttpResponse:
    """The page: what would happen, the sources, and the ways to add more."""
    store = request.store
    sources = store.drafts.sources(draft.id)
    gathered = draft_people.gather(store, sources)
    chosen = [id_ for one in sources if one.kind is SourceKind.CHOSEN for id_ in one.ids][:NAMED]
    around_ids = [id_ for id_ in (draft.text("owner"), *draft.host_ids) if id_]
    people = store.people.get_many(list(dict.fromkeys([*around_ids, *chosen]))) if chosen or around_ids else {}
    planned = draft.planned(now=timezone.now())
    seats = planned.seats
    found = find_people(store, draft.text("findPerson"), but=chosen)
    context = {
        **around(draft, Step.ATTENDEES, people, stored=True),
        "form": AttendeesForm(draft.fields, faults),
        "form_id": new_id(),
        "sources": shown_sources(request, sources, gathered, people),
        "gathered": gathered,
        "seats": seats,
        "seated": gathered.seated(seats),
        "over": gathered.people - gathered.seated(seats),
        "segments": store.segments.visible(request.user.get_username()),
        "found": found,
    }
    return render(request, "events/wizard_attendees.html", context, status=status)


def shown_sources(
    request: CrmRequest, sources: Sequence[Source], gathered: Gathered, people: Mapping[str, Person]
) -> list[SourceShown]:
    """Return the sources in words; a request per kind of thing that their filters name."""
    filters: dict[str, PeopleFilter] = {one.id: filter_of(one) for one in sources if one.kind is SourceKind.FILTER}
    names = filter_names.names(request.store, filters.values(), viewer=request.user.get_username()) if filters else {}
    later = {one.id for one in gathered.later}
    return [
        SourceShown(
            source=one,
            title=one.name or WORDS[one.kind],
            number=gathered.found.get(one.id, 0),
            words=filter_words(one.values, names) if one.kind is SourceKind.FILTER else (),
            people=[people[id_] for id_ in one.ids[:NAMED] if id_ in people] if one.kind is SourceKind.CHOSEN else (),
            unknown=gathered.unknown.get(one.id, ()),
            later=one.id in later,
        )
        for one in sources
    ]
