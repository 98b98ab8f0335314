"""Where one stands in a list, and the way to the pages beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.http import HttpRequest, QueryDict

from crm.web.forms import number_in

PAGE_SIZE = 50
POSITION = "at"


class PageOf(Protocol):
    """What a repository gives: some items and the tokens that lead on and back, None at an end."""

    @property
    def items(self) -> Sequence[Any]: ...
    @property
    def next_token(self) -> str | None: ...
    @property
    def prev_token(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """For `_pager.html`: items `first` to `last` of `total` (None: not counted), and query strings of the pages beside."""

    first: int
    last: int
    total: int | None
    next_query: str | None
    prev_query: str | None

    @classmethod
    def of(cls, request: HttpRequest, page: PageOf, *, total: int | None = None, limit: int = PAGE_SIZE) -> "Pager":
        """Work it out for one page of a list.

        A token holds a place, not a number, so the number goes along as `at`. It only serves to show "51–100": whatever stands
        there, the items are the ones the token leads to.
        """
        first = _position(request.GET) if "nextToken" in request.GET or "prevToken" in request.GET else 1
        if page.prev_token is None:
            first = 1
        last = first + len(page.items) - 1 if page.items else 0
        forward = _query(request.GET, nextToken=page.next_token, at=last + 1) if page.next_token else None
        back = _query(request.GET, prevToken=page.prev_token, at=max(1, first - limit)) if page.prev_token else None
        return cls(first=first if page.items else 0, last=last, total=total, next_query=forward, prev_query=back)


def _position(query: QueryDict) -> int:
    """The number that came with the address; 1 where it is none."""
    return number_in(query.get(POSITION, ""), 0) or 1


def _query(query: QueryDict, **changes: str | int | None) -> str:
    """The query string with another place in the list."""
    changed = query.copy()
    for name in ("nextToken", "prevToken", POSITION):
        changed.pop(name, None)
    for name, value in changes.items():
        changed[name] = str(value)
    return f"?{changed.urlencode()}"
