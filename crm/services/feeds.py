"""Calendar feeds: making one of a filter, revoking it, and what stands in it at this moment."""

import logging
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from crm.domain.errors import RuleViolation
from crm.domain.event_filters import NAMES, EventFilter, parse_event_filter
from crm.domain.events import Event, EventStatus
from crm.domain.feeds import BACK, MAX_FEEDS, Feed
from crm.services.audit import noted
from crm.services.event_board import who_hosts
from crm.store import Store

logger = logging.getLogger(__name__)
TOLD = frozenset({EventStatus.PUBLISHED, EventStatus.CANCELLED})


def create(store: Store, feed_id: str, values: dict[str, str], *, zone: ZoneInfo, actor: str, now: datetime) -> Feed:
    """Make a feed of the filter in `values`, and return it; the same id again makes no second one.

    Raises RuleViolation for a filter that can't be, and when there are `MAX_FEEDS` already; Conflict for the id of a revoked one.
    """
    kept = {name: " ".join(values[name].split()) for name in NAMES if values.get(name, "").strip()}
    parse_event_filter({name: [text] for name, text in kept.items()}, zone)
    there = store.feeds.recent()
    if len(there) >= MAX_FEEDS and all(one.id != feed_id for one in there):
        raise RuleViolation(f"There are {MAX_FEEDS} calendar feeds already; revoke one that nobody uses first.")
    entry = noted(store, "feed.created", feed_id, actor=actor, now=now)
    made = store.feeds.create(Feed(id=feed_id, values=kept, created_by=actor, created_at=now), entry)
    if made is None:
        return store.feeds.get(feed_id)
    logger.info("calendar feed created", extra={"feed_id": feed_id})
    return made


def revoke(store: Store, feed_id: str, *, actor: str, now: datetime) -> None:
    """Let the link of a feed lead nowhere from now on, for good. Raises NotFound."""
    store.feeds.revoke(feed_id, now, noted(store, "feed.revoked", feed_id, actor=actor, now=now))
    logger.info("calendar feed revoked", extra={"feed_id": feed_id})


def events_of(store: Store, feed: Feed, *, zone: ZoneInfo, now: datetime) -> Iterator[Event]:
    """Give the published and cancelled events of a feed, by their start: from 90 days ago on. Notes that it was asked for."""
    store.feeds.fetched(feed, now)
    wanted = filter_of(feed, zone)
    host = who_hosts(store, wanted.host)
    earliest = now - BACK
    start = earliest if wanted.start is None else max(earliest, wanted.start)
    recent = EventFilter(start=start, end=wanted.end, host=host.id if host else wanted.host, place=wanted.place, q=wanted.q)
    return (event for event in store.events.walk_list(recent) if event.status in TOLD)


def filter_of(feed: Feed, zone: ZoneInfo) -> EventFilter:
    """Return the filter of a feed; its days are those of `zone`."""
    return parse_event_filter({name: [text] for name, text in feed.values.items()}, zone)
