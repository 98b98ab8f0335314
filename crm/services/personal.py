"""Everything that is held of one person, for handing it out to them."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from crm.domain.emails import Email
from crm.domain.events import Attendance, Event
from crm.domain.log import LogEntry, LogKind
from crm.domain.people import ATTRIBUTES, Person
from crm.services.audit import note
from crm.store import Store, schema
from crm.store.email_items import TIMES
from crm.store.keys import behind_prefix, stamp
from crm.store.requests import Query

logger = logging.getLogger(__name__)
INTERNAL = frozenset({"PK", "SK", "id", "entityType", "emailId", "campaignId", "counts", "expiresAt"})

Held = dict[str, Any]


def personal_data(store: Store, person_id: str, *, actor: str, now: datetime) -> Held:
    """Return all that the table holds of a person, as it may be read by them, and write down that it was handed out.

    Field names are the API's, times ISO 8601 in UTC. Costs what their timeline costs, and a query per e-mail for its opens and
    clicks. Raises NotFound.
    """
    person = store.people.get(person_id)
    emails, events = list(store.emails.walk_person(person_id)), store.events.of_person(person_id)
    held = {
        "generatedAt": stamp(now),
        "person": _person(person),
        "mayBeWrittenTo": _consent(store, person),
        "eventsHosted": [_event(event) for event in events.hosted],
        "eventsAttended": [_attendance(event, attendance) for event, attendance in events.attended],
        "emails": list(_emails(store, emails)),
        "log": list(_log(store, person_id)),
    }
    note(store, "people.personal_data", person_id, actor=actor, now=now, emails=len(emails), log=len(held["log"]))
    logger.info("personal data handed out", extra={"person_id": person_id, "actor": actor})
    return held


def _person(person: Person) -> Held:
    return {
        "id": person.id,
        **{name: getattr(person.profile, attribute) for name, attribute in ATTRIBUTES.items()},
        "tags": list(person.profile.tags),
        "emailStatus": person.email_status.value,
        "hostedEventCount": person.hosted_event_count,
        "attendedEventCount": person.attended_event_count,
        "createdAt": stamp(person.created_at),
        "updatedAt": stamp(person.updated_at),
    }


def _consent(store: Store, person: Person) -> Held:
    """Whether the address may be mailed; where not, since when and by what."""
    reason = store.suppressions.reason(person.profile.email)
    if reason is None:
        return {"status": person.email_status.value}
    return {"status": reason.status.value, "since": stamp(reason.created_at), "source": reason.source}


def _event(event: Event) -> Held:
    return {"id": event.id, "title": event.title, "startAt": stamp(event.start_at), "endAt": stamp(event.end_at)}


def _attendance(event: Event, attendance: Attendance) -> Held:
    return {**_event(event), "status": attendance.status.value, "since": stamp(attendance.since)}


def _emails(store: Store, emails: list[Email]) -> Iterator[Held]:
    subjects = store.campaigns.subjects({email.campaign_id for email in emails}) if emails else {}
    for email in emails:
        texts = {
            "id": email.id,
            "campaignId": email.campaign_id,
            "subject": subjects.get(email.campaign_id, ""),
            "address": email.email,
            "status": email.status.value,
            "skipReason": email.skip_reason.value if email.skip_reason else "",
            "error": email.error,
            "createdAt": stamp(email.created_at),
        }
        times = {name: stamp(at) for name, attribute in TIMES.items() if (at := getattr(email, attribute)) is not None}
        hits = list(_hits(store, email.id))
        yield {
            name: text
            for name, text in {**texts, **times, "linksFollowed": sorted(email.links_any), "opensAndClicks": hits}.items()
            if text
        }


def _hits(store: Store, email_id: str) -> Iterator[Held]:
    partition = schema.key("email", id=email_id)["PK"]
    low = schema.BY_NAME["hit"].sk.partition("{")[0]
    for item in store.table.walk(Query(partition=partition, low=low, high=behind_prefix(low))):
        yield {name: value for name, value in item.items() if name not in INTERNAL}


def _log(store: Store, person_id: str) -> Iterator[Held]:
    entries = store.log.of(person_id)
    files = store.imports.names({entry.source for entry in entries if entry.kind is LogKind.IMPORTED})
    yield from (_entry(replace(entry, source_name=files.get(entry.source, entry.source_name))) for entry in entries)


def _entry(entry: LogEntry) -> Held:
    changes = {name: {"before": before, "after": after} for name, (before, after) in entry.changes.items()}
    held = {
        "at": stamp(entry.at),
        "kind": entry.kind.value,
        "by": entry.actor,
        "text": entry.text,
        "changes": changes,
        "source": entry.source,
        "sourceName": entry.source_name,
    }
    return {name: value for name, value in held.items() if value}
