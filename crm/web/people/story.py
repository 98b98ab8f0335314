"""What happened with one person, in one line of time: events, hosting and e-mails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import NoReverseMatch, reverse

from crm.domain.emails import Email, EmailState
from crm.domain.events import Attendance, AttendanceStatus, Event
from crm.store.event_reads import PersonEvents

ATTENDED = {
    AttendanceStatus.INVITED: ("Invited to", "calendar", ""),
    AttendanceStatus.REGISTERED: ("Registered for", "calendar-check", "dot-good"),
    AttendanceStatus.WAITLISTED: ("On the waitlist of", "clock", ""),
    AttendanceStatus.ATTENDED: ("Attended", "user-check", "dot-good"),
    AttendanceStatus.NO_SHOW: ("Did not come to", "user-x", "dot-bad"),
    AttendanceStatus.CANCELLED: ("Cancelled", "calendar", ""),
}
MAILED = {
    EmailState.QUEUED: ("Waits to be sent", "mail", ""),
    EmailState.SENT: ("Sent", "mail", "dot-good"),
    EmailState.FAILED: ("Failed", "mail-x", "dot-bad"),
    EmailState.UNCERTAIN: ("Uncertain: the server’s answer was lost", "mail-warning", "dot-warn"),
    EmailState.SKIPPED: ("Not sent", "mail-minus", ""),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. `lead` stands before the link `title`; `url` is empty where there is no page for it."""

    when: datetime
    icon: str
    dot: str
    lead: str
    title: str
    url: str
    note: str


def story_of(events: PersonEvents, emails: Sequence[Email], subjects: Mapping[str, str], now: datetime) -> list[Moment]:
    """Everything that is known to have happened, latest first."""
    moments = [_hosted(event, now) for event in events.hosted]
    moments += [_attended(event, attendance) for event, attendance in events.attended]
    moments += [_mailed(email, subjects.get(email.campaign_id, "")) for email in emails]
    return sorted(moments, key=lambda moment: moment.when, reverse=True)


def coming(events: PersonEvents, now: datetime) -> list[tuple[Event, str, str]]:
    """Events ahead with where the person stands and its colour, the next one first."""
    ahead = [(event, "Hosts", "good") for event in events.hosted if event.end_at > now]
    for event, attendance in events.attended:
        if event.end_at > now and attendance.status is not AttendanceStatus.CANCELLED:
            ahead.append((event, attendance.status.value.replace("_", "-").capitalize(), "good" if attendance.seated else "idle"))
    return sorted(ahead, key=lambda one: one[0].start_at)


def event_url(event_id: str) -> str:
    """The page of an event."""
    return _address("events:event", event_id)


def _hosted(event: Event, now: datetime) -> Moment:
    lead = "Hosts" if event.start_at > now else "Hosted"
    return Moment(event.start_at, "mic", "dot-good", lead, event.title, event_url(event.id), "")


def _attended(event: Event, attendance: Attendance) -> Moment:
    lead, icon, dot = ATTENDED[attendance.status]
    return Moment(attendance.since, icon, dot, lead, event.title, event_url(event.id), "")


def _mailed(email: Email, subject: str) -> Moment:
    words, icon, dot = MAILED[email.status]
    reason = email.skip_reason.value if email.skip_reason else email.error
    note = f"{words}: {reason}" if reason else words
    when = email.sent_at or email.created_at
    return Moment(when, icon, dot, "", subject or "(no subject)", _address("campaigns:one", email.campaign_id), note)


def _address(name: str, key: str) -> str:
    try:
        return reverse(name, args=[key])
    except NoReverseMatch:
        return ""
