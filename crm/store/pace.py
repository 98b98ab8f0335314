"""Pace: how many messages a second go out, over all workers and across restarts."""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crm.domain.errors import StoreUnavailable
from crm.store import schema
from crm.store.expressions import equals
from crm.store.requests import Update
from crm.store.table import ConditionFailed, Table

SENDER = "all"
"""Everybody who sends shares one bucket."""
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TRIES = 50
LONGEST_AHEAD = timedelta(seconds=60)
"""Nobody reserves as far ahead, but for one batch: what lies behind that was written by a clock that went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """When the first of some messages may go; `granted` is whether that time was reserved, or only would have been."""

    start: datetime
    granted: bool


class PaceRepository:
    """One item that says until when the time is given away."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def reserve(self, *, messages: int, rate: float, now: datetime, within: float) -> Slot:
        """Reserve time for so many messages at `rate` a second, if the first may go within `within` seconds.

        One consistent read and one conditional write; again where somebody else was quicker.
        """
        key = schema.key("pace", sender=SENDER)
        for number in range(TRIES):
            item = self._table.get(key)
            until = item["until"] if item else None
            length = int(messages * 1e6 / rate)
            given_away = until if until and until <= _microseconds(now + LONGEST_AHEAD) + length else 0
            start = max(_microseconds(now), given_away)
            slot = Slot(start=EPOCH + start * MICROSECOND, granted=start - _microseconds(now) <= within * 1e6)
            if not slot.granted:
                return slot
            changes = {"entityType": "pace", "id": SENDER, "sender": SENDER, "until": start + length}
            try:
                self._table.write([Update(key=key, changes=changes, expect=[equals("until", until)])])
            except ConditionFailed:
                time.sleep(random.uniform(0.0, 0.002 * (number + 1)))
                continue
            return slot
        raise StoreUnavailable("The pace of sending can't be agreed on just now.")


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND
