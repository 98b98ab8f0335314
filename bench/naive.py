"""The baseline: how such lists are found where nobody counts.

People: an index is chosen by shares that were guessed once for all communities. From there three to five times the page is
fetched and filtered in memory, until the page is full; several values are asked for one after the other; what no index answers
is looked for in the whole table. Only people that match are returned, and no fewer than there are up to the limit: a baseline
that loses people would be cheaper, and worth nothing.

E-mails: the whole table is looked through for them, a hundred items at a time, and filtered, sorted and added up in memory.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from crm.domain.emails import Email
from crm.domain.filters import MAX_COUNT, PeopleFilter
from crm.domain.metrics import EmailQuery
from crm.domain.people import Person
from crm.store import schema
from crm.store.email_items import email_of
from crm.store.keys import SHARDS, behind_prefix, count, render
from crm.store.people import person_of
from crm.store.requests import Query
from crm.store.table import Table
from crm.store.values import deserialise_item

SELECTIVITY = {"location": 0.05, "company": 0.1, "job_title": 0.2, "counts": 0.8}
"""The guessed share of people that one value of a field leaves."""
FETCHED, FETCHED_FILTERED = 3, 5
"""How many times the limit is fetched: where the index decides all of the filter, and where memory decides the rest."""
BATCH = 100
"""Items of one request, where e-mails are looked for."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The index that is read (None: the whole table), its partitions, and whether they are all of the filter."""

    source: str
    queries: tuple[Query, ...] = ()
    complete: bool = False


def choose(wanted: PeopleFilter) -> Choice:
    """Return the index with the smallest guessed share; without any, the scan."""
    found = [
        choice for choice in (_location(wanted), _company(wanted), _job_title(wanted), _counts(wanted)) if choice is not None
    ]
    return min(found, key=lambda choice: SELECTIVITY[choice.source], default=Choice("scan"))


def page(table: Table, wanted: PeopleFilter, *, limit: int) -> list[Person]:
    """Return up to `limit` people that match."""
    choice = choose(wanted)
    fetched = limit * (FETCHED if choice.complete else FETCHED_FILTERED)
    people = _fetched(table, choice, fetched) if choice.queries else _scanned(table)
    return list(islice((person for person in people if wanted.matches(person)), limit))


def newest(emails: Iterable[Email], query: EmailQuery, *, limit: int) -> list[Email]:
    """Return the newest e-mails that pass."""
    found = [email for email in emails if query.matches(email)]
    return sorted(found, key=lambda email: (email.created_at, email.id), reverse=True)[:limit]


def summary(emails: Iterable[Email], query: EmailQuery) -> dict[str, int]:
    """Return how many e-mails that pass have which status, opened and clicked besides."""
    totals: Counter[str] = Counter()
    for email in emails:
        if query.matches(email):
            totals[email.status.value] += 1
            totals["opened"] += email.opened_at is not None
            totals["clicked"] += email.clicked_at is not None
    return dict(totals)


def every_email(table: Table) -> Iterator[Email]:
    """All e-mails of the table; what else stands there is read as well, and left out by the engine."""
    answers = table.client.get_paginator("scan").paginate(
        TableName=table.name,
        FilterExpression="SK = :emails",
        ExpressionAttributeValues={":emails": {"S": "ANALYTICS"}},
        ReturnConsumedCapacity="TOTAL",
        PaginationConfig={"PageSize": BATCH},
    )
    for answer in answers:
        yield from (email_of(deserialise_item(item)) for item in answer["Items"])


def _fetched(table: Table, choice: Choice, fetched: int) -> Iterator[Person]:
    """Each partition in turn, so much at a time; shards of one value share what is fetched."""
    share = max(1, fetched // SHARDS) if choice.source == "counts" else fetched
    for query in choice.queries:
        yield from (person_of(item) for item in table.walk(replace(query, limit=share)))


def _scanned(table: Table) -> Iterable[Person]:
    """Everything that is in the table, of which people are some."""
    return (person_of(item) for item in table.scan() if item["entityType"] == "user")


def _location(wanted: PeopleFilter) -> Choice | None:
    if not wanted.state:
        return None
    entry = schema.BY_LOCATION.entry("user")
    before_name = entry.sort.removesuffix(schema.PERSON_SORT)
    beginnings = [render(before_name, {"city": city}) or "" for city in wanted.city]
    ranges: list[tuple[str | None, str | None]] = [(beginning, behind_prefix(beginning)) for beginning in beginnings]
    return Choice(
        "location",
        tuple(
            Query(partition=render(entry.partition, {"state": state}) or "", index=schema.BY_LOCATION, low=low, high=high)
            for state in wanted.state
            for low, high in ranges or [(None, None)]
        ),
        replace(wanted, state=(), city=()).is_empty,
    )


def _company(wanted: PeopleFilter) -> Choice | None:
    if not wanted.company:
        return None
    partition = schema.BY_COMPANY.entry("user").partition
    queries = [
        Query(partition=render(partition, {"company": company}) or "", index=schema.BY_COMPANY) for company in wanted.company
    ]
    return Choice("company", tuple(queries), replace(wanted, company=()).is_empty)


def _job_title(wanted: PeopleFilter) -> Choice | None:
    if not wanted.job_title:
        return None
    partition = schema.BY_JOB_TITLE.entry("user").partition
    queries = [
        Query(partition=render(partition, {"jobTitle": title}) or "", index=schema.BY_JOB_TITLE) for title in wanted.job_title
    ]
    return Choice("job_title", tuple(queries), replace(wanted, job_title=()).is_empty)


def _counts(wanted: PeopleFilter) -> Choice | None:
    if wanted.attended_min is None and wanted.attended_max is None:
        return None
    low = count(wanted.attended_min or 0)
    high = behind_prefix(count(MAX_COUNT if wanted.attended_max is None else wanted.attended_max))
    template = schema.BY_ACTIVITY.entry("user").partition
    partitions = [template.replace("{id:shard}", str(shard)) for shard in range(SHARDS)]
    queries = [Query(partition=partition, index=schema.BY_ACTIVITY, low=low, high=high) for partition in partitions]
    return Choice("counts", tuple(queries), replace(wanted, attended_min=None, attended_max=None).is_empty)
