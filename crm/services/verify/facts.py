"""How campaigns, events and suppressions fit together: few enough to be judged whole."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from crm.domain.campaigns import CampaignStatus
from crm.domain.errors import NotFound
from crm.domain.events import EventStatus
from crm.domain.people import EmailStatus
from crm.services import tasks
from crm.services.campaign_jobs import copies_job
from crm.services.erasure import job_of
from crm.services.event_jobs import CREATING, DELETE, NO_SHOW, NO_SHOW_AFTER, PROMOTE
from crm.services.event_jobs import job_key as event_job
from crm.services.import_jobs import UNDO, job_key
from crm.services.import_undo import MARK
from crm.services.merge_steps import merge_job
from crm.services.verify.difference import Difference
from crm.services.verify.items import short
from crm.services.verify.ledger import Facts
from crm.store import Store, schema
from crm.store.expressions import absent, equals, exists
from crm.store.jobs import JobKey
from crm.store.keys import moment, stamp
from crm.store.people_items import LEAVING, MERGING, status_change
from crm.store.requests import Action, Delete, Put, Update, changed
from crm.store.schema import Item

LONGEST = timedelta(hours=1)
"""How long somebody may be being deleted until nobody is taken to be at it any more."""
NEEDS_WORK = frozenset({CampaignStatus.SCHEDULED, CampaignStatus.EXPANDING, CampaignStatus.SENDING})


def judge_facts(store: Store, facts: Facts, now: datetime) -> Iterator[Difference]:
    """Give what does not fit."""
    yield from _events(store, facts, now)
    yield from _campaigns(store, facts, now)
    yield from _windows(store, facts, now)
    yield from _copies(store, facts, now)
    yield from _suppressions(store, facts, now)
    yield from _erasures(store, facts, now)
    yield from _merges(store, facts, now)
    yield from _leaving(facts, now)
    yield from _tasks(store, facts, now)
    yield from _imports(store, facts, now)


def _events(store: Store, facts: Facts, now: datetime) -> Iterator[Difference]:
    for event_id, event in facts.events.items():
        limit, taken = event["maxCapacity"], event["registeredCount"] or 0
        if limit is not None and taken > limit:
            yield Difference(kind="event", subject=event_id, says=f"{taken} people are registered for {limit} seats")
        creating = event["status"] == EventStatus.CREATING.value
        if not creating and event_id in facts.pending:
            yield Difference(kind="event", subject=event_id, says="attendees wait to be seated, but it is not being created")
        for name, says in _lacking(facts, event_id, event, now):
            job = event_job(event_id, name)
            old = store.jobs.get(job)
            due_at = moment(event["endAt"]) + NO_SHOW_AFTER if name == NO_SHOW else now
            mend = store.jobs.put(job, due_at=due_at, state=old.state if old else None, old=old)
            yield Difference(kind="event", subject=event_id, says=f"{says}, but no job is due", mend=(mend,))
        if (difference := _cancellation(event_id, event, facts.cancelled.get(event_id), now)) is not None:
            yield difference
    for host in facts.hosts:
        event = facts.events.get(str(host["eventId"]), {})
        if event and event["startAt"] != host["startAt"]:
            yield _host(host, event)


def _lacking(facts: Facts, event_id: str, event: Item, now: datetime) -> Iterator[tuple[str, str]]:
    """The jobs that ought to be due and are not, and what they are for."""
    owner = schema.key("event", id=event_id)["PK"]
    published, present = event["status"] == EventStatus.PUBLISHED.value, stamp(now)
    free = event["maxCapacity"] is None or (event["registeredCount"] or 0) < event["maxCapacity"]
    run, told = event["noShowAt"], facts.parked.get((owner, NO_SHOW))
    marks = "are to be" if run is None and event["endAt"] > present else "are being" if run is not None and told != run else ""
    wanted = {
        CREATING: event["status"] == EventStatus.CREATING.value and "it is being created",
        DELETE: event["deleting"] and "it is being deleted",
        PROMOTE: published
        and present < event["startAt"]
        and event["noShowAt"] is None
        and free
        and (event["waitlistedCount"] or 0) > 0
        and "people wait for seats that are free",
        NO_SHOW: published
        and event["autoNoShow"] is not False
        and marks
        and (owner, NO_SHOW) in facts.parked
        and f"no-shows {marks} marked",
    }
    yield from ((name, str(says)) for name, says in wanted.items() if says and (owner, name) not in facts.jobs)


def _cancellation(event_id: str, event: Item, item: Item | None, now: datetime) -> Difference | None:
    """An event that is cancelled has an item beside it, under its date; no other one has."""
    cancelled = event["status"] == EventStatus.CANCELLED.value
    key = schema.key("cancellation", eventId=event_id)
    if item is not None and not cancelled:
        gone = Delete(key=key, expect=[exists()])
        return Difference(kind="event", subject=event_id, says="why it was cancelled is told, but it is not", mend=(gone,))
    if not cancelled or (item is not None and item["startAt"] == event["startAt"]):
        return None
    if item is None:
        attributes = {"id": event_id, "eventId": event_id, "startAt": event["startAt"], "at": stamp(now)}
        put = Put(item=schema.keyed("cancellation", attributes), expect=[absent()])
        return Difference(kind="event", subject=event_id, says="it is not found among those that are cancelled", mend=(put,))
    attributes = {name: value for name, value in item.items() if name != "startAt" and not name.startswith("GSI")}
    new = schema.keyed("cancellation", {**attributes, "startAt": event["startAt"]})
    mend = changed(item, new, expect=[equals("startAt", item["startAt"])])
    return Difference(kind="event", subject=event_id, says="it is found under another date than its own", mend=(mend,))


def _host(host: Item, event: Item) -> Difference:
    old = schema.keyed("host", {name: host[name] for name in ("eventId", "userId", "startAt")})
    new = schema.keyed("host", {"eventId": host["eventId"], "userId": host["userId"], "startAt": event["startAt"]})
    mend = changed(old, new, expect=[equals("startAt", host["startAt"])])
    return Difference(
        kind="host", subject=f"{host['eventId']}:{host['userId']}", says="its startAt is not that of the event", mend=(mend,)
    )


def _campaigns(store: Store, facts: Facts, now: datetime) -> Iterator[Difference]:
    for campaign_id, status in facts.campaigns.items():
        due = schema.key("campaign", id=campaign_id)["PK"] in facts.due
        queued = facts.queued.get(campaign_id, 0)
        if not due and (status in NEEDS_WORK or (status == CampaignStatus.CANCELLED and queued)):
            says = f"it is {status} with {queued} queued e-mails, but no job is due"
            yield Difference(kind="campaign", subject=campaign_id, says=says, mend=_woken(store, campaign_id, now))
        if status in {CampaignStatus.DONE, CampaignStatus.DRAFT} and (queued or campaign_id in facts.chunked):
            chunks = " and chunks" if campaign_id in facts.chunked else ""
            says = f"it is {status}, but has {queued} queued e-mails{chunks}"
            yield Difference(kind="campaign", subject=campaign_id, says=says)


def _windows(store: Store, facts: Facts, now: datetime) -> Iterator[Difference]:
    """A lane that has e-mails in hand must be due, so that somebody settles them should its worker die."""
    for owner, name, due in facts.windows:
        job = JobKey(owner=owner, name=name)
        status = facts.campaigns.get(job.owner_id)
        if not due:
            stored = store.jobs.get(job)
            mend = (store.jobs.wake(stored, now),) if stored else ()
            yield Difference(kind="campaign", subject=job.owner_id, says=f"{name} has a window open, but is not due", mend=mend)
        elif status == CampaignStatus.DONE:
            yield Difference(kind="campaign", subject=job.owner_id, says=f"it is done, but {name} has a window open")


def _copies(store: Store, facts: Facts, now: datetime) -> Iterator[Difference]:
    """Copies that have not gone have a job that is due, unless their campaign is paused; what it remembers is kept."""
    for campaign_id in sorted(facts.copies):
        job = copies_job(campaign_id)
        if facts.campaigns.get(campaign_id) != CampaignStatus.PAUSED and (job.owner, job.name) not in facts.jobs:
            old = store.jobs.get(job)
            mend = store.jobs.put(job, due_at=now, state=old.state if old else {"listed": True}, old=old)
            yield Difference(kind="campaign", subject=campaign_id, says="copies wait, but no job is due", mend=(mend,))


def _woken(store: Store, campaign_id: str, now: datetime) -> tuple[Action, ...]:
    jobs = store.jobs.of(schema.key("campaign", id=campaign_id)["PK"])
    return tuple(store.jobs.wake(job, now) for job in jobs.values())


def _erasures(store: Store, facts: Facts, now: datetime) -> Iterator[Difference]:
    """Whoever is being erased is looked for until nothing is left."""
    for person_id in sorted(facts.erasures):
        job = job_of(person_id)
        if job.owner not in facts.due:
            mend = store.jobs.put(job, due_at=now, old=store.jobs.get(job))
            yield Difference(kind="erasure", subject=person_id, says="it is not finished, but no job is due", mend=(mend,))


def _merges(store: Store, facts: Facts, now: datetime) -> Iterator[Difference]:
    """Whoever is being merged is so by a job: it goes on with what it was told, else they are no longer being merged."""
    for person_id, other in sorted(facts.merging.items()):
        if not {merge_job(person_id).owner, merge_job(other).owner} & facts.due:
            says = f"it is being merged with {other}, but no job is due"
            yield Difference(kind="person", subject=person_id, says=says, mend=_merge_again(store, person_id, other, now))


def _merge_again(store: Store, person_id: str, other: str, now: datetime) -> tuple[Action, ...]:
    for gone, kept in ((person_id, other), (other, person_id)):
        job = store.jobs.get(merge_job(gone))
        if job is not None and job.state.get("into") == kept and "chosen" in job.state:
            return (store.jobs.wake(job, now),)
    changes = {MERGING: None, LEAVING: None}
    freed = Update(key=schema.key("user", id=person_id), changes=changes, expect=[equals(MERGING, other)])
    return freed, Delete(key=schema.key("merge", id=person_id))


def _leaving(facts: Facts, now: datetime) -> Iterator[Difference]:
    """Whoever is being deleted is so by an undo of an import, an erasure or a task; else people must delete them again."""
    for person_id, mark in sorted(facts.leaving.items()):
        if mark.startswith(MARK):
            if facts.imports.get(mark.removeprefix(MARK)) != UNDO:
                stays = Update(
                    key=schema.key("user", id=person_id), changes={LEAVING: None}, expect=[equals(LEAVING, mark), absent(MERGING)]
                )
                says = "it is marked by the undo of an import, which is over"
                yield Difference(kind="person", subject=person_id, says=says, mend=(stays,))
        elif mark > stamp(now - LONGEST) and mark != str(True):
            continue
        elif person_id not in facts.erasures and not facts.tasks:
            says = "it is marked as being deleted, but nothing is at it: delete it again"
            yield Difference(kind="person", subject=person_id, says=says)


def _tasks(store: Store, facts: Facts, now: datetime) -> Iterator[Difference]:
    """A task that is not over is due, whoever works on it."""
    for task_id in sorted(facts.tasks):
        job = tasks.job_of(task_id)
        if job.owner not in facts.due:
            mend = store.jobs.put(job, due_at=now, old=store.jobs.get(job))
            yield Difference(kind="task", subject=task_id, says="it is not over, but no job is due", mend=(mend,))


def _imports(store: Store, facts: Facts, now: datetime) -> Iterator[Difference]:
    """An import that is at work is due, whoever works on it; what its job remembers is kept."""
    for import_id, kind in sorted(facts.imports.items()):
        job = job_key(import_id, kind)
        if job.owner not in facts.due:
            old = store.jobs.get(job)
            mend = store.jobs.put(job, due_at=now, state=old.state if old else None, old=old)
            yield Difference(kind="import", subject=import_id, says="it is not over, but no job is due", mend=(mend,))


def _suppressions(store: Store, facts: Facts, now: datetime) -> Iterator[Difference]:
    for hashed, status in facts.suppressed.items():
        if (person_id := facts.mailable.get(short(hashed))) is not None:
            yield _status(store, person_id, EmailStatus.MAILABLE.value, EmailStatus(status), now)
    for person_id, hashes, status in facts.unmailable:
        remembered = next((facts.suppressed[one] for one in hashes if one in facts.suppressed), None)
        if remembered is None:
            says = f"emailStatus is {status}, but the address is not suppressed"
            yield Difference(kind="person", subject=person_id, says=says, mend=_suppressed(store, person_id, now))
        elif remembered != status:
            yield _status(store, person_id, status, EmailStatus(remembered), now)


def _status(store: Store, person_id: str, found: str, wanted: EmailStatus, now: datetime) -> Difference:
    says = f"emailStatus is {found}, but the address is suppressed as {wanted.value}"
    try:
        update, counters = status_change(store.people.get(person_id), wanted, now=now)
    except NotFound:
        return Difference(kind="person", subject=person_id, says=says)
    return Difference(kind="person", subject=person_id, says=says, mend=(update,), counters=counters)


def _suppressed(store: Store, person_id: str, now: datetime) -> tuple[Action, ...]:
    try:
        person = store.people.get(person_id)
    except NotFound:
        return ()
    return tuple(store.suppressions.actions(person.profile.email, person.email_status, now=now, source="verify"))
