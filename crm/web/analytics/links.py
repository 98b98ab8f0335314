"""Addresses of the analytics: the page as one sees it with something changed, and the e-mails behind a number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from crm.domain.emails import EmailState
from crm.domain.metrics import QUERY_NAMES
from crm.domain.outcomes import Hits

FILTER = tuple(sorted(QUERY_NAMES))
SHOWN = ("hits", "step", "by", "sort", "rows")
"""What the page shows of the e-mails that the filter chooses."""
LIST = "#emails"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number and the e-mails behind it; `link` is empty where there are none, or no filter asks for just those."""

    number: int
    link: str = ""


class Links:
    """Makes query strings out of that of the page. The place in the list is lost with every change."""

    def __init__(self, given: QueryDict, hits: Hits = Hits.PEOPLE) -> None:
        self._values = {name: [one for one in given.getlist(name) if one] for name in (*FILTER, *SHOWN)}
        self._values["hits"] = [hits.value] if hits is Hits.ALL else []

    def page(self, **changes: Sequence[str]) -> str:
        """The page with some fields changed; an empty list leaves one out."""
        return _text({**self._values, **changes})

    def filter(self, *shown: str, **changes: Sequence[str]) -> str:
        """The filter alone, as a download takes it, with those of `shown` that matter to it."""
        return _text({name: {**self._values, **changes}[name] for name in (*FILTER, *shown)})

    def behind(self, counts: Mapping[str, int], word: str, **where: str) -> Number:
        """The number of a word with the list of just those e-mails; `where` narrows the filter besides.

        A state is asked for as one. What happened later is asked for as an outcome, which other states don't have.
        """
        states, outcomes = ([word], []) if word in set(EmailState) else ([], [word])
        return self.all_behind(
            counts.get(word, 0), status=states, outcome=outcomes, **{name: [one] for name, one in where.items()}
        )

    def all_behind(self, number: int, **changes: Sequence[str]) -> Number:
        """A number with the list of the e-mails that the filter leaves, whatever became of them, changed by `changes`."""
        return Number(number=number, link=self.page(**{"outcome": [], **changes}) + LIST if number else "")


def _text(values: Mapping[str, Sequence[str]]) -> str:
    changed = QueryDict(mutable=True)
    for name, some in values.items():
        changed.setlist(name, list(some))
    return f"?{changed.urlencode()}"
