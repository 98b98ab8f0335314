"""Workers that are alive, as each says of itself every few seconds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

QUIET = timedelta(seconds=45)
"""A worker that has said nothing for so long is gone, or can't reach the table."""
RATE_MINUTES = 5
KEPT_MINUTES = RATE_MINUTES + 1
MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSeen:
    """One worker. `name` is unique to the process; `in_hand` is how many jobs it works on at this moment, of `threads`.

    `sent` counts the messages it handed over since `started_at`, `minutes` those of the last minutes, as `{minute_of: n}`.
    """

    name: str
    host: str
    pid: int
    version: str
    threads: int
    in_hand: int
    sent: int
    minutes: Mapping[int, int] = field(default_factory=dict)
    started_at: datetime
    seen_at: datetime

    def is_quiet(self, now: datetime) -> bool:
        """Whether nothing was heard of it for a while."""
        return now - self.seen_at > QUIET


def minute_of(moment: datetime) -> int:
    """The minutes since 1970: what messages are counted by."""
    return int(moment.timestamp()) // MINUTE


def sent_a_second(workers: Iterable[WorkerSeen], now: datetime) -> float:
    """Messages a second over the last five minutes and what has passed of this one, by all workers together."""
    this = minute_of(now)
    sent = sum(number for one in workers for minute, number in one.minutes.items() if this - RATE_MINUTES <= minute <= this)
    return sent / (RATE_MINUTES * MINUTE + now.timestamp() - this * MINUTE)
