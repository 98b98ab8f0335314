"""What a source's keys do not decide, as DynamoDB filter expressions.

A facet is tested on its index key attribute (`GSI1PK` is the folded company), which every index of people projects. A key of
the index that is read can't stand in a filter (a DynamoDB rule): what would need it is left to Python.
"""

from collections.abc import Iterator

from crm.domain.filters import PeopleFilter
from crm.domain.folding import fold
from crm.store import schema
from crm.store.expressions import AnyOf, Clause, Where, one_of
from crm.store.keys import escape, render
from crm.store.schema import Index

MOST_OPERATORS = 290
"""Of one expression, comparisons, functions, AND, OR and NOT together: 300 and 4 KB are DynamoDB's limits."""


def residual(wanted: PeopleFilter, source: str) -> tuple[Where, bool]:
    """Return what must still hold for items of `source`, and whether that is all that the filter asks of a profile."""
    kept: list[Clause | AnyOf] = []
    complete = True
    operators = 0
    for clause in _clauses(wanted, source):
        size = _operators(clause)
        if operators + size > MOST_OPERATORS or _reads_key(clause, source):
            complete = False
            continue
        operators += size
        kept.append(clause)
    return tuple(kept), complete


def _operators(clause: Clause | AnyOf) -> int:
    """The tests, the words between them, and the AND before."""
    if isinstance(clause, AnyOf):
        return 2 * len(clause.clauses) + clause.negated
    return 2 + clause.negated


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


def _reads_key(clause: Clause | AnyOf, source: str) -> bool:
    names = {one.attribute for one in clause.clauses} if isinstance(clause, AnyOf) else {clause.attribute}
    own = {"state": schema.BY_LOCATION, "city": schema.BY_LOCATION, "name": schema.BY_LAST_NAME}.get(source)
    return own is not None and bool(names & {own.pk, own.sk})
