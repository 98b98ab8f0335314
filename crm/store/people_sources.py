"""Every source that can answer a filter, as a plan each: the planner takes one of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from crm.domain.filters import Order, PeopleFilter
from crm.store import schema
from crm.store.expressions import Where, equals
from crm.store.keys import SHARDS, behind_prefix, escape, render
from crm.store.people_counts import (
    EVERY,
    FACET,
    GUESSED_TOTAL,
    Counts,
    asks_all_names,
    attended_range,
    both_keys,
    chosen_keys,
    hosted_range,
    people_of,
    places,
    search_word,
)
from crm.store.people_where import residual
from crm.store.plan import Plan, Stage, Strand
from crm.store.schema import Index

POINTERS = frozenset({"q", "members"})
"""Sources whose items only say who."""
TESTED = POINTERS | {"tag", "scan"}
"""Sources of which each person is tested: those without an index, and copies, of which some may be behind what is asked for."""
LOOKED_UP = 5
"""Items of an index that cost as much as one person who is looked up by id, in read units and in time."""
SEARCH_SHARE = 0.01
"""What a word of `q` is assumed to match where it was not counted."""
MOST_COUNTED = 2001
"""Search tokens that are counted for an estimate; as many mean: or more."""


def candidates(wanted: PeopleFilter, order: Order, counts: Counts, *, whole: bool = False) -> Iterator[Plan]:
    """Give every source that can answer, each with all of the filter in it; `whole` when everybody is to be read."""
    if wanted.company:
        yield _of_values("company", wanted, counts, schema.BY_COMPANY, "company")
    if wanted.job_title:
        yield _of_values("jobTitle", wanted, counts, schema.BY_JOB_TITLE, "jobTitle")
    if wanted.city and (wanted.state or counts.total is not None):
        yield _of_cities(wanted, counts)
    elif wanted.state and not wanted.city:
        yield _of_values("state", wanted, counts, schema.BY_LOCATION, "state", order="city")
    if wanted.tag:
        yield _of_tags(wanted, counts)
    if search_word(wanted):
        yield _of_search(wanted, counts)
    if wanted.names_members:
        yield _plan("members", "membership", "id", wanted, counts, counts.members or 0)
    if attended_range(wanted) != EVERY or order is Order.ATTENDED:
        yield _of_attended(wanted, counts)
    if hosted_range(wanted)[0] > 0 or (order is Order.HOSTED and counts.total is not None):
        yield _of_hosted(wanted, counts)
    if counts.total is None:
        yield _plan("scan", "scan", "name", wanted, counts, GUESSED_TOTAL, note="scan")
    elif asks_all_names(wanted, order, whole=whole) or any(len(word) == 1 for word in wanted.words):
        yield _of_names(wanted, counts)


def _of_values(source: str, wanted: PeopleFilter, counts: Counts, index: Index, attribute: str, order: str = "name") -> Plan:
    keys = chosen_keys(wanted, source)
    partition = index.entry("user").partition
    strands = [Strand(partition=_filled(partition, attribute, key), estimate=people_of(source, [key], counts)) for key in keys]
    return _plan(
        source, index.name, order, wanted, counts, people_of(source, keys, counts), _stage(wanted, source, index, strands)
    )


def _of_cities(wanted: PeopleFilter, counts: Counts) -> Plan:
    index = schema.BY_LOCATION
    entry = index.entry("user")
    before_name = entry.sort.removesuffix(schema.PERSON_SORT)
    pairs = places(wanted, counts)
    strands = []
    for city, state in pairs:
        prefix = _filled(before_name, "city", city)
        partition = _filled(entry.partition, "state", state)
        there = counts.people("CITY", [f"{city}#{state}"])
        strands.append(Strand(partition=partition, prefix=prefix, low=prefix, high=behind_prefix(prefix), estimate=there))
    estimate = counts.people("CITY", [f"{city}#{state}" for city, state in pairs])
    return _plan("city", index.name, "name", wanted, counts, estimate, _stage(wanted, "city", index, strands))


def _of_tags(wanted: PeopleFilter, counts: Counts) -> Plan:
    tags = chosen_keys(wanted, "tag")
    partition = schema.BY_NAME["tagMember"].pk
    strands = [
        Strand(partition=_sharded(_filled(partition, "tag", tag), shard), estimate=people_of("tag", [tag], counts))
        for tag in tags
        for shard in range(SHARDS)
    ]
    estimate = people_of("tag", tags, counts)
    stages = [replace(stage, copies=True) for stage in _stage(wanted, "tag", None, strands)]
    return _plan("tag", "TAG", "name", wanted, counts, estimate, stages)


def _of_search(wanted: PeopleFilter, counts: Counts) -> Plan:
    word = search_word(wanted)
    estimate = round((counts.total or GUESSED_TOTAL) * SEARCH_SHARE)
    if counts.search is not None:
        estimate = counts.search if counts.search < MOST_COUNTED else max(counts.search, estimate)
    stage = _stage(wanted, "q", None, [search_strand(word)])
    return _plan("q", "SEARCH", "search", wanted, counts, estimate, stage, word=word)


def search_strand(word: str) -> Strand:
    """Return where the search tokens are that begin with a folded word of two characters or more."""
    partition = render(schema.BY_NAME["searchToken"].pk, {"token": word}) or ""
    return Strand(partition=partition, low=escape(word), high=behind_prefix(escape(word)))


def _of_attended(wanted: PeopleFilter, counts: Counts) -> Plan:
    low, high = attended_range(wanted)
    index = schema.BY_ACTIVITY
    stage = _stage(wanted, "attended", index, _count_strands(index, "attendedEventCount", low, high), ascending=False)
    return _plan("attended", index.name, "attended", wanted, counts, counts.between("ATTENDED", low, high), stage)


def _of_hosted(wanted: PeopleFilter, counts: Counts) -> Plan:
    """Those that hosted, most first; then those that never did, by name, where the range lets them in."""
    low, high = hosted_range(wanted)
    index = schema.EVENT_ATTENDEES
    hosts = _count_strands(index, "hostedEventCount", max(1, low), high) if high > 0 else []
    stages = [*_stage(wanted, "hosted", index, hosts, ascending=False)]
    estimate = counts.between("HOSTED", max(1, low), high)
    if low == 0:
        never = [equals("hostedEventCount", 0)]
        stages += [_ranked(stage, never) for stage in _name_stages(wanted, counts)]
        estimate += sum(counts.rows.get("NAME", {}).values())
    found = _plan("hosted", index.name, "hosted", wanted, counts, estimate, stages)
    said = low > 0 or residual(wanted, "name")[1]
    return replace(found, expressed=found.expressed and said, complete=found.complete and said)


def _of_names(wanted: PeopleFilter, counts: Counts) -> Plan:
    letters = _letters(wanted, counts)
    estimate = counts.people("NAME", letters)
    return _plan("name", schema.BY_LAST_NAME.name, "name", wanted, counts, estimate, _name_stages(wanted, counts))


def _name_stages(wanted: PeopleFilter, counts: Counts) -> list[Stage]:
    """One stage per first character: they follow each other, so none is opened before it is needed."""
    index = schema.BY_LAST_NAME
    entry = index.entry("user")
    stages: list[Stage] = []
    for letter in _letters(wanted, counts):
        beginning = _head(entry.sort, {}) + letter
        partition = _filled(entry.partition, "lastName", letter)
        strand = Strand(partition=partition, low=beginning, high=behind_prefix(beginning))
        stages += _stage(wanted, "name", index, [strand])
    return stages


def _letters(wanted: PeopleFilter, counts: Counts) -> list[str]:
    single = {escape(word) for word in wanted.words if len(word) == 1}
    if len(single) > 1:
        return []
    return sorted(single) or counts.letters()


def _plan(
    source: str,
    index: str,
    order: str,
    wanted: PeopleFilter,
    counts: Counts,
    estimate: int,
    stages: Sequence[Stage] = (),
    *,
    word: str = "",
    note: str = "",
) -> Plan:
    _, said = residual(wanted, source)
    expressed = said and source not in TESTED
    return Plan(
        source=source,
        index=index,
        order=order,
        stages=tuple(stages),
        estimate=estimate,
        matches=round(estimate * passing(wanted, source, counts)),
        expressed=expressed,
        complete=expressed and not wanted.needs_membership,
        word=word,
        note=note,
    )


def _stage(
    wanted: PeopleFilter, source: str, index: Index | None, strands: Sequence[Strand], *, ascending: bool = True
) -> list[Stage]:
    where, _ = residual(wanted, source) if index is not None else ((), True)
    return [Stage(strands=tuple(strands), index=index, ascending=ascending, where=where)] if strands else []


def _ranked(stage: Stage, where: Where) -> Stage:
    return Stage(strands=stage.strands, index=stage.index, rank=1, where=(*stage.where, *where))


def _count_strands(index: Index, attribute: str, low: int, high: int) -> list[Strand]:
    if low > high:
        return []
    entry = index.entry("user")
    first, last = _head(entry.sort, {attribute: low}), behind_prefix(_head(entry.sort, {attribute: high}))
    return [Strand(partition=_sharded(entry.partition, shard), low=first, high=last) for shard in range(SHARDS)]


def passing(wanted: PeopleFilter, source: str, counts: Counts) -> float:
    """Return the expected share of a source's items that pass the rest of the filter, as if the facets were independent."""
    total = counts.total or GUESSED_TOTAL
    decided = {source, "state"} if source == "city" else {source}
    share = 1.0
    for facet in FACET:
        chosen, unwanted = both_keys(wanted, facet)
        if facet in decided:
            continue
        if chosen:
            share *= min(1.0, people_of(facet, chosen, counts) / total)
        if unwanted:
            share *= max(0.0, 1 - people_of(facet, unwanted, counts) / total)
    if source != "attended" and attended_range(wanted) != EVERY:
        share *= min(1.0, counts.between("ATTENDED", *attended_range(wanted)) / total)
    if source != "hosted" and hosted_range(wanted) != EVERY:
        share *= min(1.0, counts.between("HOSTED", *hosted_range(wanted)) / total)
    if wanted.email_status and counts.total:
        share *= min(1.0, counts.people("EMAILSTATUS", [status.value for status in set(wanted.email_status)]) / total)
    if source not in {"q", "name"} and wanted.words:
        share *= SEARCH_SHARE if counts.search is None else min(1.0, counts.search / total)
    if source != "members":
        share *= min(1.0, (counts.members or 0) / total) if wanted.names_members else max(0.0, 1 - counts.unwanted / total)
    inner = replace(counts, search=None, unwanted=0)
    for one in wanted.all_of:
        share *= passing(one, "", inner)
    for one in wanted.none_of:
        share *= 1 - passing(one, "", inner)
    return share


def cost(candidate: Plan) -> int:
    """Return the items read for everything; a pointer costs its person on top."""
    return candidate.estimate * (2 if candidate.source == "q" else 1)


def whole_cost(candidate: Plan) -> int:
    """Return what it costs to read everybody, in items of an index."""
    return candidate.estimate * (LOOKED_UP if candidate.source in POINTERS else 1)


def _filled(template: str, attribute: str, key: str) -> str:
    """The template with a key, folded and escaped already, for one of its attributes."""
    return re.sub(r"\{" + attribute + r":\w+\??\}", lambda _: key, template)


def _sharded(template: str, shard: int) -> str:
    return re.sub(r"\{\w+:shard\}", str(shard), template)


def _head(template: str, values: Mapping[str, Any]) -> str:
    """The template up to the first attribute that `values` lacks."""
    head = template
    while (text := render(head, values)) is None:
        head = head[: head.rindex("{")]
    return text
