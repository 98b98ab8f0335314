"""A job, and the item that holds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from crm.store import schema
from crm.store.keys import moment, stamp
from crm.store.schema import BY_DATE, Item

OWN = frozenset(
    {
        *("PK", "SK", BY_DATE.pk, BY_DATE.sk, "entityType", "id"),
        *("owner", "name", "dueAt", "fence", "worker", "seenAt", "takenAt", "broke"),
    }
)
"""Attributes of a job's item that its kind knows nothing of."""
LATE = timedelta(seconds=20)
"""A job that has been due for so long is told to be late: no worker has come."""
QUIET = timedelta(seconds=15)
"""A job whose worker has not written for so long is told to be quiet: that worker may be gone, or be at something long."""
LONGEST_REST = timedelta(hours=1)
"""How long a job whose steps break again and again rests at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKey:
    """Which job: `owner` is the partition key of what it works on, such as `CAMPAIGN#…`; `name` such as `LANE0`."""

    owner: str
    name: str

    @property
    def kind(self) -> str:
        """The name without its number: what decides who does the work.

        >>> JobKey(owner="CAMPAIGN#1", name="LANE3").kind
        'LANE'
        """
        return self.name.rstrip("0123456789")

    @property
    def key(self) -> dict[str, str]:
        """Its key in the table."""
        return schema.key("job", owner=self.owner, name=self.name)

    @property
    def owner_id(self) -> str:
        """The id of what it works on.

        >>> JobKey(owner="CAMPAIGN#1", name="LANE3").owner_id
        '1'
        """
        return self.owner.partition("#")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """That a step ended with an error nobody foresaw, `times` times by now, the last one at `at`, before a pause until `until`.

    `error` is the class of the last error, `place` where in the code it came from: neither holds any data.
    """

    times: int
    at: datetime
    until: datetime
    error: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as read or written last. `due_at` is when it may be taken: the end of the lease while `worker` holds it.

    None means it has no work. `taken_at` is since when that worker has it, `seen_at` when it last wrote it. `state` is what its
    kind remembers from step to step. `broke` stays until its work is done.
    """

    key: JobKey
    due_at: datetime | None
    fence: int
    worker: str | None
    seen_at: datetime | None = None
    taken_at: datetime | None = None
    broke: Breakdown | None = None
    state: Mapping[str, Any] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Whether nobody holds it."""
        return self.worker is None

    @property
    def untouched(self) -> bool:
        """Whether nobody ever had it, of a job that was put once: each lease raises the fence."""
        return self.fence == 0

    @property
    def failing(self) -> bool:
        """Whether it broke, and nothing has been tried since."""
        return self.broke is not None and self.idle and self.due_at == self.broke.until

    def rests(self, now: datetime) -> Breakdown | None:
        """Return why it rests at `now`: the breakdown behind which it waits; None where it does not, or may be taken again."""
        return self.broke if self.failing and self.broke and self.broke.until > now else None

    def is_late(self, now: datetime) -> bool:
        """Whether it has been due for a while, and no worker has taken it."""
        return self.due_at is not None and now - self.due_at > LATE

    def is_quiet(self, now: datetime) -> bool:
        """Whether the worker that holds it has not written for a while: it may be gone, or be at something long."""
        return self.worker is not None and self.seen_at is not None and now - self.seen_at > QUIET


def job_of(item: Item) -> Job:
    """Return the job that an item holds."""
    return Job(
        key=JobKey(owner=item["owner"], name=item["name"]),
        due_at=moment(item["dueAt"]) if "dueAt" in item else None,
        fence=item.get("fence", 0),
        worker=item.get("worker"),
        seen_at=moment(item["seenAt"]) if "seenAt" in item else None,
        taken_at=moment(item["takenAt"]) if "takenAt" in item else None,
        broke=_breakdown_of(item["broke"]) if "broke" in item else None,
        state={name: value for name, value in item.items() if name not in OWN},
    )


def item_of(job: Job) -> Item:
    """Return the item of a job; empty values of its state are left out."""
    own = {
        "id": f"{job.key.owner}#{job.key.name}",
        "owner": job.key.owner,
        "name": job.key.name,
        "dueAt": stamp(job.due_at) if job.due_at else None,
        "fence": job.fence,
        "worker": job.worker,
        "seenAt": stamp(job.seen_at) if job.seen_at else None,
        "takenAt": stamp(job.taken_at) if job.taken_at else None,
        "broke": _breakdown_item(job.broke) if job.broke else None,
    }
    return schema.keyed("job", {**job.state, **own})


def _breakdown_item(broke: Breakdown) -> Item:
    times = {"times": broke.times, "at": stamp(broke.at), "until": stamp(broke.until)}
    return {**times, "error": broke.error, "place": broke.place}


def _breakdown_of(item: Item) -> Breakdown:
    return Breakdown(
        times=item["times"],
        at=moment(item["at"]),
        until=moment(item["until"]),
        error=item["error"],
        place=item["place"],
    )
