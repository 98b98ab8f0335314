"""Entries of the audit log as one reads them: who did what, and links to what it was done to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from crm.domain.audit import AuditEntry
from crm.domain.audit_actions import Subject, deed_of
from crm.models import ApiToken
from crm.services.audit import Shown, abouts, facts_in_words
from crm.store.audit_names import About, Named
from crm.web.http import CrmRequest
from crm.web.staff_names import name_of, staff_names

Names = Mapping[About, Named]

KINDS = {
    Subject.PERSON: "person",
    Subject.EVENT: "event",
    Subject.CAMPAIGN: "campaign",
    Subject.IMPORT: "import",
    Subject.TASK: "work on people",
    Subject.SEGMENT: "segment",
    Subject.TEMPLATE: "template",
    Subject.FEED: "calendar feed",
    Subject.SENDER: "sender",
    Subject.MAIL: "mail settings",
    Subject.JOB: "background work",
    Subject.STAFF: "account",
    Subject.INVITATION: "invitation",
    Subject.TOKEN: "API token",
}
PAGES: Mapping[Subject, str] = {
    Subject.PERSON: "people:person",
    Subject.EVENT: "events:event",
    Subject.CAMPAIGN: "campaigns:one",
    Subject.IMPORT: "people:import-one",
    Subject.TASK: "people:task",
    Subject.TEMPLATE: "campaigns:template",
}
"""Pages of one thing."""
LISTS: Mapping[Subject, str] = {
    Subject.FEED: "events:feeds",
    Subject.SENDER: "settings:mail",
    Subject.MAIL: "settings:mail",
    Subject.JOB: "settings:jobs",
    Subject.INVITATION: "settings:staff",
    Subject.TOKEN: "settings:tokens",
}
"""Pages on which things of a kind stand, each without a page of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What an entry speaks of. `href` is empty where there is no page to go to; `gone` says that it is no longer there."""

    kind: str
    name: str
    href: str
    gone: bool
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry: `who` is what the one is called who did it, `facts` are (name, value)."""

    entry: AuditEntry
    who: str
    words: str
    things: Sequence[Thing]
    facts: Sequence[tuple[str, str]]
    came: str


def rows_of(request: CrmRequest, shown: Shown) -> list[Row]:
    """Return the entries of a page in words; three requests to the staff database at most, none to the table but for senders."""
    entries = shown.page.items
    staff = staff_names({entry.actor for entry in entries if entry.actor})
    wanted = {about for entry in entries for about in abouts(entry)}
    names = {**shown.names, **_numbered(wanted), **_senders(request, wanted)}
    viewer = request.user.get_username()
    return [
        Row(
            entry=entry,
            who=staff.get(entry.actor, entry.actor),
            words=deed_of(entry.action).words,
            things=[_thing(about, names, viewer, entry.subject) for about in abouts(entry)],
            facts=facts_in_words(entry.facts),
            came=_came(entry),
        )
        for entry in entries
    ]


def _thing(about: About, names: Names, viewer: str, subject: str) -> Thing:
    kind, id_ = about
    named = names.get(about)
    hidden = named is not None and named.owner not in ("", viewer)
    standing = kind in (Subject.MAIL, Subject.JOB, Subject.FEED, Subject.INVITATION)
    href = "" if (named is None and not standing) or hidden else _href(kind, id_)
    return Thing(
        kind=KINDS.get(kind, ""),
        name="" if named is None or hidden else named.name,
        href=href,
        gone=named is None and not standing and kind is not Subject.NOTHING,
        query=f"?{urlencode({'object': id_})}" if id_ == subject else "",
    )


def _href(kind: Subject, id_: str) -> str:
    if kind is Subject.SEGMENT:
        return f"{reverse('people:list')}?{urlencode({'segment': id_})}"
    if kind is Subject.STAFF:
        return reverse("settings:member", args=[id_.partition(":")[2]])
    try:
        return reverse(PAGES[kind], args=[id_]) if kind in PAGES else reverse(LISTS[kind]) if kind in LISTS else ""
    except NoReverseMatch:  # an id that no address can hold
        return ""


def _numbered(wanted: set[About]) -> dict[About, Named]:
    """What accounts and tokens are called: a request each to the staff database, none without them."""
    found: dict[About, Named] = {}
    called: Mapping[Subject, Callable[[list[int]], dict[int, str]]] = {
        Subject.STAFF: lambda ids: {user.pk: name_of(user) for user in User.objects.filter(pk__in=ids)},
        Subject.TOKEN: lambda ids: {token.pk: token.name for token in ApiToken.objects.filter(pk__in=ids)},
    }
    for kind in called:
        ids = {id_: int(number) for one, id_ in wanted if one is kind and (number := id_.partition(":")[2]).isdecimal()}
        names = called[kind](list(ids.values())) if ids else {}
        found |= {(kind, id_): Named(name=names[number]) for id_, number in ids.items() if number in names}
    return found


def _senders(request: CrmRequest, wanted: set[About]) -> dict[About, Named]:
    marks = {id_ for kind, id_ in wanted if kind is Subject.SENDER}
    senders = request.store.mail_settings.get().senders if marks else ()
    return {(Subject.SENDER, sender.mark): Named(name=sender.shown) for sender in senders if sender.mark in marks}


def _came(entry: AuditEntry) -> str:
    """From where it came, in words; empty where nobody said."""
    origin = entry.origin
    if origin.via == "api":
        return f"API, token {origin.token}" if origin.token is not None else "API"
    return {"page": "Page", "command": "Command line"}.get(origin.via, "")
