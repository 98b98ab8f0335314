"""The site under load: eight users at the usual pages, served by one process and by two, and what each page took."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.crowd import typical
from bench.place import Place, tell
from bench.report import Bound, Cell, Grid, Result
from bench.site import PASSWORD, Site
from crm.domain.campaigns import CampaignStatus
from crm.domain.event_filters import EventFilter
from crm.services.demo import Plan, Sizes, load
from crm.store import Store

USERS, PROCESSES = 8, (1, 2)
MEMBERS = [f"member-{number}" for number in range(USERS)]
"""An account for each: of one alone, the site would think that somebody guesses its password."""
SECONDS = 60
"""How long each number of processes is under load."""
EVENTS, CAMPAIGNS = 40, 9
"""Nine campaigns of the demo: some 20,000 e-mails to 10,000 people."""
SOME = 60
"""People who are looked at, so that no page is always the same."""
USERS_FILE = Path(__file__).with_name("load_users.py")
COLUMNS = ("page", "processes", "asked", "a second", "p50 ms", "p95 ms", "slowest ms", "errors")
NOTES = (
    f"{USERS} users at once, each half a second at a page; locust, web and engine share the machine. ms are shown, never judged.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was seen of one page: `times` is `{milliseconds, rounded to two digits: how often}`."""

    name: str
    times: Mapping[int, int]
    failures: int
    seconds: float

    @property
    def asked(self) -> int:
        """How often it was asked for."""
        return sum(self.times.values())

    def within(self, share: float) -> int:
        """Return the milliseconds within which that share of the answers came."""
        left = share * self.asked
        for time in sorted(self.times):
            left -= self.times[time]
            if left <= 0:
                return time
        return max(self.times, default=0)

    def row(self, processes: int) -> tuple[Cell, ...]:
        """Return its line of the table."""
        each_second = round(self.asked / self.seconds, 2) if self.seconds else 0.0
        times = self.within(0.5), self.within(0.95), max(self.times, default=0)
        return (self.name, processes, self.asked, each_second, *times, self.failures)


def run(place: Place, sizes: Sequence[int]) -> Result:
    """Let eight users work for a minute with each number of processes, on a site of the largest size."""
    result = Result()
    people = max(sizes)
    rows: list[tuple[Cell, ...]] = []
    with place.store() as store, tempfile.TemporaryDirectory() as folder:
        tell(f"writing {people:,} people and what they were mailed")
        plan = load(
            store,
            Sizes(people=people, events=EVENTS, campaigns=CAMPAIGNS),
            seed=1,
            now=datetime.now(UTC),
            sender="crew@crm.example",
        )
        emails = sum(len(one.emails) for one in plan.mailings.campaigns)
        for processes in PROCESSES:
            tell(f"{USERS} users, {processes} web process{'es' * (processes > 1)}")
            with Site(place.url, store.table.name, processes=processes, role="Admin", names=MEMBERS) as site:
                measured, said = under_load(site, what_there_is(store, plan), Path(folder))
            tell("\n".join(said) or "no error")
            rows += [one.row(processes) for one in [*measured, _all(measured)]]
            result.bounds.append(
                Bound(
                    promise=f"errors, {USERS} users, {processes} web process{'es' * (processes > 1)}",
                    measured=sum(one.failures for one in measured) + (not measured),
                    most=0,
                )
            )
    title = f"Under load: {people:,} people, {emails:,} e-mails"
    result.grids.append(Grid(title=title, columns=COLUMNS, rows=sorted(rows, key=lambda row: str(row[0])), notes=NOTES))
    return result


def under_load(site: Site, known: Mapping[str, Any], folder: Path, *, seconds: int = SECONDS) -> tuple[list[Measured], list[str]]:
    """Return what locust measured, page by page, and its own words of what went wrong."""
    told, stats = folder / "site.json", folder / "stats"
    told.write_text(json.dumps({"names": MEMBERS, "password": PASSWORD, "token": site.token, **known}))
    words = ["-f", str(USERS_FILE), "--headless", "--users", str(USERS), "--spawn-rate", "1", "--host", site.url]
    words += [
        "--run-time",
        f"{seconds}s",
        "--stop-timeout",
        "30",
        "--json-file",
        str(stats),
        "--only-summary",
        "--loglevel",
        "ERROR",
    ]
    environment = {**os.environ, "LOAD_SITE": str(told)}
    ended = subprocess.run(
        [sys.executable, "-m", "locust", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds + 120,
        check=False,
    )
    found = Path(f"{stats}.json")
    if not found.is_file():
        raise RuntimeError(f"locust did not run: {ended.stderr.strip()[-2000:]}")
    measured = [_measured(one, seconds) for one in json.loads(found.read_text())]
    if ended.returncode and not sum(one.failures for one in measured):
        measured.append(Measured(name="~ a user gave up", times={}, failures=1, seconds=seconds))
    return measured, ended.stderr.strip().splitlines()


def what_there_is(store: Store, plan: Plan) -> dict[str, Any]:
    """Return what the users look at: ids, filters by name as query strings, and words to search for."""
    people = plan.crowd.people
    profiles = [person.profile for person in people]
    companies = [one for one, _ in Counter(profile.company for profile in profiles if profile.company).most_common(12)]
    state = typical([profile.state for profile in profiles if profile.state], 0.05)
    tag = typical([tag for profile in profiles for tag in profile.tags], 0.1)
    step = max(1, len(people) // SOME)
    return {
        "people": [person.id for person in people[::step]],
        "words": sorted({profile.last_name.lower() for profile in profiles[::step] if profile.last_name.isalpha()})[:SOME],
        "events": [row.id for row in store.events.chosen(EventFilter())][:SOME],
        "campaigns": [row.id for row in store.campaigns.newest(SOME) if row.status is CampaignStatus.DONE],
        "filters": {
            "company": [urlencode({"company": company}) for company in companies],
            "state": [urlencode({"state": state})],
            "tag": [urlencode({"tag": tag})],
            "attended": ["attendedEventCountMin=2&attendedEventCountMax=5"],
            "company and state": [urlencode({"company": companies[0], "state": state})],
        },
    }


def _measured(stats: Mapping[str, Any], seconds: int) -> Measured:
    times = {int(time): int(number) for time, number in stats["response_times"].items()}
    return Measured(name=str(stats["name"]), times=times, failures=int(stats["num_failures"]), seconds=seconds)


def _all(measured: Sequence[Measured]) -> Measured:
    times: Counter[int] = Counter()
    for one in measured:
        times.update(one.times)
    seconds = max((one.seconds for one in measured), default=0)
    return Measured(name="~ all", times=times, failures=sum(one.failures for one in measured), seconds=seconds)
