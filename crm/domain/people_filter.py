"""The people filter: what the list, its CSV, a segment, an audience and the API all mean by the same words."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from crm.domain.folding import fold, fold_words
from crm.domain.groups import Group, GroupKind, group
from crm.domain.people import EmailStatus, Person, search_tokens

MAX_COUNT = 999_999


class Order(StrEnum):
    """How people are sorted. `SOURCE` is the order of whatever index answers, the cheapest.

    By name: last, first, id. By a count: most first, ties by id.
    """

    SOURCE = ""
    NAME = "name"
    ATTENDED = "attended"
    HOSTED = "hosted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFilter:
    """Which people. Values are as typed and compare folded; several values of a field mean either, fields must all hold.

    `None` for a count means no bound; both ends belong to the range. `attends` holds event ids (registered or attended), each
    perhaps with a status, as in `e1:waitlisted`; `mailed` campaign ids (sent or uncertain), each perhaps with an outcome, as in
    `c1:opened`; `selected` ids of tasks and imports (whom they work on), `ids` people themselves.

    Of `within` every group must hold, of `without` none may (crm/domain/groups.py). `all_of` and `none_of` are filters of
    segments named there, looked up by whoever evaluates (crm/store/people_asked.py); one that is parsed or kept has none.
    """

    company: tuple[str, ...] = ()
    job_title: tuple[str, ...] = ()
    city: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    company_not: tuple[str, ...] = ()
    job_title_not: tuple[str, ...] = ()
    city_not: tuple[str, ...] = ()
    state_not: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    tag_not: tuple[str, ...] = ()
    hosted_min: int | None = None
    hosted_max: int | None = None
    attended_min: int | None = None
    attended_max: int | None = None
    q: str = ""
    email_status: tuple[EmailStatus, ...] = ()
    attends: tuple[str, ...] = ()
    attends_not: tuple[str, ...] = ()
    mailed: tuple[str, ...] = ()
    mailed_not: tuple[str, ...] = ()
    selected: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    all_of: tuple["PeopleFilter", ...] = ()
    none_of: tuple["PeopleFilter", ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The folded words of `q`, each a prefix that must hold."""
        return tuple(dict.fromkeys(fold_words(self.q)))

    @property
    def is_empty(self) -> bool:
        """Whether everybody matches."""
        return self == PeopleFilter()

    @property
    def needs_membership(self) -> bool:
        """Whether events, campaigns, selections, groups or ids decide, which a profile does not tell."""
        return bool(self.names_members or self.attends_not or self.mailed_not or self.without)

    @property
    def names_members(self) -> bool:
        """Whether it asks for people that are known by id beforehand."""
        return bool(self.attends or self.mailed or self.selected or self.ids or self.within)

    @property
    def groups(self) -> tuple[Group, ...]:
        """What `within` and `without` name."""
        return tuple(group(value) for value in (*self.within, *self.without))

    @property
    def segment_ids(self) -> tuple[str, ...]:
        """The segments that `within` and `without` name, each once."""
        return tuple(dict.fromkeys(one.id for one in self.groups if one.kind is GroupKind.SEGMENT))

    def fingerprint(self) -> str:
        """The filter as canonical text: equal for filters that mean the same."""
        return json.dumps(
            {
                name: sorted({_canonical(value) for value in values}) if isinstance(values, tuple) else values
                for name, values in self._set_fields()
            },
            sort_keys=True,
        )

    def _set_fields(self) -> list[tuple[str, object]]:
        pairs = [(f.name, getattr(self, f.name)) for f in fields(self)]
        return [
            (name, " ".join(sorted(self.words)) if name == "q" else value) for name, value in pairs if value not in ((), None, "")
        ]

    def matches(self, person: Person) -> bool:
        """Tell whether the profile of `person` passes; events, campaigns, selections, groups and ids are not looked at."""
        profile = person.profile
        return (
            all(
                (not wanted or fold(value) in _folded(wanted)) and fold(value) not in _folded(unwanted)
                for value, wanted, unwanted in (
                    (profile.company, self.company, self.company_not),
                    (profile.job_title, self.job_title, self.job_title_not),
                    (profile.city, self.city, self.city_not),
                    (profile.state, self.state, self.state_not),
                )
            )
            and (not self.tag or bool(_folded(self.tag) & _folded(profile.tags)))
            and not _folded(self.tag_not) & _folded(profile.tags)
            and (self.hosted_min or 0) <= person.hosted_event_count <= (MAX_COUNT if self.hosted_max is None else self.hosted_max)
            and (self.attended_min or 0)
            <= person.attended_event_count
            <= (MAX_COUNT if self.attended_max is None else self.attended_max)
            and (not self.email_status or person.email_status in self.email_status)
            and all(_word_matches(word, profile.last_name, search_tokens(profile)) for word in self.words)
            and all(one.matches(person) for one in self.all_of)
            and not any(one.matches(person) for one in self.none_of)
        )


def _canonical(value: "str | PeopleFilter") -> str:
    return value.fingerprint() if isinstance(value, PeopleFilter) else fold(value)


def _folded(values: Sequence[str]) -> frozenset[str]:
    return frozenset(fold(value) for value in values)


def _word_matches(word: str, last_name: str, tokens: Sequence[str]) -> bool:
    if len(word) == 1:
        return fold(last_name).startswith(word)
    return any(token.startswith(word) for token in tokens)
