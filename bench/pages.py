"""Pages of people: what one costs by each kind of filter, beside the naive way."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench import naive
from bench.crowd import make_people, typical, write_people
from bench.meter import Reading
from bench.place import Place, tell
from bench.report import Bound, Cell, Grid, Result
from crm.domain.filters import PeopleFilter
from crm.domain.folding import fold
from crm.domain.people import Person
from crm.store import Store
from crm.store.people import PeoplePage

LIMIT = 50
MOST_READ = 1.2
"""Items, or people, that a page by one facet may read for each person that it returns."""
REPEATS = 3
ONCE = 50_000
"""From so many people on, the whole table is read but once: its figures don't change, and it takes minutes."""
COLUMNS = (
    "filter",
    "people",
    "returned",
    "from",
    "requests",
    "items",
    "units",
    "read/returned",
    "people/returned",
    "+counters",
    "ms",
    "naive from",
    "requests",
    "items",
    "units",
    "ms",
    "naive/ours",
)
NOTES = (
    "requests, items and units are those of the page itself; +counters: units for reading the counts that the plan is made from.",
    "read/returned: all items, search tokens too, which lead to people (docs/decisions/0107).",
    "A scan here goes in order of the keys and meets people last; Amazon's meets them among the rest: bench/README.md.",
    "naive/ours: read units of the naive way for each of ours, counters included. ms are shown, never judged.",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One filter with its name. `second` asks for the page behind the first; `promised` is judged: "items" or "people" read."""

    name: str
    wanted: PeopleFilter
    second: bool = False
    promised: str = ""


def run(place: Place, sizes: Sequence[int]) -> Result:
    """Measure every case at every size."""
    result = Result()
    rows: dict[str, list[tuple[Cell, ...]]] = {}
    for size in sizes:
        people = make_people(size)
        with place.store() as store:
            tell(f"writing {size:,} people")
            write_people(store, people)
            tell(f"reading pages of {size:,} people")
            for case in cases(people):
                row, page = _measured(place, store, case, size)
                rows.setdefault(case.name, []).append(row)
                if case.promised:
                    result.bounds.append(_bound(case, size, page))
    ordered = [row for some in rows.values() for row in some]
    result.grids.append(Grid(title=f"People pages (limit {LIMIT})", columns=COLUMNS, rows=ordered, notes=NOTES))
    return result


def cases(people: Sequence[Person]) -> list[Case]:
    """Return the filters, each with values that a fair share of these people have."""
    profiles = [person.profile for person in people]
    company = typical([profile.company for profile in profiles if profile.company], 0.08)
    (largest, _), (other, _) = Counter(profile.company for profile in profiles if profile.company).most_common(2)
    title = typical([one.job_title for one in profiles if one.company == largest and one.job_title], 0.2)
    city, state = typical([(profile.city, profile.state) for profile in profiles if profile.city], 0.02)
    tag = typical([tag for profile in profiles for tag in profile.tags], 0.1)
    beginning = typical([max(fold(profile.last_name).split(), key=len)[:4] for profile in profiles], 0.01)
    by_company = PeopleFilter(company=(company,))
    return [
        Case("company", by_company, promised="items"),
        Case("company, page 2", by_company, second=True, promised="items"),
        Case("title", PeopleFilter(job_title=(title,)), promised="items"),
        Case("state", PeopleFilter(state=(state,)), promised="items"),
        Case("company + title", PeopleFilter(company=(largest,), job_title=(title,))),
        Case("city + state", PeopleFilter(city=(city,), state=(state,)), promised="items"),
        Case("attended 5 to 9", PeopleFilter(attended_min=5, attended_max=9), promised="items"),
        Case("company + attended", PeopleFilter(company=(largest,), attended_min=5, attended_max=9)),
        Case("two companies", PeopleFilter(company=(company, other)), promised="items"),
        Case("not this company", PeopleFilter(company_not=(largest,))),
        Case("tag", PeopleFilter(tag=(tag,)), promised="items"),
        Case("name begins (q)", PeopleFilter(q=beginning), promised="people"),
    ]


def _measured(place: Place, store: Store, case: Case, size: int) -> tuple[tuple[Cell, ...], PeoplePage]:
    token = store.people.page(case.wanted, limit=LIMIT).next_token if case.second else None
    ours, naively = [], []
    for _ in range(REPEATS):
        with place.meter.reading() as reading:
            page = store.people.page(case.wanted, limit=LIMIT, token=token)
        ours.append(reading)
    repeats = 1 if size >= ONCE and naive.choose(case.wanted).source == "scan" else REPEATS
    for _ in range(0 if case.second else repeats):
        with place.meter.reading() as reading:
            found = naive.page(store.table, case.wanted, limit=LIMIT)
        naively.append(reading)
        if len(found) != len(page.items):
            raise AssertionError(f"{case.name}: the naive way finds {len(found)}, ours {len(page.items)}")
    return (*_our_cells(case, size, page, ours), *_naive_cells(case, ours, naively)), page


def _our_cells(case: Case, size: int, page: PeoplePage, ours: Sequence[Reading]) -> tuple[Cell, ...]:
    explain = page.explain
    returned = len(page.items)
    return (
        case.name,
        size,
        returned,
        explain.index.removeprefix("GSI_"),
        explain.requests,
        explain.items_read,
        explain.read_units,
        explain.items_read / max(1, returned),
        explain.people_read / max(1, returned),
        ours[0].cost.read_units - explain.read_units,
        _milliseconds(ours),
    )


def _naive_cells(case: Case, ours: Sequence[Reading], naively: Sequence[Reading]) -> tuple[Cell, ...]:
    if not naively:
        return (None,) * 6
    cost = naively[0].cost
    return (
        naive.choose(case.wanted).source,
        cost.requests,
        cost.items_read,
        cost.read_units,
        _milliseconds(naively),
        cost.read_units / ours[0].cost.read_units,
    )


def _milliseconds(readings: Sequence[Reading]) -> float:
    return round(1000 * median(reading.seconds for reading in readings), 1)


def _bound(case: Case, size: int, page: PeoplePage) -> Bound:
    read = page.explain.items_read if case.promised == "items" else page.explain.people_read
    promise = f"{case.promised} read for each returned, {case.name}, {size:,} people"
    return Bound(promise=promise, measured=read / max(1, len(page.items)), most=MOST_READ)
