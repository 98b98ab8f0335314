"""Whether somebody may be written to, since when, and how that came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.domain.log import LogEntry, LogKind
from crm.domain.people import EmailStatus, Person
from crm.store import Store
from crm.web.people.moments import Moment, logged, name_all

BY_MAIL = {
    "link": ("by the link in", "by the link in an e-mail"),
    "bounce": ("by a bounce of", "by a bounce"),
    "complaint": ("by a complaint about", "by a complaint"),
    "provider": ("at the mail provider, from", "at the mail provider"),
}
"""What came of an e-mail, with its campaign and without."""
SOURCES = {
    "import": "by an import",
    "staff": "by staff",
    "verify": "",
    "demo": "",
    **{source: bare for source, (_, bare) in BY_MAIL.items()},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What holds. `how` says by what, with a link where there is a page for it; `changes` is how often it changed before."""

    status: EmailStatus
    since: datetime
    how: str
    title: str
    url: str
    changes: int


def consent_of(store: Store, person: Person, log: Sequence[LogEntry]) -> Consent:
    """Work it out from the suppression of the address and the log, newest first; a request or two."""
    changed = [entry for entry in log if entry.kind is LogKind.STATUS]
    reason = None if person.mailable else store.suppressions.reason(person.profile.email)
    entry = _beginning(person, log)
    since = reason.created_at if reason else entry.at if entry else person.created_at
    told = _told(store, person, entry)
    how = told.lead if told else SOURCES.get(reason.source, "") if reason else ""
    before = len(changed) - int(entry is not None and entry.kind is LogKind.STATUS)
    return Consent(
        status=person.email_status,
        since=since,
        how=how,
        title=told.title if told else "",
        url=told.url if told else "",
        changes=before,
    )


def _beginning(person: Person, log: Sequence[LogEntry]) -> LogEntry | None:
    """The entry with which the present state began: a change of status, another address, or that they came here."""
    for entry in log:
        _, after = entry.changes.get("emailStatus", ("", ""))
        if entry.kind is LogKind.STATUS and after == person.email_status.value:
            return entry
        if "email" in entry.changes or (entry.created and person.mailable):
            return entry
    return None


def _told(store: Store, person: Person, entry: LogEntry | None) -> Moment | None:
    """The entry as the end of a sentence that begins with a date."""
    if entry is None:
        return None
    moment = logged(entry)
    name_all(store, person, [moment])
    if entry.kind is LogKind.STATUS:
        of_campaign, bare = BY_MAIL.get(entry.text, (moment.by, moment.by))
        moment.lead = of_campaign if moment.campaign_id else bare
    elif entry.kind is LogKind.IMPORTED:
        moment.lead = "by import of"
    elif entry.kind is LogKind.ADDED:
        moment.lead = f"added {moment.by}"
    else:
        moment.lead = f"when the address was changed {moment.by}".strip()
    return moment
