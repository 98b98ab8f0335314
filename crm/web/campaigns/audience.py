"""An audience in words: the filter as chips, and the sum from who matches to who will receive it."""

from dataclasses import dataclass

from django.utils.http import urlencode

from crm.domain.campaigns import Audience
from crm.domain.filters import PeopleFilter, filter_values
from crm.domain.people import EmailStatus
from crm.services import filter_names
from crm.store import Store
from crm.web.filter_words import Said, filter_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One number of the sum, with the query string that leads to exactly those people; empty where there can be none."""

    sign: str
    number: int
    words: str
    query: str


def chips(store: Store, wanted: PeopleFilter) -> list[Said]:
    """Return the filter in words, with the names of what it mentions by id; a request per kind of thing it mentions."""
    return filter_words(filter_values(wanted), filter_names.names(store, [wanted]))


def terms(wanted: PeopleFilter, audience: Audience) -> list[Term]:
    """Return matched − unsubscribed − bounced − complained = will receive."""
    out = [Term(sign="", number=audience.matched, words="match the filter", query=people_query(wanted))]
    for status in (EmailStatus.UNSUBSCRIBED, EmailStatus.BOUNCED, EmailStatus.COMPLAINED):
        query = people_query(wanted, status) if not wanted.email_status or status in wanted.email_status else ""
        out.append(Term(sign="−", number=audience.suppressed.get(status.value, 0), words=status.value, query=query))
    will = people_query(wanted, EmailStatus.MAILABLE)
    return [*out, Term(sign="=", number=audience.will_receive, words="will receive it", query=will)]


def people_query(wanted: PeopleFilter, status: EmailStatus | None = None, **more: str) -> str:
    """Return the query string of the list of these people, of those with one e-mail status where it is given."""
    values = filter_values(wanted) | {name: [value] for name, value in more.items()}
    if status is not None:
        values["emailStatus"] = [status.value]
    return f"?{urlencode(values, doseq=True)}"
