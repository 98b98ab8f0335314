"""From what a second look found to differences, and to the writes that mend them."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from datetime import datetime

from crm.domain.errors import NotFound
from crm.domain.events import AttendanceStatus
from crm.domain.people import Person
from crm.services.verify.difference import Difference
from crm.services.verify.items import HOST, Look, misplaced, where
from crm.services.verify.ledger import Entry, Group
from crm.store import Store, schema
from crm.store.expressions import AnyOf, absent, equals, exists
from crm.store.keys import unescape
from crm.store.people_items import behind, claim_of, count_change, tag_copies, ways_to
from crm.store.requests import Action, Check, Delete, Key, Put, Update
from crm.store.schema import Item
from crm.store.stats import Counter

ORPHANS = frozenset({"host", "attendance", "waiting", "log", "distinct", "eventLog", "draftPeople", "cancellation"})
"""What is removed where the person or event that it is about does not exist."""


def judge(store: Store, look: Look, now: datetime) -> Iterator[Difference]:
    """Give what differs in the groups that were looked at item by item, but for what can't be recounted any more."""
    lost = look.kept.lost(now)
    behind_before, old_copies = store.stats.behind(relieve=False), dict[str, Difference]()
    for group, thing, entry in look.ledger.differing():
        if group[0] == "person" and isinstance(thing, tuple) and entry.wanted and entry.found:
            if group[1] not in behind_before and (difference := _copy(store, group[1], {"PK": thing[0], "SK": thing[1]})):
                old_copies[group[1]] = difference
        elif not lost.holds(group) and (difference := _JUDGES[group[0]](store, group, thing, entry)) is not None:
            yield difference
    behind_by_now = store.stats.behind(relieve=False) if old_copies else frozenset()
    yield from (difference for person_id, difference in old_copies.items() if person_id not in behind_by_now)
    missing = look.ledger.missing()
    for group, item in look.facts.leaning:
        if group in missing:
            yield _orphan(group, item)
    for group in sorted(look.ledger.odd):
        if (difference := _odd(store, group)) is not None:
            yield difference


def _person(store: Store, group: Group, thing: Hashable, entry: Entry) -> Difference | None:
    person = _present(store, group[1])
    if isinstance(thing, tuple):
        return _lookup_item(person, group[1], (str(thing[0]), str(thing[1])), entry)
    name = str(thing)
    says = f"{name} is {entry.found}, counted {entry.wanted}"
    if person is None:
        return None
    change = {"hosted" if name == "hostedEventCount" else "attended": entry.wanted - entry.found}
    update, counters = count_change(person, **change)
    return Difference(kind="person", subject=group[1], says=says, mend=(update,), counters=counters)


def _lookup_item(person: Person | None, person_id: str, place: tuple[str, str], entry: Entry) -> Difference:
    """A claim, search token or tag member: wanted by a profile, or standing there for nobody."""
    kind = _word(place)
    if entry.found:
        surplus = Delete(key={"PK": place[0], "SK": place[1]}, expect=[equals("userId", person_id)])
        return Difference(
            kind="person",
            subject=person_id,
            says=f"a {kind} that the profile does not have",
            mend=(surplus, *_while(person, person_id)),
        )
    items = {where(item): item for item in _items(person)}
    mend = (Put(item=items[place], expect=[absent()]), *_while(person, person_id)) if place in items else ()
    counters = behind(person) if person is not None else {}
    return Difference(kind="person", subject=person_id, says=f"the {kind} is missing", mend=mend, counters=counters)


def _copy(store: Store, person_id: str, key: Key) -> Difference | None:
    """A tag member whose copy is not what the profile says; a fold mends it, so the person is named in a delta."""
    copy, person = store.table.get(key), _present(store, person_id)
    if copy is None or person is None or copy in tag_copies(person).values():
        return None
    says = "a copy in a tag is not what the profile says"
    return Difference(kind="person", subject=person_id, says=says, counters=behind(person))


def _items(person: Person | None) -> list[Item]:
    if person is None:
        return []
    return [claim_of(person), *ways_to(person)]


def _while(person: Person | None, person_id: str) -> tuple[Action, ...]:
    """The mend holds only while the profile is as it was read."""
    version = [absent()] if person is None else [equals("version", person.version)]
    return (Check(key=schema.key("user", id=person_id), expect=version),)


def _word(place: tuple[str, str]) -> str:
    words = {"UNIQUE": "claim on an address", "SEARCH": "search token", "TAG": "tag member"}
    return words.get(place[0].partition("#")[0], "item")


def _event(store: Store, group: Group, thing: Hashable, entry: Entry) -> Difference:
    if thing in {"registeredCount", "waitlistedCount"}:
        return _event_count(group[1], str(thing), entry)
    if isinstance(thing, str) and thing.startswith(HOST):
        return _named_host(store, group[1], thing.removeprefix(HOST), entry)
    place = thing if isinstance(thing, tuple) else ("", "")
    if place[0] == schema.key("event", id=group[1])["PK"]:
        return _place(group[1], (str(place[0]), str(place[1])), entry)
    slug = str(place[0]).rpartition("#")[2]
    if entry.found > entry.wanted:
        gone = Delete(key={"PK": place[0], "SK": place[1]}, expect=[equals("id", group[1])])
        return Difference(kind="event", subject=group[1], says=f"a claim on the slug {slug} that it does not have", mend=(gone,))
    claim = Put(item=schema.keyed("slugClaim", {"id": group[1], "slug": slug}), expect=[absent()])
    return Difference(kind="event", subject=group[1], says=f"the claim on its slug {slug} is missing", mend=(claim,))


def _event_count(event_id: str, name: str, entry: Entry) -> Difference:
    found = AnyOf((absent(name), equals(name, 0))) if entry.found == 0 else equals(name, entry.found)
    update = Update(key=schema.key("event", id=event_id), changes={name: entry.wanted}, expect=[exists(), found])
    says = f"{name} is {entry.found}, counted {entry.wanted}"
    return Difference(kind="event", subject=event_id, says=says, mend=(update,))


def _named_host(store: Store, event_id: str, user_id: str, entry: Entry) -> Difference:
    """Somebody who hosts it and whom it does not name, or the other way round: the items of hosts hold."""
    says = f"it does not name its host {user_id}" if entry.wanted else f"it names {user_id}, who is no host of it"
    key = schema.key("event", id=event_id)
    item = store.table.get(key)
    if item is None:
        return Difference(kind="event", subject=event_id, says=says)
    named, hosts = list(item.get("hostIds", ())), store.events.host_ids(event_id)
    right = [*[one for one in named if one in hosts], *[one for one in hosts if one not in named]]
    update = Update(key=key, changes={"hostIds": right or None}, expect=[exists(), equals("hostIds", named or None)])
    return Difference(kind="event", subject=event_id, says=says, mend=(update,))


def _place(event_id: str, place: tuple[str, str], entry: Entry) -> Difference:
    """A place in line: wanted by who is waitlisted, or standing there for nobody."""
    since, _, person = place[1].partition("#")[2].partition("#")
    user_id = unescape(person)
    attendance = schema.key("attendance", userId=user_id, eventId=event_id)
    waits = [equals("status", AttendanceStatus.WAITLISTED.value), equals("since", since), absent("erased")]
    if entry.found > entry.wanted:
        gone = Delete(key={"PK": place[0], "SK": place[1]}, expect=[exists()])
        says = f"a place in line of {user_id}, who does not wait"
        return Difference(kind="event", subject=event_id, says=says, mend=(gone,))
    attributes = {"id": f"{event_id}:{user_id}", "eventId": event_id, "userId": user_id, "since": since}
    put = Put(item=schema.keyed("waiting", attributes), expect=[absent()])
    says = f"{user_id} is waitlisted, but has no place in line"
    return Difference(kind="event", subject=event_id, says=says, mend=(put, Check(key=attendance, expect=waits)))


def _counter(store: Store, group: Group, thing: Hashable, entry: Entry) -> Difference | None:
    key, attribute = thing if isinstance(thing, tuple) else ("", "")
    counter = Counter(group[1], str(key), str(attribute))
    says = f"{counter.attribute} is {entry.found}, counted {entry.wanted}"
    change = {counter: entry.wanted - entry.found}
    return Difference(kind="counter", subject=f"STATS#{counter.what} | {counter.key}", says=says, counters=change)


def _queue(store: Store, group: Group, thing: Hashable, entry: Entry) -> Difference | None:
    """A chunk may name an e-mail that is not queued any more; a queued one must stand in exactly one."""
    if entry.wanted == 0:
        return None
    return Difference(kind="campaign", subject=group[1], says=f"the queued e-mail {thing} stands in {entry.found} chunks")


_JUDGES: Mapping[str, Callable[[Store, Group, Hashable, Entry], Difference | None]] = {
    "person": _person,
    "event": _event,
    "counter": _counter,
    "queue": _queue,
}


def _orphan(group: Group, item: Item) -> Difference:
    kind, key = str(item["entityType"]), {"PK": str(item["PK"]), "SK": str(item["SK"])}
    says = f"its {group[0]} {group[1]} does not exist"
    mend = (Delete(key=key, expect=[equals("id", item["id"])]),) if kind in ORPHANS else ()
    return Difference(kind=kind, subject=str(item["id"]), says=says, mend=mend)


def _odd(store: Store, group: Group) -> Difference | None:
    """An item whose keys are not what its attributes make; read once more."""
    key = {"PK": group[1], "SK": group[2]}
    item = store.table.get(key)
    if item is None or not (wanted := misplaced(item)):
        return None
    subject = str(item.get("id", "")) or group[1]
    if "PK" in wanted or "SK" in wanted:
        return Difference(
            kind=str(item.get("entityType", "item")), subject=subject, says="it stands under a key that is not its own"
        )
    update = Update(key=key, changes=wanted, expect=[equals(name, item.get(name)) for name in wanted])
    says = f"{', '.join(sorted(wanted))} do not fit its attributes"
    return Difference(kind=str(item["entityType"]), subject=subject, says=says, mend=(update,))


def _present(store: Store, person_id: str) -> Person | None:
    try:
        return store.people.get(person_id)
    except NotFound:
        return None
