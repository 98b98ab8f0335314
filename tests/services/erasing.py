"""A person of whom something stands in every corner of the table, and a look into all of them."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import unquote

from crm.domain.emails import EmailState, FailReason
from crm.domain.events import Attendance, AttendanceStatus
from crm.domain.filters import PeopleFilter
from crm.domain.folding import fold
from crm.domain.ids import new_id
from crm.domain.log import LogEntry, LogKind
from crm.domain.people import Person, Profile
from crm.services import merge, notes, people, segments
from crm.services.unsubscribe import unsubscribe
from crm.store import Store, schema
from crm.store.keys import stamp
from crm.store.requests import Put
from tests.factories import NOW, make_campaign, make_event, make_person, make_profile
from tests.mailings import keep_emails, make_email

ZOE = Profile(
    first_name="Zoëlle",
    last_name="Åbergström #7 100%",
    email="Zoëlle.Åberg+vip@Example.org",
    phone_number="+46 31 555 01 42",
    company="Tech Corp",
    city="Göteborg",
    state="Västra Götaland",
    tags=("speaker", "host 2026"),
)
WORDS = ("zoelle", "abergstrom", "aberg+vip", "maidenname", "zoelle.old@", "+46 31 555")
"""What nothing may hold any more, folded: of the name, of the one before, of the addresses, of the phone."""
LATER = NOW + timedelta(hours=1)


def with_everything(store: Store) -> Person:
    """Add Zoëlle, and let everything happen to her that can happen to somebody."""
    before = replace(ZOE, last_name="Maidenname", email="zoelle.old@example.org")
    zoe = people.add(store, before, now=NOW, actor="ingrid")
    zoe = people.edit(store, zoe.id, ZOE, version=zoe.version, now=LATER, actor="ingrid")
    friend = people.add(store, make_profile(first_name="Bo"), now=NOW)
    notes.add(store, zoe.id, f"Write to {ZOE.email} only; Zoëlle asked for it.", actor="jonas", now=LATER)
    imported = LogEntry(
        id=new_id(), user_id=zoe.id, at=LATER, kind=LogKind.IMPORTED, source=new_id(), source_name="members.csv", created=True
    )
    store.table.write([store.log.put(imported)])
    _events(store, zoe, friend)
    _mail(store, zoe)
    _twin(store, zoe)
    store.table.write(store.duplicates.tell_apart(zoe.id, friend.id))
    return store.people.get(zoe.id)


def _events(store: Store, zoe: Person, friend: Person) -> None:
    past = store.events.create(make_event(start_at=NOW - timedelta(days=9), owner=friend.id), [zoe.id], [], now=NOW)
    came = Attendance(event_id=past.id, user_id=zoe.id, status=AttendanceStatus.ATTENDED, since=NOW)
    store.events.record(past.id, [came], now=NOW)
    full = store.events.create(make_event(max_capacity=1, owner=zoe.id), [friend.id, zoe.id], [], now=NOW)
    store.events.seat(full.id, [friend.id, zoe.id], now=NOW)
    coming = store.events.create(make_event(max_capacity=1, owner=friend.id), [], [], now=NOW)
    store.events.seat(coming.id, [zoe.id], now=NOW)


def _mail(store: Store, zoe: Person) -> None:
    address = zoe.profile.email
    asked = [
        make_campaign(subject="To one address", audience_filter=PeopleFilter(q=address)),
        make_campaign(subject="To one name", audience_filter=PeopleFilter(q=f"{fold(zoe.name)}", company=("Tech Corp",))),
        make_campaign(subject="As she was called", audience_filter=PeopleFilter(q="maidenname zoelle")),
        make_campaign(subject="To everybody with a Z", audience_filter=PeopleFilter(q="zo")),
    ]
    first, second, third, _ = [store.campaigns.create(one) for one in asked]
    segments.save(store, f"Zoëlle Åbergström #7 100%, {address}", PeopleFilter(q=address), owner="jonas", now=NOW)
    opened = make_email(campaign_id=first.id, user_id=zoe.id, email="zoelle.old@example.org", sent_at=NOW, opened_at=LATER)
    failed = make_email(
        campaign_id=second.id,
        user_id=zoe.id,
        email=address,
        status=EmailState.FAILED,
        fail_reason=FailReason.REFUSED,
        error=f"550 5.1.1 <{address}>: Zoëlle Åbergström is unknown",
        failed_at=LATER,
    )
    bounced = make_email(campaign_id=third.id, user_id=zoe.id, email=address, sent_at=NOW, bounced_at=LATER)
    keep_emails(store, [opened, failed, bounced])
    hit = {"id": new_id(), "emailId": opened.id, "at": stamp(LATER), "kind": "open", "class": "person", "from": address}
    store.table.write([Put(item=schema.keyed("hit", hit))])
    unsubscribe(store, bounced.id, zoe.id, now=LATER)


def _twin(store: Store, zoe: Person) -> None:
    """A second entry, merged into the first."""
    twin = store.people.create(make_person(profile=replace(make_profile(), first_name="Zoëlle", last_name="Maidenname")))
    kept = store.people.get(zoe.id)
    merge.merge(store, kept.id, twin.id, kept.profile, versions=(kept.version, twin.version), actor="ingrid", now=LATER)


def where_she_stands(store: Store) -> list[str]:
    """The kinds of items that hold a word of her, in any spelling of a value or a key."""
    found = set()
    for item in store.table.scan(consistent=True):
        text = str(item)
        if any(word in said for said in (fold(text), fold(unquote(text))) for word in WORDS):
            found.add(str(item["entityType"]))
    return sorted(found)
