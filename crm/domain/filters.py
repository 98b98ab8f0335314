"""The people filter in the contract's names: read from a query string, a body or an item, and written again."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from crm.domain.errors import FieldError, RuleViolation
from crm.domain.folding import control_characters, fold, fold_words
from crm.domain.groups import Group, GroupKind, attending, group, mailing
from crm.domain.outcomes import Outcome
from crm.domain.people import EmailStatus, distinct
from crm.domain.people_filter import MAX_COUNT, Order, PeopleFilter

__all__ = [
    "MAX_COUNT",
    "NAMES",
    "NUMBERS",
    "PAGING_FIELDS",
    "Group",
    "GroupKind",
    "Order",
    "Outcome",
    "PeopleFilter",
    "attending",
    "filter_values",
    "group",
    "mailing",
    "parse_filter",
    "parse_order",
]

MAX_VALUES = 50
MAX_GROUPS = 20
MAX_IDS = 200
MAX_LENGTH = 7_500
"""Characters of a filter in an address: servers take 8,190 in all, with its path and the link to a page."""
PAGING_FIELDS = frozenset({"order", "limit", "nextToken", "prevToken", "explain"})

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
    "within": "within",
    "without": "without",
}
CHECKS = {
    "attends": attending,
    "attendsNot": attending,
    "mailed": mailing,
    "mailedNot": mailing,
    "within": group,
    "without": group,
}
"""What reads the values of a field; RuleViolation for one that can't be."""
MOST = {"id": MAX_IDS, "within": MAX_GROUPS, "without": MAX_GROUPS}
"""How many values these fields can have, the others MAX_VALUES."""
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
    for name, check in CHECKS.items():
        for value in distinct(values.get(name, ())):
            try:
                check(value)
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
    most = MOST.get(name, MAX_VALUES)
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
