"""One thing that happened with a person, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.template.defaultfilters import date as format_date
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from crm.domain.emails import Email, EmailState
from crm.domain.event_times import begins
from crm.domain.events import SEATED, Attendance, AttendanceStatus, Event, EventStatus
from crm.domain.log import LogEntry, LogKind
from crm.domain.people import LABELS, EmailStatus, Person
from crm.store import Store
from crm.web.people.subjects import subjects_for
from crm.web.staff_names import staff_names

STANDS = {
    AttendanceStatus.INVITED: ("Invited to", "calendar", ""),
    AttendanceStatus.REGISTERED: ("Registered for", "calendar-check", "dot-good"),
    AttendanceStatus.WAITLISTED: ("On the waitlist of", "clock", ""),
    AttendanceStatus.ATTENDED: ("Attended", "user-check", "dot-good"),
    AttendanceStatus.NO_SHOW: ("Did not come to", "user-x", "dot-bad"),
    AttendanceStatus.CANCELLED: ("Cancelled", "calendar", ""),
}
CAME_BACK = frozenset({AttendanceStatus.ATTENDED, AttendanceStatus.NO_SHOW, AttendanceStatus.CANCELLED})
MAILED = {
    EmailState.QUEUED: ("Waits to be sent", "mail", ""),
    EmailState.SENT: ("Sent", "mail", "dot-good"),
    EmailState.FAILED: ("Failed", "mail-x", "dot-bad"),
    EmailState.UNCERTAIN: ("Uncertain: the server’s answer was lost", "mail-warning", "dot-warn"),
    EmailState.SKIPPED: ("Not sent", "mail-minus", ""),
}
LATER = {
    "opened": "opened_at",
    "clicked": "clicked_at",
    "came back": "bounced_at",
    "marked as spam": "complained_at",
    "unsubscribed": "unsubscribed_at",
}
CALLED_OFF = "the event was cancelled"
BAD = ("bounced_at", "complained_at")
STATUSES = {
    EmailStatus.MAILABLE.value: ("May be written to again", "mail", "dot-good"),
    EmailStatus.UNSUBSCRIBED.value: ("Unsubscribed", "mail-minus", "dot-warn"),
    EmailStatus.BOUNCED.value: ("Mail came back", "mail-x", "dot-bad"),
    EmailStatus.COMPLAINED.value: ("Marked our mail as spam", "mail-warning", "dot-bad"),
}
BY_MAIL = {"link": "by the link in", "bounce": "after", "complaint": "after", "provider": "at the mail provider after"}
"""How a change of status that came of a campaign goes on, before its name."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field that became another; empty texts where there was or is none. Of tags, those that came and went."""

    label: str
    before: str
    after: str


@dataclass(slots=True, kw_only=True)
class Moment:
    """One thing that happened. `lead` stands before the link `title`, `by` behind it; `url` is empty where there is no page.

    `key` tells it from others of the same moment; `quote` is what somebody wrote, `note_id` its id.
    """

    key: str
    kind: str
    when: datetime
    icon: str
    dot: str = ""
    lead: str = ""
    title: str = ""
    url: str = ""
    needs: str = ""
    by: str = ""
    note: str = ""
    quote: str = ""
    note_id: str = ""
    actor: str = ""
    changes: list[Change] = field(default_factory=list)
    campaign_id: str = ""
    import_id: str = ""


def name_all(store: Store, person: Person, moments: Sequence[Moment]) -> None:
    """Put names of staff, subjects of campaigns and names of imported files in: one query of accounts, a batch each."""
    subjects = subjects_for(store, person, (one.campaign_id for one in moments if one.campaign_id))
    files = store.imports.names({one.import_id for one in moments if one.import_id})
    staff = staff_names({one.actor for one in moments if one.actor})
    for one in moments:
        if one.campaign_id:
            one.title = subjects.get(one.campaign_id) or "(no subject)"
            one.url = page_of("campaigns:one", one.campaign_id) if one.campaign_id in subjects else ""
        if one.import_id:
            one.title = files.get(one.import_id) or one.title or "a file"
        if one.actor:
            one.by = f"by {staff.get(one.actor, one.actor)}"


def page_of(name: str, key: str) -> str:
    """The address of a page, empty where there is none."""
    try:
        return reverse(name, args=[key])
    except NoReverseMatch:
        return ""


def hosted(event: Event, now: datetime) -> Moment:
    """That somebody hosts an event, at its start."""
    off = event.status is EventStatus.CANCELLED
    lead = "Was to host" if off else "Hosts" if event.start_at > now else "Hosted"
    told = _of_event(event, f"h{event.id}", event.start_at)
    told.icon, told.dot, told.lead, told.note = "mic", "" if off else "dot-good", lead, CALLED_OFF if off else ""
    return told


def attended(event: Event, attendance: Attendance) -> Iterator[Moment]:
    """Where somebody stands with an event, since when and by whom; before it, where they stood, and that they signed up."""
    told = _stands(event, attendance.status, attendance.since, f"a{event.id}")
    told.lead = _arrived(attendance) or told.lead
    told.actor = attendance.by
    told.note = f"{begins(event)} · {CALLED_OFF}" if event.status is EventStatus.CANCELLED else begins(event)
    if attendance.status is AttendanceStatus.NO_SHOW and not attendance.by and event.no_show_at:
        told.note = f"{begins(event)} · marked by itself after the end"
    yield told
    if attendance.was and attendance.was_since:
        yield _stands(event, attendance.was, attendance.was_since, f"w{event.id}")
    if attendance.registered_at and attendance.registered_at not in (attendance.since, attendance.was_since):
        yield _stands(event, AttendanceStatus.REGISTERED, attendance.registered_at, f"r{event.id}")


def _arrived(attendance: Attendance) -> str:
    """How they came to stand where they stand, where that says more than the status."""
    status, was = attendance.status, attendance.was
    if status is AttendanceStatus.ATTENDED and (attendance.walk_in or attendance.by):
        return "Walked in to" if attendance.walk_in else "Checked in at"
    if status is AttendanceStatus.REGISTERED and was is AttendanceStatus.WAITLISTED:
        return "Got a seat from the waitlist of"
    if status is AttendanceStatus.REGISTERED and was in CAME_BACK:
        return "Registered again for"
    if status is AttendanceStatus.CANCELLED and was is AttendanceStatus.WAITLISTED:
        return "Left the waitlist of"
    return "Gave up the seat at" if status is AttendanceStatus.CANCELLED and was in SEATED else ""


def _stands(event: Event, status: AttendanceStatus, since: datetime, key: str) -> Moment:
    told = _of_event(event, key, since)
    told.lead, told.icon, told.dot = STANDS[status]
    return told


def _of_event(event: Event, key: str, when: datetime) -> Moment:
    return Moment(key=key, kind="events", when=when, icon="calendar", title=event.title, url=page_of("events:event", event.id))


def mailed(email: Email) -> Moment:
    """What became of an e-mail, when it was made."""
    words, icon, dot = MAILED[email.status]
    reason = email.skip_reason.value if email.skip_reason else email.error
    note = _sent(email) if email.sent_at else f"{words}: {reason}" if reason else words
    if any(getattr(email, name) for name in BAD):
        icon, dot = "mail-x", "dot-bad"
    elif email.opened_at or email.clicked_at:
        icon = "mail-open"
    return Moment(
        key=f"e{email.id}",
        kind="emails",
        when=email.created_at,
        icon=icon,
        dot=dot,
        note=note,
        campaign_id=email.campaign_id,
    )


def _sent(email: Email) -> str:
    """When it was sent, opened, clicked …, the day only where it is another one."""
    happened = sorted((at, word) for word, name in LATER.items() if (at := getattr(email, name)) is not None)
    last = timezone.localtime(email.sent_at)
    parts = [f"Sent {last:%H:%M}"]
    for at, word in happened:
        local = timezone.localtime(at)
        day = "" if local.date() == last.date() else f"{format_date(local, 'j M')}, "
        parts.append(f"{word} {day}{local:%H:%M}")
        last = local
    return ", ".join(parts) + ("; not clicked" if email.opened_at and not email.clicked_at else "")


def added_here(person: Person) -> Moment:
    """That somebody came here, where nothing says how."""
    return Moment(key="0", kind="edits", when=person.created_at, icon="user-plus", lead="Added here")


def logged(entry: LogEntry) -> Moment:
    """A line of the log."""
    told = Moment(key=f"l{entry.id}", kind="edits", when=entry.at, icon="pencil", actor=entry.actor)
    told.by = "" if entry.actor or entry.kind in _BY_NOBODY else "by the API"
    _TELLERS[entry.kind](told, entry)
    return told


def _noted(told: Moment, entry: LogEntry) -> None:
    told.kind, told.icon, told.lead = "notes", "sticky-note", "Note"
    told.quote, told.note_id = entry.text, entry.id


def _added(told: Moment, entry: LogEntry) -> None:
    told.icon, told.lead = "user-plus", "Added"


def _edited(told: Moment, entry: LogEntry) -> None:
    told.changes = changes_of(entry)
    labels = [LABELS.get(name, name) for name in entry.changes]
    told.lead = f"{labels[0]} changed" if len(labels) == 1 else f"{len(labels)} fields changed"
    if entry.source_name:
        told.lead, told.title, told.url = f"{told.lead} with", entry.source_name, page_of("people:task", entry.source)
        told.icon = "tag" if set(entry.changes) == {"tags"} else told.icon


def _imported(told: Moment, entry: LogEntry) -> None:
    told.icon, told.lead = "file-input", "Came in with" if entry.created else "Changed by import of"
    told.import_id, told.title, told.needs = entry.source, entry.source_name, "import"
    told.url = page_of("people:import-one", entry.source)
    told.changes = [] if entry.created else changes_of(entry)


def _merged(told: Moment, entry: LogEntry) -> None:
    told.icon, told.lead = "users", "Merged with another entry"
    told.note, told.changes = entry.text, changes_of(entry)


def _status(told: Moment, entry: LogEntry) -> None:
    _, after = entry.changes.get("emailStatus", ("", ""))
    told.lead, told.icon, told.dot = STATUSES.get(after, ("E-mail status changed", "mail", ""))
    if entry.text in BY_MAIL and entry.source:
        told.lead, told.campaign_id = f"{told.lead} {BY_MAIL[entry.text]}", entry.source


_BY_NOBODY = frozenset({LogKind.STATUS, LogKind.IMPORTED, LogKind.MERGED})
_TELLERS = {
    LogKind.NOTE: _noted,
    LogKind.ADDED: _added,
    LogKind.EDITED: _edited,
    LogKind.IMPORTED: _imported,
    LogKind.MERGED: _merged,
    LogKind.STATUS: _status,
}


def changes_of(entry: LogEntry) -> list[Change]:
    """What an entry says that changed, field by field."""
    out = []
    for name, (before, after) in entry.changes.items():
        if name == "tags":
            old, new = before.split("\n") if before else [], after.split("\n") if after else []
            gone, came = [tag for tag in old if tag not in new], [tag for tag in new if tag not in old]
            out.append(Change("Tags", ", ".join(gone), ", ".join(came)))
        else:
            out.append(Change(LABELS.get(name, name), before, after))
    return out
