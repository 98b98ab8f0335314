"""Where one stands in the list that a person's page was opened from: the way back, and who is before and behind."""

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from django.http import QueryDict
from django.urls import reverse

from crm.domain.errors import NotFound
from crm.domain.people import Person
from crm.web.forms import number_in
from crm.web.http import CrmRequest
from crm.web.paging import POSITION
from crm.web.people.filters import FilterBar
from crm.web.people.query import TOKENS, page_query

FIRST = "first"
"""In the query string: the number that the page of the list began with, beside its token."""
WORDS = 3
"""Active filters that the way back names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Who stands beside."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`back` leads to the list as it was filtered, `words` say how. `at` of `total` where the number came along, else None."""

    back: str
    words: str = ""
    at: int | None = None
    total: int | None = None
    previous: Neighbour | None = None
    following: Neighbour | None = None

    @property
    def listed(self) -> bool:
        """Whether there is anybody beside, or a number to show."""
        return self.at is not None or self.previous is not None or self.following is not None


def place_of(request: CrmRequest, person: Person) -> Place:
    """Read the query string: a filter and an order as those of the list, and `at`, the number in it."""
    everybody = reverse("people:list")
    at = number_in(request.GET.get(POSITION, ""), 0) or None
    try:
        bar = FilterBar(request.GET, request.store, request.user.get_username())
    except NotFound:  # a segment that was deleted since
        return Place(back=everybody)
    state = bar.state_string
    back = _list_before(request)
    if not state and at is None:
        return Place(back=back)
    if bar.wanted is None:
        return Place(back=back, words=_words(bar))
    beside = request.store.people.beside(bar.wanted, person, order=bar.order)
    carried = "&".join(part for part in (state, urlencode(_page_before(request))) if part)
    people = request.store.people.get_many([id_ for id_ in (beside.previous, beside.next) if id_ is not None])
    return Place(
        back=back,
        words=_words(bar),
        at=at,
        total=request.store.people.count(bar.wanted) if at is not None else None,
        previous=_neighbour(people.get(beside.previous or ""), carried, None if at is None else max(1, at - 1)),
        following=_neighbour(people.get(beside.next or ""), carried, None if at is None else at + 1),
    )


def kept_query(request: CrmRequest) -> str:
    """What one's own links carry on: the list that one came from and the page of it, not the place in the story."""
    kept = request.GET.copy()
    for name in ("show", "before"):
        kept.pop(name, None)
    for name, value in _page_before(request).items():
        kept[name] = value
    return kept.urlencode()


def list_of(query: QueryDict) -> str:
    """The list that one came from, out of what links carry on: only a filter, an order and a page of our own list."""
    page = page_query(query, FIRST).urlencode()
    return f"{reverse('people:list')}?{page}" if page else reverse("people:list")


def _words(bar: FilterBar) -> str:
    chips = [f"not {chip.value}" if chip.exclude else chip.value for chip in bar.chips if chip.value]
    return ", ".join(chips[:WORDS]) + (" …" if len(chips) > WORDS else "")


def _neighbour(person: Person | None, carried: str, at: int | None) -> Neighbour | None:
    if person is None:
        return None
    query = "&".join(part for part in (carried, f"{POSITION}={at}" if at is not None else "") if part)
    address = reverse("people:person", args=[person.id])
    return Neighbour(name=person.name, url=f"{address}?{query}" if query else address)


def _list_before(request: CrmRequest) -> str:
    """The list that one came from, so that going back keeps the place; the whole list where one came from elsewhere."""
    came_from = _came_from(request)
    return f"{reverse('people:list')}?{came_from}" if came_from else list_of(request.GET)


def _page_before(request: CrmRequest) -> dict[str, str]:
    """The page of that list, as the list says it or links carry it on; nothing where it is the first."""
    came_from = _came_from(request)
    query, first = (QueryDict(came_from), POSITION) if came_from else (request.GET, FIRST)
    tokens = {name: query[name] for name in TOKENS if query.get(name)}
    return {**tokens, FIRST: query.get(first, "")} if tokens else {}


def _came_from(request: CrmRequest) -> str:
    """What the list was asked for that one came from; empty where one came from elsewhere."""
    page = urlsplit(request.headers.get("Referer", ""))
    return page.query if page.netloc == request.get_host() and page.path == reverse("people:list") else ""
