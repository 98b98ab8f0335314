"""Copies of a campaign for colleagues: each address that the settings name gets one, and it counts nowhere."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class CopyStatus(StrEnum):
    """What became of a copy. `HANDING`: it is being handed over; whoever finds it so later can't know whether it went out."""

    WAITING = "waiting"
    HANDING = "handing"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"


OPEN = frozenset({CopyStatus.WAITING, CopyStatus.HANDING})
"""Of these something is still to become."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One colleague's copy. Times are aware UTC. `due_at` is when a waiting one may go, None at once.

    `reason` says in words why it failed, was skipped or is uncertain, or what came of the last try of one that waits.
    `hash` stands for the address, which itself is kept only until the copy is settled, see `as_kept`.
    """

    campaign_id: str
    hash: str
    address: str
    status: CopyStatus = CopyStatus.WAITING
    reason: str = ""
    attempts: int = 0
    first_tried_at: datetime | None = None
    due_at: datetime | None = None
    settled_at: datetime | None = None

    def is_ready(self, now: datetime) -> bool:
        """Whether it may be handed over now."""
        return self.status is CopyStatus.WAITING and (self.due_at is None or self.due_at <= now)

    def as_kept(self) -> "Copy":
        """Return it as it is written down: once nothing more is to become of it, without the address in full.

        >>> Copy(campaign_id="c", hash="h", address="ada@example.org", status=CopyStatus.SENT).as_kept().address
        'a…@example.org'
        """
        if self.status in OPEN:
            return self
        local, _, host = self.address.rpartition("@")
        short = f"{local[:1]}…@{host}"
        reason = re.sub(re.escape(self.address), lambda _: short, self.reason, flags=re.IGNORECASE)
        return replace(self, address=short, reason=reason)
