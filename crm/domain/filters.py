"""The people filter: what the list, its CSV, a segment, an audience and the API all mean by the same words."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from urllib.parse import urlencode

from crm.domain.errors import FieldError, RuleViolation
from crm.domain.events import SEATED, AttendanceStatus
from crm.domain.folding import control_characters, fold, fold_words
from crm.domain.people import EmailStatus, Person, distinct, search_tokens

MAX_VALUES = 50
MAX_IDS = 200
MAX_COUNT = 999_999
MAX_LENGTH = 7_500
"""Characters of a filter in an address: servers take 8,190 in all, with its path and the link to a page."""
PAGING_FIELDS = frozenset({"order", "limit", "nextToken", "prevToken", "explain"})


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
    perhaps with a status, as in `e1:waitlisted`; `mailed` campaign ids (sent or uncertain), `selected` ids of tasks and imports
    (whom they work on), `ids` people themselves.
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
        """Whether events, campaigns, selections or ids decide, which a profile does not tell."""
        return bool(self.names_members or self.attends_not or self.mailed_not)

    @property
    def names_members(self) -> bool:
        """Whether it asks for people that are known by id beforehand."""
        return bool(self.attends or self.mailed or self.selected or self.ids)

    def fingerprint(self) -> str:
        """The filter as canonical text: equal for filters that mean the same."""
        return json.dumps(
            {
                name: sorted({fold(value) for value in values}) if isinstance(values, tuple) else values
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
        """Tell whether the profile of `person` passes; events, campaigns, selections and ids are not looked at."""
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
        )


def attending(value: str) -> tuple[str, frozenset[AttendanceStatus]]:
    """Return event id and statuses that a value of `attends` means; RuleViolation for a status that does not exist.

    >>> attending("e1:no_show")
    ('e1', frozenset({<AttendanceStatus.NO_SHOW: 'no_show'>}))
    >>> attending("e1") == ("e1", SEATED)
    True
    """
    event_id, colon, status = value.partition(":")
    if not colon:
        return event_id, SEATED
    if status not in set(AttendanceStatus):
        allowed = ", ".join(AttendanceStatus)
        raise RuleViolation(f"“{status[:40]}” is not where somebody can stand with an event; use {allowed}.", field="attends")
    return event_id, frozenset({AttendanceStatus(status)})


def _folded(values: Sequence[str]) -> frozenset[str]:
    return frozenset(fold(value) for value in values)


def _word_matches(word: str, last_name: str, tokens: Sequence[str]) -> bool:
    if len(word) == 1:
        return fold(last_name).startswith(word)
    return any(token.startswith(word) for token in tokens)


TEXTS = {
    "company": "company",
    "jobTitle": "job_title",
    "city": "city",
    "state": "state",
    "companyNot": "company_not",
    "jobTitleNot": "job_title_not",
    "cityNot": "city_not",
    "stateNot": "state_not",
    "tag": "tag",
    "tagNot": "tag_not",
    "attends": "attends",
    "attendsNot": "attends_not",
    "mailed": "mailed",
    "mailedNot": "mailed_not",
    "selected": "selected",
    "id": "ids",
}
NUMBERS = {
    "hostedEventCountMin": "hosted_min",
    "hostedEventCountMax": "hosted_max",
    "attendedEventCountMin": "attended_min",
    "attendedEventCountMax": "attended_max",
}
NAMES = frozenset({*TEXTS, *NUMBERS, "q", "emailStatus"})
"""Every name that a filter may have in a query string, a JSON body or a segment."""


def parse_filter(values: Mapping[str, Sequence[str]], *, stored: bool = False) -> PeopleFilter:
    """Return the filter that `{contract name: values as typed}` means; names that are not a filter's are left alone.

    RuleViolation names each field whose value can't be, and the longest where no address holds the filter, unless it is one that
    was `stored`. Empty values count as not given.
    """
    errors: list[FieldError] = []
    parsed: dict[str, object] = {}
    for name, attribute in TEXTS.items():
        parsed[attribute] = _texts(name, values.get(name, ()), errors)
    for name in ("attends", "attendsNot"):
        for value in values.get(name, ()):
            try:
                attending(value.strip())
            except RuleViolation as error:
                errors.append(FieldError(field=name, message=error.message))
    for name, attribute in NUMBERS.items():
        parsed[attribute] = _number(name, values.get(name, ()), errors)
    parsed["q"] = _search(values.get("q", ()), errors)
    parsed["email_status"] = _statuses(values.get("emailStatus", ()), errors)
    for name in ("hosted", "attended"):
        low, high = parsed[f"{name}_min"], parsed[f"{name}_max"]
        if isinstance(low, int) and isinstance(high, int) and low > high:
            errors.append(
                FieldError(field=f"{name}EventCountMin", message=f"“From” ({low}) is more than “to” ({high}); nobody can match.")
            )
    if errors:
        raise RuleViolation("; ".join(error.message for error in errors), errors=errors)
    wanted = PeopleFilter(**parsed)  # type: ignore[arg-type]  # each value was parsed to its field's type above
    if not stored:
        _check_length(filter_values(wanted))
    return wanted


def _check_length(values: Mapping[str, Sequence[str]]) -> None:
    if len(urlencode(values, doseq=True)) > MAX_LENGTH:
        longest = max(values, key=lambda name: len(urlencode({name: values[name]}, doseq=True)))
        raise RuleViolation("This filter is too long for an address; take some values out of its longest field.", field=longest)


def filter_values(wanted: PeopleFilter) -> dict[str, list[str]]:
    """Return the filter under the contract's names, the inverse of `parse_filter`; only what is set."""
    out: dict[str, list[str]] = {}
    for name, attribute in TEXTS.items():
        if getattr(wanted, attribute):
            out[name] = list(getattr(wanted, attribute))
    for name, attribute in NUMBERS.items():
        if getattr(wanted, attribute) is not None:
            out[name] = [str(getattr(wanted, attribute))]
    if wanted.q:
        out["q"] = [wanted.q]
    if wanted.email_status:
        out["emailStatus"] = [status.value for status in wanted.email_status]
    return out


def parse_order(text: str) -> Order:
    """Return the order of that name; RuleViolation on another."""
    try:
        return Order(text)
    except ValueError:
        raise RuleViolation("order can be name, attended or hosted.", field="order") from None


def _texts(name: str, typed: Sequence[str], errors: list[FieldError]) -> tuple[str, ...]:
    values = distinct(typed)
    if any(control_characters(value) for value in values):
        errors.append(FieldError(field=name, message=f"{name} has a control character in it; remove it."))
    elif any(not fold(value) or len(fold(value).encode()) > 500 for value in values):
        errors.append(FieldError(field=name, message=f"{name} is too long, or has only accents in it; nobody can match."))
    most = MAX_IDS if name == "id" else MAX_VALUES
    if len(values) > most:
        errors.append(FieldError(field=name, message=f"{name} can have {most} values; these are {len(values)}."))
    return values


def _number(name: str, typed: Sequence[str], errors: list[FieldError]) -> int | None:
    given = [value.strip() for value in typed if value.strip()]
    if not given:
        return None
    if len(given) > 1 or not (given[0].isascii() and given[0].isdigit()) or len(given[0]) > 6:
        errors.append(FieldError(field=name, message=f"{name} must be one whole number from 0 to {MAX_COUNT:,}."))
        return None
    return int(given[0])


def _search(typed: Sequence[str], errors: list[FieldError]) -> str:
    text = " ".join(" ".join(typed).split())
    if control_characters(text):
        errors.append(FieldError(field="q", message="The search text has a control character in it; remove it."))
    elif len(fold(text).encode()) > 300 or len(fold_words(text)) > 10:
        errors.append(FieldError(field="q", message="The search text is too long; ten words are the most."))
    elif text and not fold_words(text):
        errors.append(FieldError(field="q", message="The search text has only accents in it; type at least one letter."))
    return text


def _statuses(typed: Sequence[str], errors: list[FieldError]) -> tuple[EmailStatus, ...]:
    given = dict.fromkeys(value.strip() for value in typed if value.strip())
    if unknown := [value for value in given if value not in set(EmailStatus)]:
        allowed = ", ".join(EmailStatus)
        errors.append(FieldError(field="emailStatus", message=f"emailStatus “{unknown[0][:40]}” is unknown; use {allowed}."))
        return ()
    return tuple(EmailStatus(value) for value in given)
