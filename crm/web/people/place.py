"""Where one stands in the list that a person's page was opened from: the way back, and who is before and behind."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import QueryDict
from django.urls import reverse

from crm.domain.errors import NotFound
from crm.domain.people import Person
from crm.web.forms import number_in
from crm.web.http import CrmRequest
from crm.web.paging import POSITION
from crm.web.people.filters import FilterBar
from crm.web.people.query import state_query

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
    if not state and at is None:
        return Place(back=_list_before(request))
    back = _list_before(request)
    if back == everybody and state:
        back = f"{everybody}?{state}"
    if bar.wanted is None:
        return Place(back=back, words=_words(bar))
    beside = request.store.people.beside(bar.wanted, person, order=bar.order)
    people = request.store.people.get_many([id_ for id_ in (beside.previous, beside.next) if id_ is not None])
    return Place(
        back=back,
        words=_words(bar),
        at=at,
        total=request.store.people.count(bar.wanted) if at is not None else None,
        previous=_neighbour(people.get(beside.previous or ""), state, None if at is None else max(1, at - 1)),
        following=_neighbour(people.get(beside.next or ""), state, None if at is None else at + 1),
    )


def kept_query(query: QueryDict) -> str:
    """What one's own links carry on: the list that one came from, not the place in the story."""
    kept = query.copy()
    for name in ("show", "before"):
        kept.pop(name, None)
    return kept.urlencode()


def list_of(query: QueryDict) -> str:
    """The list that one came from, out of what links carry on: only a filter and an order of our own list."""
    state = state_query(query).urlencode()
    return f"{reverse('people:list')}?{state}" if state else reverse("people:list")


def _words(bar: FilterBar) -> str:
    chips = [f"not {chip.value}" if chip.exclude else chip.value for chip in bar.chips if chip.value]
    return ", ".join(chips[:WORDS]) + (" …" if len(chips) > WORDS else "")


def _neighbour(person: Person | None, state: str, at: int | None) -> Neighbour | None:
    if person is None:
        return None
    query = "&".join(part for part in (state, f"{POSITION}={at}" if at is not None else "") if part)
    address = reverse("people:person", args=[person.id])
    return Neighbour(name=person.name, url=f"{address}?{query}" if query else address)


def _list_before(request: CrmRequest) -> str:
    """The list that one came from, so that going back keeps the place; the whole list where one came from elsewhere."""
    came_from, everybody = urlsplit(request.headers.get("Referer", "")), reverse("people:list")
    here = came_from.netloc == request.get_host() and came_from.path == everybody
    return f"{everybody}?{came_from.query}" if here and came_from.query else everybody
