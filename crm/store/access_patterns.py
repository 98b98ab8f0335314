"""The table as a page to read: items, indexes, and what each kind of list reads. Made from the schema and the planner."""

import re
from collections.abc import Iterator

from crm.domain.filters import Order, PeopleFilter
from crm.domain.people import EmailStatus
from crm.store.keys import LANES, SHARDS
from crm.store.people_counts import Counts
from crm.store.planner import SORTED_AT_MOST, WIDE, plan
from crm.store.schema import ENTITIES, INDEXES, TTL_ATTRIBUTE, Entry

HEAD = f"""# Access patterns

Made by `manage.py access_patterns` from `crm/store/schema.py` and the planner; `make check` tells when it is out of date.

One table with string keys `PK` and `SK`, on-demand billing, expiry by `{TTL_ATTRIBUTE}`. In the keys below, `<company>` is the
value of that attribute, case-folded, without accents, white space squeezed, with every character up to `%` percent-encoded;
`<a shard of id>` is one of {SHARDS} numbers computed from it, `<a lane of id>` one of {LANES}. A person stands in an index only
with the values that its keys are made of.
"""
PARTS = {
    "": "<{}>",
    "raw": "<{}>",
    "fold": "<{}>",
    "first": "<first character of {}>",
    "two": "<first two characters of {}>",
    "count": "<{}, six digits>",
    "year": "<year of {}>",
    "month": "<month of {}>",
    "shard": "<a shard of {}>",
    "lane": "<a lane of {}>",
}
EXAMPLES: tuple[tuple[str, PeopleFilter, Order], ...] = (
    ("nobody in particular", PeopleFilter(), Order.SOURCE),
    ("companies", PeopleFilter(company=("Acme", "Initech")), Order.SOURCE),
    ("a job title", PeopleFilter(job_title=("Engineer",)), Order.SOURCE),
    ("a state", PeopleFilter(state=("IL",)), Order.SOURCE),
    ("a city in a state", PeopleFilter(city=("Springfield",), state=("IL",)), Order.SOURCE),
    ("a city, in whichever states have it", PeopleFilter(city=("Springfield",)), Order.SOURCE),
    ("a company and a state: the rarer one", PeopleFilter(company=("Acme",), state=("IL",)), Order.SOURCE),
    ("a tag", PeopleFilter(tag=("VIP",)), Order.SOURCE),
    ("a prefix of a name or address", PeopleFilter(q="ada"), Order.SOURCE),
    ("the first letter of a last name", PeopleFilter(q="a"), Order.SOURCE),
    ("attended between 2 and 5 events", PeopleFilter(attended_min=2, attended_max=5), Order.SOURCE),
    ("hosted 1 event or more", PeopleFilter(hosted_min=1), Order.SOURCE),
    ("everybody but a company", PeopleFilter(company_not=("Acme",)), Order.SOURCE),
    ("an e-mail status", PeopleFilter(email_status=(EmailStatus.BOUNCED,)), Order.SOURCE),
    ("attends an event", PeopleFilter(attends=("e1",)), Order.SOURCE),
    ("was mailed in a campaign", PeopleFilter(mailed=("c1",)), Order.SOURCE),
    ("whom a task works on, or an import wrote", PeopleFilter(selected=("t1",)), Order.SOURCE),
    ("these people, by id", PeopleFilter(ids=("u1", "u2")), Order.SOURCE),
    ("nobody of a segment that asks for profiles", PeopleFilter(none_of=(PeopleFilter(company=("Acme",)),)), Order.SOURCE),
    ("nobody in particular, `order=attended`", PeopleFilter(), Order.ATTENDED),
    ("nobody in particular, `order=hosted`", PeopleFilter(), Order.HOSTED),
    ("a company, `order=name`", PeopleFilter(company=("Acme",)), Order.NAME),
    ("a company of few, `order=attended`", PeopleFilter(company=("Few",)), Order.ATTENDED),
    ("a company of many, `order=attended`", PeopleFilter(company=("Acme",)), Order.ATTENDED),
)
GROUPS = (
    ("`segment:<id>`", "the segment, in a batch with the others", "what it asks of profiles joins the filter or its expression"),
    ("`list:<id>`", "`SELECTION#<id>`, what was not read before", "the parts of a pasted list, a task or an import"),
    ("`attends:<id>[:<status>]`", "GSI_EventAttendees, `EVENT#<id>`", "a query per status"),
    ("`mailed:<id>[:<outcome>]`", "GSI_EmailsByCampaign, `CAMPAIGN#<id>#<state>#<lane>`", "4 queries per state, 8 mostly"),
    ("`days:<n>`", "counted hours, then GSI_EmailsByCampaign", "8 queries per campaign that can have sent something since"),
)
"""Values of `within` and `without`: what is read, and how."""
TOWN = Counts(
    total=100_000,
    rows={
        "COMPANY": {"acme": 5_000, "initech": 800, "few": 200},
        "JOBTITLE": {"engineer": 4_000},
        "STATE": {"il": 9_000},
        "CITY": {"springfield#il": 900, "springfield#ma": 100},
        "TAG": {"vip": 300},
        "NAME": {"a": 60_000, "b": 40_000},
        "ATTENDED": {"000000": 70_000, "000002": 20_000, "000009": 10_000},
        "HOSTED": {"000000": 99_000, "000001": 1_000},
        "EMAILSTATUS": {"mailable": 99_000, "bounced": 1_000},
    },
    members=120,
)


def document() -> str:
    """Return the whole page as Markdown."""
    return "\n".join([HEAD, *_items(), "", *_indexes(), *_lists()]) + "\n"


def shown(template: str) -> str:
    """Return a key template as one reads it.

    >>> shown("NAME#{lastName:first}")
    'NAME#<first character of lastName>'
    """
    return re.sub(r"\{(\w+)(?::(\w+)\??)?\}", lambda match: PARTS[match[2] or ""].format(match[1]), template)


def _items() -> Iterator[str]:
    yield "## Items\n"
    yield "| item | PK | SK | what it is |"
    yield "| --- | --- | --- | --- |"
    for entity in ENTITIES:
        yield f"| {entity.name} | `{shown(entity.pk)}` | `{shown(entity.sk)}` | {entity.note} |"


def _indexes() -> Iterator[str]:
    yield f"## Indexes: {len(INDEXES)}"
    for index in INDEXES:
        yield f"\n### {index.name}\n"
        carried = ", ".join(f"`{name}`" for name in index.carries)
        holds = "whole items" if index.whole else f"keys and, where there are such, {carried}" if carried else "keys only"
        yield f"Keys `{index.pk}` and `{index.sk}`. Holds {holds}: {index.why}.\n"
        yield "| who is in it | partition key | sort key | serves |"
        yield "| --- | --- | --- | --- |"
        for entry in index.entries:
            yield f"| {_who(entry)} | `{shown(entry.partition)}` | `{shown(entry.sort)}` | {entry.serves} |"


def _who(entry: Entry) -> str:
    if entry.only is None:
        return entry.entity
    name, values = entry.only
    return f"{entry.entity} with {name} " + (" or ".join(values) if values else "set")


def _lists() -> Iterator[str]:
    yield "\n## What a list of people reads\n"
    yield "What the planner (`crm/store/planner.py`) answers for a community of 100,000. The rest of a filter is a filter"
    yield f"expression on the same index. An order that the source lacks: up to {SORTED_AT_MOST:,} matches are read and sorted;"
    yield "above that the source that has the order is read, and the list says `wide` where that is more than"
    yield f"{WIDE} times what it returns.\n"
    yield "| asked for | read | in order of | key conditions | note |"
    yield "| --- | --- | --- | --- | --- |"
    for asked, wanted, order in EXAMPLES:
        chosen = plan(wanted, order, TOWN)
        strands = [strand.partition for stage in chosen.stages for strand in stage.strands]
        keys = ", ".join(f"`{partition}`" for partition in strands[:4]) + (" …" if len(strands) > 4 else "")
        yield f"| {asked} | {chosen.index} | {chosen.order} | {keys or 'profiles by id'} | {chosen.note} |"
    yield "\n## What a group reads\n"
    yield "Groups are the values of `within` and `without`. Each is read once in a request that only reads, and once in a"
    yield "minute by the job that makes the e-mails of an audience; what it finds is a set of ids.\n"
    yield "| group | read | how |"
    yield "| --- | --- | --- |"
    for row in GROUPS:
        yield f"| {' | '.join(row)} |"
