"""A year of conferences through the API over HTTP: each is created, and every list is compared with a plain filter.

The file is a JSON list of objects with `name`, `startDate` and `endDate` (days, such as `2025-10-06`), and perhaps `url`, `city`,
`country`, `online` (true, false) and `topic`. Without a file there is a made-up year.
"""

import json
import random
import re
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from bench.place import Place, tell
from bench.report import Bound, Cell, Grid, Result
from bench.site import Site
from crm.domain.event_filters import day_begins

ZONES = (ZoneInfo("Europe/Stockholm"), ZoneInfo("America/New_York"))
"""Zones in whose days the ranges are: clocks change on other days here than there."""
OVERSEAS = frozenset({"U.S.A.", "Canada", "Brazil", "Chile"})
OPENS, CLOSES = timedelta(hours=9), timedelta(hours=17, minutes=30)
"""Local hours from midnight, of the first day and of the last one."""
WRITERS = 6
TICK = timedelta(milliseconds=1)
COLUMNS = ("what", "times", "pages", "ms each")
NOTES = ("ms: over HTTP, two web processes, engine in memory; shown, never judged.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conference:
    """One conference as an event; times are aware, in its zone."""

    slug: str
    title: str
    starts: datetime
    ends: datetime
    zone: str
    city: str = ""
    url: str = ""
    topic: str = ""

    def body(self, owner: str) -> dict[str, Any]:
        """What `POST /api/events` takes."""
        return {
            "slug": self.slug,
            "title": self.title,
            "description": f"Topic: {self.topic}" if self.topic else "",
            "startAt": self.starts.isoformat(),
            "endAt": self.ends.isoformat(),
            "timezone": self.zone,
            "city": self.city,
            "onlineUrl": self.url,
            "owner": owner,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A range to ask for: its name, both ends (None is open), and how many events a page may have."""

    name: str
    start: datetime | None
    end: datetime | None
    limit: int

    def holds(self, one: Conference) -> bool:
        """Whether it goes on at some moment of the range; what ends as the range begins is over by then."""
        return (self.start is None or one.ends > self.start) and (self.end is None or one.starts <= self.end)


def run(place: Place, sizes: Sequence[int]) -> Result:
    """Create them all and compare; the sizes mean nothing here."""
    raw = json.loads(place.file.read_text("utf-8")) if place.file else made_up()
    conferences = read(raw)
    with place.store() as store, Site(place.url, store.table.name) as site:
        tell(f"creating {len(conferences)} conferences over HTTP")
        began = time.monotonic()
        made, refused = create(site, conferences)
        rows: list[tuple[Cell, ...]] = [("created", len(made), None, _each(began, len(made)))]
        wrong = sum(_came_back_otherwise(site, event_id, one) for event_id, one in made.items())
        differing = 0
        for group, spans in ranges(conferences).items():
            tell(f"comparing {len(spans)} lists: {group}")
            began, pages = time.monotonic(), 0
            for span in spans:
                ids, turned = both_ways(site, span)
                differing += ids != expected(made, span)
                pages += turned
            rows.append((group, len(spans), pages, _each(began, pages)))
    bounds = [
        Bound(promise="conferences that could not be created", measured=len(refused), most=0),
        Bound(promise="conferences whose times, place or link came back otherwise", measured=wrong, most=0),
        Bound(promise="lists that differ from a plain filter, forwards or back", measured=differing, most=0),
    ]
    for words in refused[:5]:
        tell(words)
    return Result([Grid(title="Conferences over HTTP", columns=COLUMNS, rows=rows, notes=NOTES)], bounds)


def read(raw: Sequence[dict[str, Any]]) -> list[Conference]:
    """Return them as events, each with a slug of its own, from nine on the first day to half past five on the last."""
    taken: set[str] = set()
    return [_conference(one, taken) for one in raw]


def create(site: Site, conferences: Sequence[Conference]) -> tuple[dict[str, Conference], list[str]]:
    """Create each by a call, several at a time; return them by id, and what was said of those that were refused."""
    person = {"firstName": "Programme", "lastName": "Crew", "email": "programme@example.org"}
    owner = site.call("POST", "/users", person).body["id"]

    def post(one: Conference) -> tuple[Conference, int, Any]:
        answer = site.call("POST", "/events", one.body(owner))
        return one, answer.status, answer.body

    with ThreadPoolExecutor(WRITERS) as writers:
        answers = list(writers.map(post, conferences))
    made = {body["id"]: one for one, status, body in answers if status == 201}
    return made, [f"{one.title}: {body['detail']}" for one, status, body in answers if status != 201]


def ranges(conferences: Sequence[Conference]) -> dict[str, list[Span]]:
    """Return what is asked for, by group: all of it, months and the days around their ends, and days when clocks change."""
    chance = random.Random(2025)
    first = min(one.starts for one in conferences).year
    last = max(one.ends for one in conferences).year
    whole = [
        Span(name="all", start=None, end=None, limit=50),
        Span(name="all, in odd pages", start=None, end=None, limit=97),
        Span(name="from July", start=datetime(first, 7, 1, tzinfo=UTC), end=None, limit=200),
        Span(name="to June", start=None, end=datetime(first, 6, 30, 23, 59, tzinfo=UTC), limit=200),
    ]
    groups = {"everything": whole}
    for zone in ZONES:
        months = [date(year, month, 1) for year in range(first, last + 2) for month in range(1, 13)]
        ends = [day + timedelta(days=step) for day in months for step in (-1, 0)]
        groups[f"months, {zone.key}"] = [
            _days(month, _next_month(month), zone, chance.choice((9, 19, 50))) for month in months[:-11]
        ]
        groups[f"first and last days, {zone.key}"] = [_days(day, day + timedelta(days=1), zone, 50) for day in ends[:-22]]
        changes = [day for year in range(first, last + 1) for day in clock_changes(year, zone)]
        around = [day + timedelta(days=step) for day in changes for step in (-1, 0, 1)]
        groups[f"days around summer time, {zone.key}"] = [_days(day, day + timedelta(days=1), zone, 3) for day in around]
    return groups


def clock_changes(year: int, zone: ZoneInfo) -> Iterator[date]:
    """Give the days of a year on which clocks are put on or back."""
    day = date(year, 1, 1)
    while day.year == year:
        after = day + timedelta(days=1)
        if day_begins(after, zone) - day_begins(day, zone) != timedelta(days=1):
            yield day
        day = after


def expected(made: dict[str, Conference], span: Span) -> list[str]:
    """Return the ids that a plain filter finds, in order of start, then id."""
    return sorted((event_id for event_id, one in made.items() if span.holds(one)), key=lambda found: (made[found].starts, found))


def both_ways(site: Site, span: Span) -> tuple[list[str] | None, int]:
    """Return the ids of a range page by page, None where going back gives others than going on; and how many pages that took."""
    limits = {name: moment.isoformat() for name, moment in (("from", span.start), ("to", span.end)) if moment is not None}

    def walk(token_name: str, token: str | None) -> list[dict[str, Any]]:
        pages: list[dict[str, Any]] = []
        query: dict[str, Any] = {**limits, "limit": span.limit, **({token_name: token} if token else {})}
        while not pages or pages[-1][token_name]:
            if pages:
                query = {**query, token_name: pages[-1][token_name]}
            pages.append(site.call("GET", f"/events?{urlencode(query)}").body)
        return pages

    there = walk("nextToken", None)
    back = walk("prevToken", there[-1]["prevToken"])[::-1] if len(there) > 1 else []
    ids = _ids(there)
    return (ids if not back or _ids(back) == _ids(there[:-1]) else None), len(there) + len(back)


def made_up(size: int = 150) -> list[dict[str, Any]]:
    """Return a made-up year, the same one each time: it has both changes of summer time and both ends of each year and month."""
    chance = random.Random(2025)
    edges = [date(2025, month, 1) + timedelta(days=step) for month in range(1, 13) for step in (-1, 0)]
    edges += [day for zone in ZONES for day in clock_changes(2025, zone)]
    days = edges + [date(2025, 1, 1) + timedelta(days=chance.randrange(365)) for _ in range(size - len(edges))]
    countries = ("Sweden", "Germany", "U.S.A.", "Canada", "")
    return [
        {
            "name": f"{chance.choice(('Brücken', 'Øst', 'Harbour', 'Pixel & Print'))} Days {number % 40}",
            "startDate": str(day),
            "endDate": str(day + timedelta(days=chance.choice((0, 0, 1, 1, 2, 4, 9, 30)))),
            "country": chance.choice(countries),
            "city": chance.choice(("Malmö", "Bremen", "Albany", "")),
            "url": f"https://days.example/{number}",
            "online": number % 3 == 0,
            "topic": "craft",
        }
        for number, day in enumerate(days)
    ]


def _conference(one: dict[str, Any], taken: set[str]) -> Conference:
    zone = ZONES[one.get("country") in OVERSEAS]
    starts, ends = (datetime.fromisoformat(one[name]).replace(tzinfo=zone) for name in ("startDate", "endDate"))
    return Conference(
        slug=_slug(f"{one['name']} {starts:%Y}", taken),
        title=one["name"],
        starts=starts + OPENS,
        ends=ends + CLOSES,
        zone=zone.key,
        city=one.get("city") or "",
        url=one.get("url") or "",
        topic=one.get("topic") or "",
    )


def _slug(text: str, taken: set[str]) -> str:
    """Small letters, digits and hyphens; with a number behind where it is taken."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:90].rstrip("-")
    slug = next(slug for number in range(1, 10_000) if (slug := stem if number == 1 else f"{stem}-{number}") not in taken)
    taken.add(slug)
    return slug


def _days(first: date, behind: date, zone: ZoneInfo, limit: int) -> Span:
    """The range from the first moment of a day to the last one before another."""
    return Span(name=f"{first} {zone.key}", start=day_begins(first, zone), end=day_begins(behind, zone) - TICK, limit=limit)


def _next_month(day: date) -> date:
    return (day + timedelta(days=31)).replace(day=1)


def _came_back_otherwise(site: Site, event_id: str, one: Conference) -> bool:
    event = site.call("GET", f"/events/{event_id}").body
    moments: Callable[[str], datetime] = datetime.fromisoformat
    return (moments(event["startAt"]), moments(event["endAt"]), event["timezone"], event["city"], event["onlineUrl"]) != (
        one.starts,
        one.ends,
        one.zone,
        one.city,
        one.url,
    )


def _ids(pages: Sequence[dict[str, Any]]) -> list[str]:
    return [event["id"] for page in pages for event in page["items"]]


def _each(began: float, times: int) -> float:
    return round(1000 * (time.monotonic() - began) / max(1, times), 1)
