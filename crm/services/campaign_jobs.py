"""The jobs of a campaign: one that makes its e-mails, four lanes that send them, and one for colleagues' copies."""

from collections.abc import Iterable
from datetime import datetime

from crm.domain.emails import Email
from crm.store import Store, schema
from crm.store.chunks import Chunk
from crm.store.jobs import Job, JobKey
from crm.store.keys import LANES
from crm.store.requests import Action

EXPAND = "EXPAND"
LANE = "LANE"
RETRY = "RETRY"
COPIES = "COPIES"


def expand_job(campaign_id: str) -> JobKey:
    """The job that makes the e-mails of a campaign."""
    return JobKey(owner=schema.key("campaign", id=campaign_id)["PK"], name=EXPAND)


def lane_job(campaign_id: str, lane: int) -> JobKey:
    """The job that sends one lane of a campaign."""
    return JobKey(owner=schema.key("campaign", id=campaign_id)["PK"], name=f"{LANE}{lane}")


def copies_job(campaign_id: str) -> JobKey:
    """The job that hands colleagues their copies of a campaign."""
    return JobKey(owner=schema.key("campaign", id=campaign_id)["PK"], name=COPIES)


def retry_job(campaign_id: str) -> JobKey:
    """The job that goes on with what staff asked for about many e-mails that failed or are uncertain."""
    return JobKey(owner=schema.key("campaign", id=campaign_id)["PK"], name=RETRY)


def jobs_of(store: Store, campaign_id: str) -> dict[str, Job]:
    """Return `{name: job}` of a campaign; one consistent query."""
    return store.jobs.of(expand_job(campaign_id).owner)


def retry_at_work(jobs: dict[str, Job]) -> Job | None:
    """Return the one of those jobs that queues many e-mails again, None where it has nothing to do."""
    job = jobs.get(RETRY)
    return job if job is not None and job.due_at is not None else None


def lanes_among(jobs: dict[str, Job]) -> list[Job]:
    """Return the lanes of those jobs."""
    return [job for job in jobs.values() if job.key.kind == LANE]


def in_hand(store: Store, email: Email) -> Chunk | None:
    """Return the window that a lane is handing over with this e-mail in it, None where no lane has it; up to five requests."""
    for lane in lanes_among(jobs_of(store, email.campaign_id)):
        if window := lane.state.get("window"):
            chunk = store.chunks.get(email.campaign_id, window)
            if chunk is not None and email.id in chunk.email_ids:
                return chunk
    return None


def copies_among(jobs: dict[str, Job]) -> list[Job]:
    """Return the job of the copies, if it is among those."""
    return [job for job in jobs.values() if job.key.kind == COPIES]


def woken(store: Store, jobs: Iterable[Job], now: datetime) -> list[Action]:
    """Return the actions that make jobs due now, or make sure that whoever holds one has not let go meanwhile."""
    return [store.jobs.wake(job, now) for job in jobs]


def lanes_put(store: Store, campaign_id: str, jobs: dict[str, Job], now: datetime) -> list[Action]:
    """Return the actions that make all four lanes due, whether they exist or not."""
    keys = [lane_job(campaign_id, lane) for lane in range(LANES)]
    return [store.jobs.wake(jobs[key.name], now) if key.name in jobs else store.jobs.put(key, due_at=now) for key in keys]
