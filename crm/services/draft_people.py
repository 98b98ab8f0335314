"""Whom the draft of an event would bring in: adding and mending sources, and what would become of everybody."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from crm.domain.draft_people import MAX_PEOPLE, Source, SourceKind, with_source, without_person
from crm.domain.erasing import speaks_of, without_name
from crm.domain.erasing import without_person as erased_from
from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.event_drafts import EventDraft, Step
from crm.domain.filters import NAMES, PeopleFilter, filter_values, parse_filter
from crm.domain.people import Person
from crm.services.segments import SEGMENT, expanded
from crm.store import Store
from crm.store.events import MAX_ATTENDEES

logger = logging.getLogger(__name__)
TRIES = 10
TYPED_OF_PEOPLE = ("findOwner", "findHost", "findPerson", "filter", "pasted")
"""Texts in which staff look for people or name them."""
HEIRS_SOUGHT = 20
"""People who are gone of whom is looked up whom they were merged into."""
LATER_MOST = 4
"""Large filters that one draft may have: each is a task in the first transaction of the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Who comes of all sources of a draft. `ids` are people, each once, in the order of the sources; `found` how many each gives.

    `twice` were named again by a later source; `gone` are nobody any more. `unknown` are texts that are nobody's address, by
    source. `later` are filters with more people than an event can be created with: they are added after that, and `people` is
    then the most that it can come to.
    """

    ids: tuple[str, ...] = ()
    found: Mapping[str, int] = field(default_factory=dict)
    twice: int = 0
    gone: int = 0
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    later: tuple[Source, ...] = ()

    @property
    def people(self) -> int:
        """How many would come in all; the most that it can be while something is added later."""
        return len(self.ids) + sum(self.found[one.id] for one in self.later)

    @property
    def unknowns(self) -> list[str]:
        """Every text that is nobody's address."""
        return [text for texts in self.unknown.values() for text in texts]

    def seated(self, seats: int | None) -> int:
        """How many of them find a seat."""
        return self.people if seats is None else min(self.people, seats)


def gather(store: Store, sources: Sequence[Source]) -> Gathered:
    """Return who comes of these sources at this moment.

    Costs two requests per 100 people that are named, a count and one reading per filter; filters that are too large are only
    counted.
    """
    sources, named = _as_known(store, sources)
    counts = {one.id: store.people.count(filter_of(one)) for one in sources if one.kind is SourceKind.FILTER}
    later = _too_large(counts, sum(len(one.ids) for one in sources))
    seen: dict[str, None] = {}
    found, twice, gone = dict(counts), 0, 0
    for source in sources:
        if source.id in later:
            continue
        filtered = source.kind is SourceKind.FILTER
        ids = [person.id for person in store.people.walk(filter_of(source))] if filtered else source.ids
        there = [id_ for id_ in ids if filtered or id_ in named]
        gone += len(ids) - len(there)
        found[source.id] = len(there)
        twice += sum(id_ in seen for id_ in there)
        seen |= dict.fromkeys(there)
    return Gathered(
        ids=tuple(seen),
        found=found,
        twice=twice,
        gone=gone,
        unknown={one.id: one.unknown for one in sources if one.unknown},
        later=tuple(one for one in sources if one.id in later),
    )


def _too_large(counts: Mapping[str, int], named: int) -> frozenset[str]:
    """Which filters don't fit into the creation, the largest first; where there are such, it leaves room for their tasks."""
    room = (MAX_ATTENDEES if named + sum(counts.values()) <= MAX_ATTENDEES else MAX_PEOPLE) - named
    later = []
    for source_id in sorted(counts, key=lambda source_id: counts[source_id]):
        room -= counts[source_id]
        if room < 0:
            later.append(source_id)
    return frozenset(later)


def filter_of(source: Source) -> PeopleFilter:
    """The people filter of a source that has one."""
    return parse_filter(source.values, stored=True)


def filter_in(store: Store, text: str, *, viewer: str) -> PeopleFilter:
    """Return the filter that an address of the people list, or its query string, holds; a segment in it is opened.

    RuleViolation when there is none in it: nobody adds everybody by a slip.
    """
    query = urlsplit(text.strip()).query or text.strip().lstrip("?")
    given = {name: values for name, values in parse_qs(query).items() if name in NAMES or name == SEGMENT}
    wanted = parse_filter(expanded(store, given, viewer=viewer))
    if wanted.is_empty:
        raise RuleViolation("There is no filter in it. Filter people in their list, then copy its address from the browser.")
    return wanted


def filter_source(source_id: str, wanted: PeopleFilter, name: str = "") -> Source:
    """Return the source that is a filter; `name` is that of the segment it came from."""
    return Source(id=source_id, kind=SourceKind.FILTER, name=name, values=filter_values(wanted))


def address_source(store: Store, source_id: str, kind: SourceKind, addresses: Sequence[str], name: str = "") -> Source:
    """Return the source that these addresses make: people for those that are somebody's, the others as typed."""
    people = store.people.find_by_emails(addresses)
    ids = dict.fromkeys(people[address].id for address in addresses if address in people)
    unknown = tuple(address for address in addresses if address not in people)
    return Source(id=source_id, kind=kind, name=name, ids=tuple(ids), unknown=unknown)


def add(store: Store, draft_id: str, source: Source, *, actor: str, now: datetime) -> EventDraft:
    """Add a source, or put another one in its place. A repeat changes nothing. Raises NotFound and RuleViolation."""
    return change(store, draft_id, lambda sources: with_source(sources, source), actor=actor, now=now)


def choose(store: Store, draft_id: str, person_id: str, *, actor: str, now: datetime) -> EventDraft:
    """Add one person to those chosen by search. Raises NotFound, also for who is nobody."""
    store.people.get(person_id)

    def chosen(sources: tuple[Source, ...]) -> tuple[Source, ...]:
        one = next((one for one in sources if one.kind is SourceKind.CHOSEN), Source(id="chosen", kind=SourceKind.CHOSEN))
        return with_source(sources, replace(one, ids=tuple(dict.fromkeys([*one.ids, person_id]))))

    return change(store, draft_id, chosen, actor=actor, now=now)


def leave_out(store: Store, draft_id: str, *, source_id: str = "", person_id: str = "", actor: str, now: datetime) -> EventDraft:
    """Remove a source, or one person from those who were named. Who is not there stays away. Raises NotFound."""

    def left(sources: tuple[Source, ...]) -> tuple[Source, ...]:
        kept = tuple(one for one in sources if one.id != source_id)
        return without_person(kept, person_id) if person_id else kept

    return change(store, draft_id, left, actor=actor, now=now)


def mend(store: Store, draft_id: str, source_id: str, addresses: Sequence[str], *, actor: str, now: datetime) -> EventDraft:
    """Put other texts in the place of a source's unknown ones; those that are somebody's address now become people."""
    found = address_source(store, source_id, SourceKind.PASTED, addresses)

    def mended(sources: tuple[Source, ...]) -> tuple[Source, ...]:
        old = next((one for one in sources if one.id == source_id), None)
        if old is None:
            return sources
        new = replace(old, ids=tuple(dict.fromkeys([*old.ids, *found.ids])), unknown=found.unknown)
        return with_source(sources, new) if new.ids or new.unknown else tuple(one for one in sources if one is not old)

    return change(store, draft_id, mended, actor=actor, now=now)


def keep_typed(store: Store, draft_id: str, typed: Mapping[str, str], *, actor: str, now: datetime) -> EventDraft:
    """Keep what was typed into this step and is nobody yet; with that the step has been seen. Raises as `change`."""
    return change(store, draft_id, lambda sources: sources, typed=typed, actor=actor, now=now)


def change(
    store: Store,
    draft_id: str,
    act: Callable[[tuple[Source, ...]], tuple[Source, ...]],
    *,
    typed: Mapping[str, str] | None = None,
    actor: str,
    now: datetime,
) -> EventDraft:
    """Let `act` change the sources as they are at this moment; where somebody was faster, theirs. Nobody's work is lost."""
    for _ in range(TRIES):
        draft = store.drafts.get(draft_id)
        old = store.drafts.sources(draft_id)
        new, worded = act(old), draft if typed is None else draft.with_step(Step.ATTENDEES, typed)
        seen = draft.saved.get(Step.ATTENDEES, 0)
        if new == old and worded == draft and seen:
            return draft
        edited = replace(
            worded,
            saved={**draft.saved, Step.ATTENDEES: seen + 1},
            saved_by={**draft.saved_by, Step.ATTENDEES: actor},
            updated_at=now,
        )
        try:
            stored = store.drafts.save(draft, edited, [Step.ATTENDEES], sources=new)
        except Conflict:
            continue
        logger.info("people of a draft changed", extra={"event_id": draft_id, "sources": len(new)})
        return stored
    raise Conflict("Others change the people of this draft at the same moment. Try again.")


def forget(store: Store, person: Person) -> int:
    """Take a person who is being erased out of all drafts, and return how many were changed: their address and name where they
    were typed or looked for, and they themselves where they were chosen. A query of keys, and two requests per draft.
    """
    drafts, page = [], store.drafts.page()
    drafts += page.items
    while page.next_token is not None:
        page = store.drafts.page(token=page.next_token)
        drafts += page.items
    found = sum(_forget_in(store, draft.id, person) for draft in drafts)
    if found:
        logger.info("person forgotten in drafts", extra={"person_id": person.id, "drafts": found})
    return found


def _forget_in(store: Store, draft_id: str, person: Person) -> bool:
    """Whether it had to be changed. Who has the step open meanwhile is told, and does not write back what is gone."""
    for _ in range(TRIES):
        draft = store.drafts.find(draft_id)
        if draft is None:
            return False
        old = store.drafts.sources(draft_id)
        new = _without(old, person)
        texts = {name: "" for name in TYPED_OF_PEOPLE if speaks_of(draft.text(name), person.profile)}
        if new == old and not texts:
            return False
        saved = {step: count + (step in (Step.HOSTS, Step.ATTENDEES)) for step, count in draft.saved.items()}
        edited = replace(draft, fields={**draft.fields, **texts}, saved=saved)
        try:
            store.drafts.save(draft, edited, [Step.HOSTS, Step.ATTENDEES], sources=new)
        except Conflict:
            continue
        except NotFound:
            return False
        return True
    raise Conflict("Others change this draft at the same moment. Try again.")


def _without(sources: Sequence[Source], person: Person) -> tuple[Source, ...]:
    left = []
    for one in without_person(sources, person.id):
        unknown = tuple(text for text in one.unknown if not speaks_of(text, person.profile))
        values = one.values
        if one.kind is SourceKind.FILTER:
            values = filter_values(erased_from(filter_of(one), person.id, person.profile))
        name = without_name(one.name, person.profile) if one.name else ""
        left.append(replace(one, unknown=unknown, values=values, name=name))
    return tuple(left)


def staffed(store: Store, draft: EventDraft) -> tuple[EventDraft, dict[str, Person]]:
    """Return the draft with whoever its owner and hosts were merged into in their place, and those who are there, by id.

    One request, and one or two more for each who is gone.
    """
    people, heirs = _with_heirs(store, [id_ for id_ in dict.fromkeys((draft.text("owner"), *draft.host_ids)) if id_])
    return draft.handed_over(heirs), people


def _with_heirs(store: Store, ids: Sequence[str]) -> tuple[dict[str, Person], dict[str, str]]:
    """Who of these is there, with those whom the others were merged into; and who took whose place."""
    people = store.people.get_many(ids) if ids else {}
    gone = [id_ for id_ in ids if id_ not in people][:HEIRS_SOUGHT]
    heirs = {id_: heir for id_ in gone if (heir := store.merges.heir(id_)) is not None}
    return (people | store.people.get_many(list(heirs.values())), heirs) if heirs else (people, {})


def _as_known(store: Store, sources: Sequence[Source]) -> tuple[list[Source], frozenset[str]]:
    """The sources with those unknown addresses that are somebody's by now, and who of those named is still there."""
    known = store.people.find_by_emails([text for one in sources for text in one.unknown])
    mended = []
    for source in sources:
        came = [known[text].id for text in source.unknown if text in known]
        left = tuple(text for text in source.unknown if text not in known)
        mended.append(replace(source, ids=tuple(dict.fromkeys([*source.ids, *came])), unknown=left))
    people, heirs = _with_heirs(store, list(dict.fromkeys(id_ for one in mended for id_ in one.ids)))
    if heirs:
        mended = [replace(one, ids=tuple(dict.fromkeys(heirs.get(id_, id_) for id_ in one.ids))) for one in mended]
    return mended, frozenset(people)
