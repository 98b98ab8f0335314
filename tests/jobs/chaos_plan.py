"""What is to happen to a campaign under fire, and what is noted down of it."""

import json
from dataclasses import dataclass, field
from pathlib import Path

WORKERS = 3
LEASE = 4.0
HANDOVER = LEASE / 2
WINDOW = 20
STARTING = 2.0
"""Seconds after which a worker has something in hand."""
BUSY = "busy-*"
"""Addresses that refuse every message for the time being, until we give up."""
GONE = "gone-*"
"""Addresses that are refused for good."""
CHANCES = (
    "RETRY_451=0.02",
    "RETRY_451_AFTER_DATA=0.01",
    "REFUSE_550=0.01",
    "REFUSE_554_AFTER_DATA=0.005",
    "RETRY_SENDER_451=0.001",
    "CLOSING_421_AT_RCPT=0.001",
    "DROP_AT_MAIL=0.002",
    "DROP_AT_RCPT=0.003",
    "DROP_BEFORE_DOT=0.01",
    "ACCEPT_THEN_DROP=0.006",
    "DROP_AFTER_DOT=0.004",
    "GARBLED_AFTER_DOT=0.001",
    "STALL_AT_RCPT=0.001",
    "STALL_AFTER_DOT=0.002",
    "GREETING_421=0.02",
)
"""What the mail server does by itself, and to which share of messages (greetings: connections)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many people are mailed, how fast at most, and how often what happens to those who send."""

    people: int
    rate: float
    kills: int
    suspensions: int
    engine_kills: int = 1
    outages: int = 1
    pauses: int = 1
    leaving: float = 0.08
    retry_seconds: float = 0.3
    late: bool = False
    patience: float = 120.0
    seed: int = 1


@dataclass(slots=True, kw_only=True)
class Happened:
    """What was done, in order of time, as its judge needs it. Moments are seconds since the epoch.

    `left`: when a person's unsubscribing was acknowledged. `paused`: from when to when nothing may go out.
    """

    plan: Plan
    campaign_id: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    left: dict[str, float] = field(default_factory=dict)
    paused: list[tuple[float, float]] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    exits: list[int] = field(default_factory=list)

    def count(self, what: str) -> None:
        """Note that this happened once more."""
        self.done[what] = self.done.get(what, 0) + 1


class Lines:
    """The lines of JSON in a file that others write to; each is read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self.all: list[dict[str, object]] = []

    def __len__(self) -> int:
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._read)
                whole = file.read().rpartition(b"\n")[0]
            if whole:
                self._read += len(whole) + 1
                self.all += [json.loads(line) for line in whole.splitlines()]
        return len(self.all)
