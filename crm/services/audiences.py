"""Audiences: from who matches a filter to who will receive a letter; each person is subtracted once, each term is a filter."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from crm.domain.campaigns import Audience
from crm.domain.filters import PeopleFilter
from crm.domain.people import EmailStatus, Person
from crm.services.filter_names import names
from crm.store import Store

MATCHED, EXCLUDED, RESULT = "matched", "excluded", "result"
SUPPRESSED = tuple(status for status in EmailStatus if status is not EmailStatus.MAILABLE)
SAMPLE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One number of the equation. `wanted` matches exactly those people; None where there can be none.

    `kind` is matched, an e-mail status, excluded or result; `value` is what `without` names, of what is excluded.
    """

    sign: str
    number: int
    kind: str
    words: str
    wanted: PeopleFilter | None
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equation:
    """Matched − unsubscribed − bounced − complained − each exclusion = will receive; `sample` are ids of some who will."""

    audience: Audience
    terms: tuple[Term, ...]
    sample: tuple[str, ...] = ()


def audience(store: Store, wanted: PeopleFilter) -> Audience:
    """Count who matches, who of them may not be mailed, by reason, and whom of the others each exclusion leaves out."""
    return _counted(store, wanted)[0]


def equation(store: Store, wanted: PeopleFilter, named: Mapping[str, str] | None = None) -> Equation:
    """Return the equation as it is at this moment. `named` are the names of what `wanted` names by id, where they are known.

    Costs one reading of those who match, and of each event, campaign and list that is named; nothing for exclusions by profile.
    """
    counted, some = _counted(store, wanted)
    known = names(store, [wanted]) if named is None else named
    return Equation(audience=counted, terms=terms(wanted, counted, known), sample=some)


def terms(wanted: PeopleFilter, counted: Audience, named: Mapping[str, str]) -> tuple[Term, ...]:
    """Return the terms of an audience that was counted, now or when its campaign was accepted; no request.

    The filters are those of this moment: who unsubscribed since stands in another term by now.
    """
    everybody = replace(wanted, without=())
    found = [Term(sign="", number=counted.matched, kind=MATCHED, words="match the filter", wanted=everybody)]
    for status in SUPPRESSED:
        number = counted.suppressed.get(status.value, 0)
        found.append(Term(sign="−", number=number, kind=status.value, words=status.value, wanted=_with(everybody, status)))
    mailable = _with(everybody, EmailStatus.MAILABLE)
    for place, value in enumerate(wanted.without):
        within = tuple(dict.fromkeys((*wanted.within, value)))
        left_out = replace(mailable, without=wanted.without[:place], within=within) if mailable else None
        number, words = counted.excluded.get(value, 0), named.get(value, value)
        found.append(Term(sign="−", number=number, kind=EXCLUDED, words=words, wanted=left_out, value=value))
    result = replace(mailable, without=wanted.without) if mailable else None
    return (*found, Term(sign="=", number=counted.will_receive, kind=RESULT, words="will receive it", wanted=result))


def sample(store: Store, wanted: PeopleFilter, number: int = SAMPLE) -> list[Person]:
    """Return some who will receive it: the same for the same people, and from anywhere among them. Costs what `equation` does."""
    return people_of(store, _counted(store, wanted)[1][:number])


def people_of(store: Store, ids: tuple[str, ...]) -> list[Person]:
    """Return these people by name, as they are in the sample of an equation; one request."""
    found = store.people.get_many(ids) if ids else {}
    return sorted(found.values(), key=lambda person: person.listed_name)


def _with(wanted: PeopleFilter, status: EmailStatus) -> PeopleFilter | None:
    """Those with this status alone; None where the filter asks for others."""
    possible = not wanted.email_status or status in wanted.email_status
    return replace(wanted, email_status=(status,)) if possible else None


def _counted(store: Store, wanted: PeopleFilter) -> tuple[Audience, tuple[str, ...]]:
    shares = store.people.shares(wanted, sample=SAMPLE)
    suppressed = {status.value: shares.by_status[status] for status in SUPPRESSED if shares.by_status.get(status)}
    excluded = dict(zip(wanted.without, shares.left_out, strict=True))
    return Audience(matched=sum(shares.by_status.values()), suppressed=suppressed, excluded=excluded), shares.sample
