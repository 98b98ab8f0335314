"""The lists of events side by side: upcoming, past, drafts, cancelled; one of them page by page, all of them counted."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import chain, islice
from zoneinfo import ZoneInfo

from crm.domain.errors import RuleViolation
from crm.domain.event_drafts import EventDraft
from crm.domain.event_filters import EventFilter, day_begins
from crm.domain.events import Event
from crm.domain.local_times import ZONES, parse_day
from crm.domain.people import Person
from crm.services.audit import note
from crm.store import Store
from crm.store.event_drafts import DraftPage
from crm.store.event_lists import EventPage

AT_ONCE = 100


class Tab(StrEnum):
    """Where an event stands for who looks for it. What was cancelled is neither upcoming nor past."""

    UPCOMING = "upcoming"
    PAST = "past"
    DRAFTS = "drafts"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One page of one list, of events or of drafts, and how many each list has under the same filter."""

    tab: Tab
    counts: dict[Tab, int]
    page: EventPage | DraftPage


def board(store: Store, wanted: EventFilter, tab: Tab, *, now: datetime, limit: int, token: str | None = None) -> Board:
    """Return a page of a list: what goes on or is to come by its start, everything else the latest first. Raises BadToken.

    Twelve requests where nothing is filtered, and one per further year ahead; else five, one per year in question (two where
    the filter has both ends), and four. A thousand events more in a year cost a third of a request.
    """
    if wanted.is_empty:
        return _whole(store, tab, now=now, limit=limit, token=token)
    rows, cancelled = store.events.chosen(wanted), store.events.cancelled_ids(wanted)
    held = [row for row in rows if row.id not in cancelled]
    lists = {
        Tab.UPCOMING: [row for row in held if row.end_at > now],
        Tab.PAST: [row for row in held if row.end_at <= now],
        Tab.CANCELLED: [row for row in rows if row.id in cancelled],
    }
    drafts = _drafts(store, wanted)
    counts = {one: len(lists[one]) if one in lists else len(drafts) for one in Tab}
    if tab is Tab.DRAFTS:
        return Board(tab=tab, counts=counts, page=DraftPage(items=drafts, next_token=None, prev_token=None))
    purpose = f"{tab} {wanted}"
    page = store.events.cut(lists[tab], limit=limit, token=token, purpose=purpose, newest_first=tab is not Tab.UPCOMING)
    return Board(tab=tab, counts=counts, page=page)


def who_hosts(store: Store, host_id: str) -> Person | None:
    """Return the person that a filter names as host, or whom they were merged into since; None for who is gone, and for none.

    One request; two for who is gone, and one per merge.
    """
    if not host_id:
        return None
    if found := store.people.get_many([host_id]).get(host_id):
        return found
    kept = store.merges.heir(host_id)
    return store.people.get_many([kept]).get(kept) if kept else None


def walk(store: Store, wanted: EventFilter, tab: Tab, *, now: datetime) -> Iterator[Event]:
    """Give all events of a list, in its order; drafts are none."""
    match tab:
        case Tab.UPCOMING:
            start = now if wanted.start is None else max(now, wanted.start)
            narrowed = replace(wanted, start=start, cancelled=False)
        case Tab.PAST:
            narrowed = replace(wanted, ended_by=now, cancelled=False)
        case Tab.CANCELLED:
            narrowed = replace(wanted, cancelled=True)
        case Tab.DRAFTS:
            return iter(())
    return store.events.walk_list(narrowed, newest_first=tab is not Tab.UPCOMING)


def export(store: Store, wanted: EventFilter, tab: Tab, *, fields: str, actor: str, now: datetime) -> Iterator[Event]:
    """Note in the audit log who takes which list, filtered by which `fields`, and give its events as `walk` does.

    The first of them are read before this returns, so that an error is still an error and not half a file.
    """
    events = walk(store, wanted, tab, now=now)
    first = list(islice(events, 1))
    note(store, "events.exported", actor=actor, now=now, filter=fields, list=tab.value)
    return chain(first, events)


def _whole(store: Store, tab: Tab, *, now: datetime, limit: int, token: str | None) -> Board:
    """Everything there is: the counters tell how many, so that what is over is read page by page alone."""
    years, cancelled = store.events.by_year(), store.events.cancelled_ids()
    upcoming = [row for row in store.events.chosen(EventFilter(start=now), years=years) if row.id not in cancelled]
    held = sum(years.values()) - len(cancelled)
    counts = {
        Tab.UPCOMING: len(upcoming),
        Tab.PAST: max(0, held - len(upcoming)),
        Tab.DRAFTS: store.drafts.count(),
        Tab.CANCELLED: len(cancelled),
    }
    page: EventPage | DraftPage
    match tab:
        case Tab.UPCOMING:
            page = store.events.cut(upcoming, limit=limit, token=token, purpose=tab)
        case Tab.DRAFTS:
            page = store.drafts.page(limit=limit, token=token)
        case Tab.PAST:
            past = EventFilter(ended_by=now, cancelled=False)
            page = store.events.list(
                past, limit=limit, token=token, newest_first=True, purpose=tab, years=years, cancelled=cancelled
            )
        case Tab.CANCELLED:
            page = store.events.list(EventFilter(cancelled=True), limit=limit, token=token, newest_first=True)
    return Board(tab=tab, counts=counts, page=page)


def _drafts(store: Store, wanted: EventFilter) -> list[EventDraft]:
    """The drafts that match, the last changed first; they are few, and read whole."""
    found: list[EventDraft] = []
    token: str | None = None
    while True:
        page = store.drafts.page(limit=AT_ONCE, token=token)
        found += [draft for draft in page.items if wanted.matches(_Plan.of(draft))]
        if (token := page.next_token) is None:
            return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """A draft as a filter looks at it: the whole of the days that were typed; without a day it is at no time."""

    title: str
    venue: str
    city: str
    host_ids: tuple[str, ...]
    start_at: datetime
    end_at: datetime

    @classmethod
    def of(cls, draft: EventDraft) -> "_Plan":
        typed = draft.text("timezone").strip()
        zone = ZoneInfo(typed if typed in ZONES else "UTC")
        first = _day(draft.fields.get("startDate", ""))
        last = _day(draft.fields.get("endDate", "")) or first
        return cls(
            title=draft.fields.get("title", ""),
            venue=draft.fields.get("venue", ""),
            city=draft.fields.get("city", ""),
            host_ids=draft.host_ids,
            start_at=day_begins(first, zone) if first else datetime.max.replace(tzinfo=UTC),
            end_at=day_begins(last + timedelta(days=1), zone) if last else datetime.min.replace(tzinfo=UTC),
        )


def _day(text: str) -> date | None:
    try:
        return parse_day(text)
    except RuleViolation:
        return None
