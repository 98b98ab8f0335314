"""What a plan must know: how many people have which value, and what follows from that without reading anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from crm.domain.filters import MAX_COUNT, Order, PeopleFilter
from crm.domain.folding import fold
from crm.store.keys import behind_prefix, count, escape
from crm.store.stats import CounterRange, RowKey, Snapshot

GUESSED_TOTAL = 10_000
GUESSED_SHARE = {"COMPANY": 0.1, "JOBTITLE": 0.2, "STATE": 0.05, "CITY": 0.05, "TAG": 0.1, "ATTENDED": 0.8, "HOSTED": 0.8}
"""What is assumed while nobody was ever counted."""
FACET = {"company": "COMPANY", "jobTitle": "JOBTITLE", "state": "STATE", "city": "CITY", "tag": "TAG"}
"""Counter of each field of text."""
ATTRIBUTE = {"company": "company", "jobTitle": "job_title", "state": "state", "city": "city", "tag": "tag"}
COUNTED = (*FACET.values(), "NAME", "ATTENDED", "HOSTED", "EMAILSTATUS")
EVERY = (0, MAX_COUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was counted: `rows` as `{counter: {key: people}}`, `total` None when nobody ever was.

    `search` is how many search tokens begin with the word that is looked up, as far as they were counted; `members` how many
    people the events, campaigns and groups of the filter name, `unwanted` how many they leave out.
    """

    total: int | None = None
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    search: int | None = None
    members: int | None = None
    unwanted: int = 0

    @classmethod
    def of(cls, snapshot: Snapshot, *, members: int | None = None, unwanted: int = 0) -> "Counts":
        """Return the counts of a snapshot that `needed` asked for."""
        rows: dict[str, Mapping[str, int]] = {
            what: {key: int(row.get("n", 0)) for key, row in snapshot.rows(what).items()} for what in COUNTED
        }
        total = snapshot.value("PEOPLE", "TOTAL") if snapshot.has("PEOPLE", "TOTAL") else None
        return cls(total=total, rows=rows, members=members, unwanted=unwanted)

    def people(self, what: str, keys: Sequence[str]) -> int:
        """Return how many people the rows `keys` hold together; a guess while nobody was counted."""
        if self.total is None:
            return round(GUESSED_TOTAL * min(1.0, GUESSED_SHARE[what] * len(keys)))
        return sum(max(0, self.rows.get(what, {}).get(key, 0)) for key in keys)

    def between(self, what: str, low: int, high: int) -> int:
        """Return how many people have a count from `low` to `high`."""
        if self.total is None:
            return round(GUESSED_TOTAL * GUESSED_SHARE[what])
        rows = self.rows.get(what, {})
        return sum(max(0, number) for key, number in rows.items() if count(low) <= key <= count(high))

    def letters(self) -> list[str]:
        """Return the escaped first characters of last names that exist, in order of the keys."""
        return sorted(key for key, number in self.rows.get("NAME", {}).items() if number > 0)


def needed(wanted: PeopleFilter, order: Order, *, whole: bool = False) -> tuple[list[RowKey], list[CounterRange]]:
    """Return the counters that a plan for this filter and order asks for, `whole` where it is for reading everybody."""
    keys: list[RowKey] = [("PEOPLE", "TOTAL")]
    for one in (wanted, *wanted.all_of, *wanted.none_of):
        keys += [key for key in _facet_keys(one) if key not in keys]
    cities = dict.fromkeys(key for some in both_keys(wanted, "city") for key in some)
    ranges = [CounterRange("CITY", f"{city}#", behind_prefix(f"{city}#")) for city in cities]
    keys += [("NAME", escape(word)) for word in wanted.words if len(word) == 1]
    for what, low, high in (("ATTENDED", *attended_range(wanted)), ("HOSTED", *hosted_range(wanted))):
        if low <= high and ((low, high) != EVERY or order.value.upper() == what):
            ranges.append(CounterRange(what, count(low), count(high)))
    if asks_all_names(wanted, order, whole=whole):
        ranges.append(CounterRange("NAME"))
    return keys, ranges


def _facet_keys(wanted: PeopleFilter) -> list[RowKey]:
    """The rows of the values that it names; cities stand in ranges."""
    keys: list[RowKey] = []
    for facet, what in FACET.items():
        if facet != "city":
            keys += [(what, key) for some in both_keys(wanted, facet) for key in some]
    return [*keys, *(("EMAILSTATUS", status.value) for status in wanted.email_status)]


def decides_places(ranges: Sequence[CounterRange]) -> bool:
    """Tell whether a plan reads where these counters say that somebody is, first letters and cities: then none may lack."""
    return any(wanted.what in {"NAME", "CITY"} for wanted in ranges)


def has_facet(wanted: PeopleFilter) -> bool:
    """Tell whether a source other than all names can answer the filter."""
    texts = (wanted.company, wanted.job_title, wanted.city, wanted.state, wanted.tag)
    return (
        any(texts) or wanted.names_members or bool(wanted.words) or attended_range(wanted) != EVERY or hosted_range(wanted)[0] > 0
    )


def asks_all_names(wanted: PeopleFilter, order: Order, *, whole: bool) -> bool:
    """Tell whether all names are a source for the filter: for their order, for want of another, or to do without pointers.

    Whoever is read `whole` costs less among all names than by a pointer, where many match.
    """
    by_pointer = bool(wanted.words or wanted.names_members)
    return order in {Order.NAME, Order.HOSTED} or not has_facet(wanted) or (whole and by_pointer)


def has_other_sources(wanted: PeopleFilter) -> bool:
    """Tell whether more than one source can answer a filter that looks up a word."""
    return has_facet(replace(wanted, q="")) or any(len(word) == 1 for word in wanted.words)


def search_word(wanted: PeopleFilter) -> str:
    """Return the word of `q` that is looked up: the longest, "" when none has two characters.

    Of equally long ones the greatest, whatever order they were typed in: a page token is good for any.
    """
    return max((word for word in wanted.words if len(word) > 1), key=lambda word: (len(word), word), default="")


def attended_range(wanted: PeopleFilter) -> tuple[int, int]:
    """Return the bounds of attendedEventCount, both included."""
    return wanted.attended_min or 0, MAX_COUNT if wanted.attended_max is None else wanted.attended_max


def hosted_range(wanted: PeopleFilter) -> tuple[int, int]:
    """Return the bounds of hostedEventCount, both included."""
    return wanted.hosted_min or 0, MAX_COUNT if wanted.hosted_max is None else wanted.hosted_max


def facets_of(wanted: PeopleFilter) -> list[str]:
    """Return the names of what the filter asks about a profile."""
    facets = [name for name in FACET if any(both_keys(wanted, name))]
    facets += ["q"] * bool(wanted.words) + ["emailStatus"] * bool(wanted.email_status)
    facets += ["attended"] * (attended_range(wanted) != EVERY) + ["hosted"] * (hosted_range(wanted) != EVERY)
    return facets + ["segments"] * bool(wanted.all_of or wanted.none_of)


def asks_nothing(wanted: PeopleFilter) -> bool:
    """Tell whether a filter leaves nobody out: how many they are is one counter."""
    return not wanted.needs_membership and not facets_of(wanted)


def asks_one_word(wanted: PeopleFilter) -> bool:
    """Tell whether search tokens alone say who matches."""
    alone = facets_of(wanted) == ["q"] and not wanted.needs_membership
    return alone and [len(word) > 1 for word in wanted.words] == [True]


def asks_one_tag(wanted: PeopleFilter) -> bool:
    """Tell whether a filter asks for a single tag, and at most for an e-mail status besides."""
    one = len(both_keys(wanted, "tag")[0]) == 1 and not wanted.tag_not
    return one and not {*facets_of(wanted)} - {"tag", "emailStatus"} and not wanted.needs_membership


def counted(wanted: PeopleFilter, counts: Counts) -> int | None:
    """Return how many people match where counters alone tell: nobody is asked for, or one facet decides. Else None."""
    if counts.total is None:
        return None
    facets = facets_of(wanted)
    if wanted.needs_membership:
        return None
    if wanted.city and not {*facets} - {"city", "state"}:
        return sum(counts.people("CITY", [f"{city}#{state}"]) for city, state in places(wanted, counts))
    if len(facets) > 1:
        return None
    return counts.total if not facets else _counted_by(facets[0], wanted, counts, counts.total)


def _counted_by(facet: str, wanted: PeopleFilter, counts: Counts, total: int) -> int | None:
    if facet == "attended":
        return counts.between("ATTENDED", *attended_range(wanted))
    if facet == "hosted":
        return counts.between("HOSTED", *hosted_range(wanted))
    if facet == "emailStatus":
        return counts.people("EMAILSTATUS", [status.value for status in dict.fromkeys(wanted.email_status)])
    if facet == "segments":
        return None
    if facet == "q":
        return counts.people("NAME", [escape(wanted.words[0])]) if [len(word) for word in wanted.words] == [1] else None
    chosen, unwanted = both_keys(wanted, facet)
    if facet == "tag" and len(chosen) + len(unwanted) > 1:
        return None
    if chosen:
        return people_of(facet, [key for key in chosen if key not in unwanted], counts)
    return total - people_of(facet, unwanted, counts)


def places(wanted: PeopleFilter, counts: Counts) -> list[tuple[str, str]]:
    """Return the (city, state) keys in which people of the filter's cities and states are; state "" is none."""
    cities, states = chosen_keys(wanted, "city"), chosen_keys(wanted, "state")
    if counts.total is None:
        return [(city, state) for city in cities for state in states]
    there = (key.split("#") for key, number in counts.rows.get("CITY", {}).items() if number > 0)
    _, unwanted = both_keys(wanted, "state")
    return [
        (city, state)
        for city, state in sorted((pair[0], pair[1]) for pair in there)
        if city in cities and state not in unwanted and (not wanted.state or state in states)
    ]


def people_of(facet: str, keys: Sequence[str], counts: Counts) -> int:
    """Return how many people have one of the values `keys`; tags that one person has several of count several times."""
    if facet != "city":
        return counts.people(FACET[facet], keys)
    if counts.total is None:
        return counts.people("CITY", keys)
    return sum(max(0, number) for key, number in counts.rows.get("CITY", {}).items() if _city_of(key) in keys)


def both_keys(wanted: PeopleFilter, facet: str) -> tuple[list[str], list[str]]:
    """Return the folded, escaped values that are asked for, and those that are excluded."""
    name = ATTRIBUTE[facet]
    return _keys(getattr(wanted, name)), _keys(getattr(wanted, f"{name}_not"))


def chosen_keys(wanted: PeopleFilter, facet: str) -> list[str]:
    """Return the values that are asked for and not excluded."""
    chosen, unwanted = both_keys(wanted, facet)
    return [key for key in chosen if key not in unwanted]


def _keys(values: Sequence[str]) -> list[str]:
    return sorted({escape(fold(value)) for value in values})


def _city_of(key: str) -> str:
    return key.rpartition("#")[0]
