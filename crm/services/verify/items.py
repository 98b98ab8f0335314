"""What each item says should be there, and what it is itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crm.domain.copies import OPEN
from crm.domain.events import EventStatus
from crm.domain.people import EmailStatus
from crm.services.campaign_jobs import COPIES
from crm.services.event_jobs import TOLD
from crm.services.import_jobs import job_of
from crm.services.verify.ledger import Facts, Group, Ledger, says
from crm.services.verify.lost import Kept, group_of
from crm.store import schema
from crm.store.attendances import counters_of, place_of
from crm.store.campaign_items import keeping_of
from crm.store.delta_text import rows_of
from crm.store.deltas import BEHIND
from crm.store.email_items import email_of
from crm.store.event_items import attendance_of
from crm.store.hits import hit_counts, hit_of
from crm.store.imports import import_of
from crm.store.outcomes import EXPIRES_LAST, email_counts
from crm.store.people_items import LEAVING, MERGING, claim_of, item_of, people_changes, person_of, tag_items, token_items
from crm.store.schema import Item
from crm.store.stats import Counter

LABELS = frozenset({schema.TTL_ATTRIBUTE, EXPIRES_LAST})
"""Numbers of a counter row that count nothing."""
HOST = "host "
"""Before the id of a person: that an event names them as a host."""
COUNTS = ("registeredCount", "waitlistedCount")
EVENT_FACTS = (*COUNTS, "startAt", "endAt", "status", "maxCapacity", "autoNoShow", "noShowAt", "deleting")
"""What of an event is judged by how it fits to the rest."""
OWN = frozenset({"PK", "SK", "id", "entityType", "what"})


@dataclass(slots=True)
class Look:
    """One look at the whole table. `hashes` gives the suppression hashes of an address; `kept` tells what may be gone."""

    ledger: Ledger
    hashes: Callable[[str], tuple[str, ...]]
    facts: Facts = field(default_factory=Facts)
    kept: Kept = field(default_factory=Kept)

    def see(self, item: Item) -> None:
        """Enter one item."""
        kind = str(item.get("entityType", ""))
        if kind not in schema.BY_NAME or misplaced(item):
            self.ledger.oddity(("item", str(item["PK"]), str(item["SK"])))
        if kind in _ENTER:
            _ENTER[kind](self, item)


def misplaced(item: Item) -> dict[str, Any]:
    """Return the derived attributes that are not what they should be, keys among them: `{name: what it should be}`."""
    attributes = {name: value for name, value in item.items() if name not in _KEYS}
    if item.get("entityType") == "counter":
        attributes["key"] = item.get("id")
    try:
        made = schema.keyed(str(item["entityType"]), attributes)
        if item["entityType"] == "user":
            made |= {name: item_of(person_of(item)).get(name) for name in ("search", "tagKeys")}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {"PK": None}
    return {name: made.get(name) for name in (*_KEYS, "search", "tagKeys") if made.get(name) != item.get(name)}


def short(hashed: str) -> int:
    """Enough of a suppression hash to tell it from all others, in little room."""
    return int(hashed[:16], 16)


_KEYS = frozenset({"PK", "SK", *[name for index in schema.INDEXES for name in (index.pk, index.sk)]})


def where(item: Mapping[str, Any]) -> tuple[str, str]:
    """The item's place in the table."""
    return str(item["PK"]), str(item["SK"])


def _lean(look: Look, group: Group, item: Item) -> None:
    """The item leans on something: it is kept where a second look asks for it."""
    look.ledger.needs(group)
    if look.ledger.only is not None and group in look.ledger.only:
        look.facts.leaning.append((group, item))


def _count(look: Look, counters: Mapping[Counter, int]) -> None:
    for counter, number in counters.items():
        look.kept.see(counter)
        look.ledger.want(group_of(counter), (counter.key, counter.attribute), number)


def _counted(look: Look, counter: Counter, number: int) -> None:
    look.kept.see(counter)
    look.ledger.find(group_of(counter), (counter.key, counter.attribute), number)


def _user(look: Look, item: Item) -> None:
    person = person_of(item)
    group: Group = ("person", person.id)
    look.ledger.exists(group)
    look.ledger.want(group, where(claim_of(person)))
    look.ledger.want_all(group, [where(token) for token in token_items(person).values()])
    for tag in tag_items(person).values():
        look.ledger.want(group, where(tag), says(person))
    look.ledger.find(group, "hostedEventCount", person.hosted_event_count)
    look.ledger.find(group, "attendedEventCount", person.attended_event_count)
    _count(look, people_changes(None, person)[0])
    if person.merging:
        look.facts.merging[person.id] = str(item[MERGING])
    elif person.leaving:
        look.facts.leaving[person.id] = str(item[LEAVING])
    hashes = look.hashes(person.profile.email)
    if person.email_status is EmailStatus.MAILABLE:
        look.facts.mailable.update((short(one), person.id) for one in hashes)
    else:
        look.facts.unmailable.append((person.id, hashes, person.email_status.value))


def _of_person(look: Look, item: Item) -> None:
    look.ledger.find(("person", str(item["userId"])), where(item))


def _tag_member(look: Look, item: Item) -> None:
    number = says(person_of(item)) if "version" in item else 1
    look.ledger.find(("person", str(item["userId"])), where(item), number)


def _event(look: Look, item: Item) -> None:
    group: Group = ("event", str(item["id"]))
    look.ledger.exists(group)
    if item["status"] == EventStatus.DRAFT.value:
        return
    look.facts.events[item["id"]] = {name: item.get(name) for name in EVENT_FACTS}
    for name in COUNTS:
        look.ledger.find(group, name, item.get(name, 0))
    for user_id in item.get("hostIds", ()):
        look.ledger.find(group, f"{HOST}{user_id}")
    look.ledger.want(group, where(schema.key("slugClaim", slug=item["slug"])))
    _count(look, {Counter("EVENTS", str(item["startAt"])[:4]): 1})


def _slug_claim(look: Look, item: Item) -> None:
    look.ledger.find(("event", str(item["id"])), where(item))


def _host(look: Look, item: Item) -> None:
    look.facts.hosts.append({name: item[name] for name in ("PK", "SK", "eventId", "userId", "startAt")})
    _lean(look, ("event", str(item["eventId"])), item)
    _lean(look, ("person", str(item["userId"])), item)
    look.ledger.want(("person", str(item["userId"])), "hostedEventCount")
    look.ledger.want(("event", str(item["eventId"])), f"{HOST}{item['userId']}")


def _attendance(look: Look, item: Item) -> None:
    attendance = attendance_of(item)
    event: Group = ("event", attendance.event_id)
    _lean(look, event, item)
    if not attendance.erased:
        _lean(look, ("person", attendance.user_id), item)
        look.ledger.want(("person", attendance.user_id), "attendedEventCount", int(attendance.seated))
    look.ledger.want(event, "registeredCount", int(attendance.seated))
    if (place := place_of(attendance)) is not None:
        look.ledger.want(event, "waitlistedCount")
        look.ledger.want(event, where(place))
    _count(look, dict.fromkeys(counters_of(attendance.event_id, attendance), 1))


def _waiting(look: Look, item: Item) -> None:
    event: Group = ("event", str(item["eventId"]))
    _lean(look, event, item)
    look.ledger.find(event, where(item))


def _of_event(look: Look, item: Item) -> None:
    """What is kept about an event must not outlive it."""
    _lean(look, ("event", str(item["eventId"])), item)


def _cancellation(look: Look, item: Item) -> None:
    _of_event(look, item)
    look.facts.cancelled[str(item["eventId"])] = item


def _of_somebody(look: Look, item: Item) -> None:
    """What is kept about a person must not outlive them."""
    _lean(look, ("person", str(item["userId"])), item)


def _erasure(look: Look, item: Item) -> None:
    if "finishedAt" not in item:
        look.facts.erasures.add(str(item["id"]))


def _task(look: Look, item: Item) -> None:
    if "finishedAt" not in item:
        look.facts.tasks.add(str(item["id"]))


def _import(look: Look, item: Item) -> None:
    if (job := job_of(import_of(item))) is not None:
        look.facts.imports[str(item["id"])] = job


def _campaign(look: Look, item: Item) -> None:
    look.ledger.exists(("campaign", str(item["id"])))
    look.facts.campaigns[item["id"]] = item["status"]
    look.kept.keeping[item["id"]] = keeping_of(item)


def _email(look: Look, item: Item) -> None:
    email = email_of(item)
    _lean(look, ("campaign", email.campaign_id), item)
    _count(look, email_counts(email))
    if item["status"] == "queued":
        look.ledger.want(("queue", email.campaign_id), email.id)
        look.facts.queued[email.campaign_id] += 1


def _hit(look: Look, item: Item) -> None:
    if "counts" in item:
        _count(look, hit_counts(hit_of(item), str(item["campaignId"])))


def _chunk(look: Look, item: Item) -> None:
    look.facts.chunked.add(str(item["campaignId"]))
    for email_id in item["emailIds"]:
        look.ledger.find(("queue", str(item["campaignId"])), email_id)


def _copy(look: Look, item: Item) -> None:
    _lean(look, ("campaign", str(item["campaignId"])), item)
    if item["status"] in OPEN:
        look.facts.copies.add(str(item["campaignId"]))


def _job(look: Look, item: Item) -> None:
    if "dueAt" in item:
        if item["name"] != COPIES:  # it sends no e-mail of the campaign, so it does not stand for those that do
            look.facts.due.add(str(item["owner"]))
        look.facts.jobs.add((str(item["owner"]), str(item["name"])))
    else:
        look.facts.parked[str(item["owner"]), str(item["name"])] = item.get(TOLD)
    if item.get("window"):
        look.facts.windows.append((str(item["owner"]), str(item["name"]), "dueAt" in item))


def _counter(look: Look, item: Item) -> None:
    if item["what"] in {"FOLD", BEHIND[0]}:  # the second: by a version that did not know what it says
        return
    for attribute, number in item.items():
        if attribute not in OWN and attribute not in LABELS and isinstance(number, int):
            _counted(look, Counter(str(item["what"]), str(item["SK"]), attribute), number)


def _delta(look: Look, item: Item) -> None:
    for (what, key), numbers in rows_of(item["changes"]):
        if (what, key) == BEHIND:
            continue
        for attribute, number in numbers.items():
            _counted(look, Counter(what, key, attribute), number)


def _suppression(look: Look, item: Item) -> None:
    look.facts.suppressed[item["hash"]] = item["status"]


_ENTER: Mapping[str, Callable[[Look, Item], None]] = {
    "user": _user,
    "emailClaim": _of_person,
    "searchToken": _of_person,
    "tagMember": _tag_member,
    "event": _event,
    "slugClaim": _slug_claim,
    "host": _host,
    "attendance": _attendance,
    "waiting": _waiting,
    "eventLog": _of_event,
    "draftPeople": _of_event,
    "cancellation": _cancellation,
    "log": _of_somebody,
    "distinct": _of_somebody,
    "erasure": _erasure,
    "task": _task,
    "import": _import,
    "pending": lambda look, item: look.facts.pending.add(str(item["eventId"])),
    "campaign": _campaign,
    "email": _email,
    "hit": _hit,
    "chunk": _chunk,
    "copy": _copy,
    "job": _job,
    "counter": _counter,
    "delta": _delta,
    "suppression": _suppression,
}
