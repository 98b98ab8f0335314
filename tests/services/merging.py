"""Two entries of one person with everything that can be with them, and a table that dies when it is told to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from crm.domain.campaigns import CampaignStatus
from crm.domain.emails import Email
from crm.domain.events import Attendance, AttendanceStatus
from crm.domain.ids import email_id, new_id
from crm.domain.log import LogEntry, LogKind
from crm.domain.people import Person, Profile
from crm.services import merge
from crm.services.merge import Merged
from crm.store import Store
from crm.store.requests import Action
from tests.factories import NOW, make_campaign, make_event, make_person
from tests.mailings import keep_emails, make_email

ZOE = Profile(
    first_name="Zoë", last_name="Ångström", email="zoe.angstrom@techcorp.example", company="Tech Corp", tags=("speaker",)
)
TWIN = Profile(
    first_name="Zoe",
    last_name="Angstrom",
    email="z.angstrom@techcorp.example",
    company="Tech Corp",
    phone_number="+46 31 555",
    tags=("host 2026", "Speaker"),
)


class Died(Exception):
    """The process is gone."""


def two(store: Store, kept: Profile = ZOE, gone: Profile = TWIN) -> tuple[Person, Person]:
    """Two people, as stored."""
    return store.people.create(make_person(profile=kept)), store.people.create(make_person(profile=gone))


def merged(
    store: Store, kept: Person, gone: Person, chosen: Profile | None = None, *, now: datetime = NOW, actor: str = "grace"
) -> Merged:
    """Merge them as they are stored now, with the values of the one that stays unless others are chosen."""
    mine, theirs = store.people.get(kept.id), store.people.get(gone.id)
    values = chosen or mine.profile
    return merge.merge(store, kept.id, gone.id, values, versions=(mine.version, theirs.version), actor=actor, now=now)


def put_on(store: Store, event_id: str, person: Person, status: AttendanceStatus) -> None:
    """Put somebody on the list of an event, with that status."""
    there = Attendance.new(store.events.get(event_id), person.id, status, now=NOW)
    store.events.record(event_id, [there], now=NOW)


def with_everything(store: Store) -> tuple[Person, Person]:
    """Two entries, each with events, e-mails, notes, and somebody they are not."""
    kept, gone = two(store)
    other = store.people.create(make_person())
    campaign = store.campaigns.create(make_campaign(status=CampaignStatus.DONE))
    both = store.events.create(make_event(), [kept.id, gone.id], [], now=NOW)
    alone = store.events.create(make_event(owner=gone.id, max_capacity=1), [gone.id], [], now=NOW)
    put_on(store, both.id, kept, AttendanceStatus.INVITED)
    put_on(store, both.id, gone, AttendanceStatus.ATTENDED)
    put_on(store, alone.id, gone, AttendanceStatus.REGISTERED)
    keep_emails(store, [mailed(campaign.id, one) for one in (kept, gone)])
    notes = [LogEntry(id=new_id(), user_id=gone.id, at=NOW, kind=LogKind.NOTE, text=f"Note {number}") for number in range(3)]
    store.table.write([store.log.put(note) for note in notes])
    store.table.write(store.duplicates.tell_apart(gone.id, other.id))
    return kept, gone


def mailed(campaign_id: str, person: Person, **values: Any) -> Email:
    """The e-mail of a campaign to somebody, sent unless said otherwise."""
    own = {"id": email_id(campaign_id, person.id), "campaign_id": campaign_id, "user_id": person.id}
    return make_email(**{**own, "email": person.profile.email, **values})


@contextmanager
def dying(store: Store, after: int) -> Iterator[None]:
    """Let so many writes through; then the process dies, before the next one."""
    write, left = store.table.write, [after]

    def write_or_die(actions: Sequence[Action]) -> None:
        if not actions:
            return
        if left[0] == 0:
            raise Died
        left[0] -= 1
        write(actions)

    store.table.write = write_or_die  # type: ignore[method-assign]
    try:
        yield
    finally:
        store.table.write = write  # type: ignore[method-assign]
