"""Calendar feeds: the events of a filter, behind a link that is a secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

BACK = timedelta(days=90)
"""So far back a feed tells what was."""
MAX_FEEDS = 100
"""Feeds that there can be at a time: a list of them is read whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One feed. `values` is its filter as the query string of the list has it; `created_by` a username.

    `fetched_at` is when a calendar last asked for it, to the hour; None: never yet.
    """

    id: str
    values: Mapping[str, str]
    created_by: str
    created_at: datetime
    fetched_at: datetime | None = None
