"""What a source's keys do not decide, as DynamoDB filter expressions.

A facet is tested on its index key attribute (`GSI1PK` is the folded company), which every index of people projects. A key of
the index that is read can't stand in a filter (a DynamoDB rule): what would need it is left to Python. Of a segment whose people
are out, one clause must fail, so it is one clause here, and left to Python where a part of it has to be.
"""

from collections.abc import Iterator
from dataclasses import replace

from crm.domain.filters import PeopleFilter
from crm.domain.folding import fold
from crm.store import schema
from crm.store.expressions import AnyOf, Clause, Where, one_of
from crm.store.keys import escape, render
from crm.store.schema import Index

MOST_OPERATORS = 290
"""Of one expression, comparisons, functions, AND, OR and NOT together: 300 and 4 KB are DynamoDB's limits."""
OWN_KEYS = {
    source: frozenset({index.pk, index.sk})
    for source, index in {
        "company": schema.BY_COMPANY,
        "jobTitle": schema.BY_JOB_TITLE,
        "state": schema.BY_LOCATION,
        "city": schema.BY_LOCATION,
        "attended": schema.BY_ACTIVITY,
        "hosted": schema.EVENT_ATTENDEES,
        "name": schema.BY_LAST_NAME,
    }.items()
}
"""The keys of the index that a source reads, which no filter of it can test."""


def residual(wanted: PeopleFilter, source: str) -> tuple[Where, bool]:
    """Return what must still hold for items of `source`, and whether that is all that the filter asks of a profile."""
    kept: list[Clause | AnyOf] = []
    own = OWN_KEYS.get(source, frozenset())
    complete = all(map(_says_something, wanted.none_of))
    operators = 0
    for clause in (*_clauses(wanted, source), *_of_segments(wanted)):
        size = _operators(clause) + 1
        if operators + size > MOST_OPERATORS or _attributes(clause) & own:
            complete = False
            continue
        operators += size
        kept.append(clause)
    return tuple(kept), complete


def _operators(clause: Clause | AnyOf) -> int:
    """The tests in it, and the words between and before them."""
    if isinstance(clause, AnyOf):
        return sum(_operators(one) for one in clause.clauses) + len(clause.clauses) - 1 + clause.negated
    return 1 + clause.negated


def _attributes(clause: Clause | AnyOf) -> frozenset[str]:
    if isinstance(clause, AnyOf):
        return frozenset().union(*[_attributes(one) for one in clause.clauses])
    return frozenset({clause.attribute})


def _of_segments(wanted: PeopleFilter) -> Iterator[Clause | AnyOf]:
    """All that must hold, and for each filter that must not, that one of its clauses does not."""
    for one in wanted.all_of:
        yield from _clauses(one, "")
    for one in wanted.none_of:
        if fails := [replace(clause, negated=not clause.negated) for clause in _clauses(one, "")]:
            yield fails[0] if len(fails) == 1 else AnyOf(tuple(fails))


def _says_something(wanted: PeopleFilter) -> bool:
    return next(_clauses(wanted, ""), None) is not None


def _clauses(wanted: PeopleFilter, source: str) -> Iterator[Clause | AnyOf]:
    yield from _value_clauses(wanted, source)
    if source not in {"city", "state"} or (source == "state" and wanted.city_not):
        yield from _any_of([_city(value) for value in wanted.city if source != "state"])
        yield from _any_of([_city(value) for value in wanted.city_not], negated=True)
    if source != "tag":
        yield from _any_of([Clause("tagKeys", "contains", (fold(tag),)) for tag in wanted.tag])
        yield from _any_of([Clause("tagKeys", "contains", (fold(tag),)) for tag in wanted.tag_not], negated=True)
    yield from _count_clause("attendedEventCount", wanted.attended_min, wanted.attended_max, source == "attended")
    yield from _count_clause("hostedEventCount", wanted.hosted_min, wanted.hosted_max, False)
    if wanted.email_status:
        yield one_of("emailStatus", [status.value for status in wanted.email_status])
    for word in wanted.words:
        if len(word) > 1:
            yield Clause("search", "contains", (f" {word}",))
        elif source != "name":
            yield Clause(schema.BY_LAST_NAME.sk, "begins", (_beginning(word),))


def _value_clauses(wanted: PeopleFilter, source: str) -> Iterator[AnyOf]:
    for name, index, attribute, values, unwanted in (
        ("company", schema.BY_COMPANY, "company", wanted.company, wanted.company_not),
        ("jobTitle", schema.BY_JOB_TITLE, "jobTitle", wanted.job_title, wanted.job_title_not),
        ("state", schema.BY_LOCATION, "state", wanted.state, wanted.state_not),
    ):
        if source == name or (name == "state" and source == "city"):
            continue
        if values:
            yield one_of(index.pk, [_partition(index, attribute, value) for value in values])
        if unwanted:
            yield one_of(index.pk, [_partition(index, attribute, value) for value in unwanted], negated=True)


def _count_clause(attribute: str, low: int | None, high: int | None, decided: bool) -> Iterator[Clause]:
    if decided:
        return
    if low:
        yield Clause(attribute, "at least", (low,))
    if high is not None:
        yield Clause(attribute, "at most", (high,))


def _any_of(clauses: list[Clause], *, negated: bool = False) -> Iterator[AnyOf]:
    if clauses:
        yield AnyOf(tuple(clauses), negated)


def _city(value: str) -> Clause:
    before_name = schema.BY_LOCATION.entry("user").sort.removesuffix(schema.PERSON_SORT)
    return Clause(schema.BY_LOCATION.sk, "begins", (render(before_name, {"city": value}) or "",))


def _partition(index: Index, attribute: str, value: str) -> str:
    return render(index.entry("user").partition, {attribute: value}) or ""


def _beginning(word: str) -> str:
    return schema.PERSON_SORT.partition("{")[0] + escape(word)
