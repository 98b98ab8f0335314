"""What is asked of the results of mailings: which e-mails, from when to when."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from crm.domain.campaigns import Utm
from crm.domain.emails import Email, EmailState
from crm.domain.errors import FieldError, RuleViolation
from crm.domain.folding import fold
from crm.domain.outcomes import Outcome
from crm.domain.people import folded_address

Moment = date | datetime
"""One end of a range: a day of the organisation's zone, or an aware moment."""

HOUR = timedelta(hours=1)
YEARS = range(1970, 3000)
MAX_TEXT = 200
MAX_VALUES = 50
NONE = "(none)"
"""What stands in a query string for e-mails without that UTM value."""
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailQuery:
    """Which e-mails. Several values of a field mean either, fields must all hold; UTM values and domains compare folded,
    the UTM value NONE is that of e-mails without one.

    `domains` are what e-mails count under: of an address, or OTHER for those that are not named. `outcome` narrows lists of
    e-mails alone: counters tell how many were opened, but not how many of those that were opened are something else as well.

    Both ends of the range belong to it, None is no bound. It is counted in whole UTC hours by when an e-mail was created: an
    hour that an end cuts belongs to it. Days are those of `zone`.
    """

    statuses: tuple[EmailState, ...] = ()
    campaign_ids: tuple[str, ...] = ()
    utm_campaign: tuple[str, ...] = ()
    utm_source: tuple[str, ...] = ()
    utm_medium: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    outcome: Outcome | None = None
    start: Moment | None = None
    end: Moment | None = None
    zone: tzinfo = UTC

    @property
    def first_hour(self) -> datetime | None:
        """The first hour that counts, in UTC; None where there is no start."""
        return None if self.start is None else _hour(_begin(self.start, self.zone))

    @property
    def last_hour(self) -> datetime | None:
        """The last hour that counts, in UTC; None where there is no end."""
        if self.end is None or isinstance(self.end, datetime):
            return None if self.end is None else _hour(self.end)
        return _hour(_begin(self.end + timedelta(days=1), self.zone) - timedelta(microseconds=1))

    def covers(self, moment: datetime) -> bool:
        """Tell whether the hour of `moment` belongs to the range."""
        first, last = self.first_hour, self.last_hour
        return (first is None or first <= _hour(moment)) and (last is None or _hour(moment) <= last)

    def day(self, hour: datetime) -> date:
        """Return the day that an hour counts for: that in which it begins, but never a day outside the range."""
        day = hour.astimezone(self.zone).date()
        low, high = (_day(end, self.zone) for end in (self.start, self.end))
        return max(day, low or day) if high is None else min(max(day, low or day), high)

    def wants_campaign(self, campaign_id: str, utm: Utm) -> bool:
        """Tell whether e-mails of this campaign pass, whatever became of them."""
        return (not self.campaign_ids or campaign_id in self.campaign_ids) and all(
            not wanted or utm_key(value) in {utm_key(one) for one in wanted}
            for value, wanted in (
                (utm.campaign, self.utm_campaign),
                (utm.source, self.utm_source),
                (utm.medium, self.utm_medium),
            )
        )

    def wants_status(self, status: str) -> bool:
        """Tell whether e-mails of that status pass."""
        return not self.statuses or status in self.statuses

    def wants_domain(self, domain: str) -> bool:
        """Tell whether e-mails that count under that domain pass."""
        return not self.domains or domain in {folded_address(one) for one in self.domains}

    def matches(self, email: Email) -> bool:
        """Tell whether one e-mail passes: what tiles, series, list and CSV all count, the outcome aside."""
        return (
            self.wants_status(email.status)
            and self.wants_campaign(email.campaign_id, email.utm)
            and self.covers(email.created_at)
            and self.wants_domain(email.domain)
            and (self.outcome is None or email.became(self.outcome))
        )

    def fingerprint(self) -> str:
        """The query as canonical text, to which page tokens are bound."""
        values = {name: sorted(values) for name, values in query_values(self).items()}
        return json.dumps([values, str(self.zone)], sort_keys=True)


def utm_key(value: str) -> str:
    """Return what UTM values are told apart by; NONE is the same as nothing.

    >>> utm_key(" Spring") == utm_key("spring"), utm_key(NONE)
    (True, '')
    """
    folded = fold(value)
    return "" if folded == NONE else folded


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _begin(moment: Moment, zone: tzinfo) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.min, zone)


def _day(moment: Moment | None, zone: tzinfo) -> date | None:
    return moment.astimezone(zone).date() if isinstance(moment, datetime) else moment


TEXTS = {
    "campaign_id": "campaign_ids",
    "utm_campaign": "utm_campaign",
    "utm_source": "utm_source",
    "utm_medium": "utm_medium",
    "domain": "domains",
}
COUNT_NAMES = frozenset({"status", *TEXTS, "start_date", "end_date"})
"""Every name that a query of counts may have in a query string."""
QUERY_NAMES = COUNT_NAMES | {"outcome"}
"""Every name that a query of e-mails may have there."""


def parse_email_query(values: Mapping[str, Sequence[str]], *, zone: tzinfo | str = UTC) -> EmailQuery:
    """Return what `{contract name: values as typed}` asks for; other names are left alone, empty values count as not given.

    `zone` is the organisation's, or its name: a day, and a time without a zone, is meant there. RuleViolation names each bad
    field.
    """
    zone = ZoneInfo(zone) if isinstance(zone, str) else zone
    errors: list[FieldError] = []
    texts = {attribute: _texts(name, values.get(name, ()), errors) for name, attribute in TEXTS.items()}
    query = EmailQuery(
        statuses=_statuses(values.get("status", ()), errors),
        outcome=_outcome(values.get("outcome", ()), errors),
        start=_moment("start_date", values.get("start_date", ()), zone, errors),
        end=_moment("end_date", values.get("end_date", ()), zone, errors),
        zone=zone,
        **texts,
    )
    if query.start and query.end and not errors and _begin(query.start, zone) > _end(query.end, zone):
        errors.append(FieldError(field="start_date", message="The first day is after the last one; nothing can match."))
    if errors:
        raise RuleViolation("; ".join(error.message for error in errors), errors=errors)
    return query


def query_values(query: EmailQuery) -> dict[str, list[str]]:
    """Return the query under the contract's names, the inverse of `parse_email_query`; only what is set."""
    given = {
        "status": [status.value for status in query.statuses],
        "outcome": [query.outcome.value] if query.outcome else [],
        **{name: list(getattr(query, attribute)) for name, attribute in TEXTS.items()},
        "start_date": [query.start.isoformat()] if query.start else [],
        "end_date": [query.end.isoformat()] if query.end else [],
    }
    return {name: values for name, values in given.items() if values}


def days_between(first: date, last: date) -> Iterator[date]:
    """Give each day from `first` to `last`, both included.

    >>> [day.day for day in days_between(date(2026, 4, 30), date(2026, 5, 2))]
    [30, 1, 2]
    """
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _end(moment: Moment, zone: tzinfo) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.max, zone)


def _given(typed: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(value.strip() for value in typed if value.strip()))


def _texts(name: str, typed: Sequence[str], errors: list[FieldError]) -> tuple[str, ...]:
    given = _given(typed)
    if len(given) > MAX_VALUES or any(len(value) > MAX_TEXT for value in given):
        message = f"{name} can have {MAX_VALUES} values of {MAX_TEXT} characters each."
        errors.append(FieldError(field=name, message=message))
    return tuple(given)


def _statuses(typed: Sequence[str], errors: list[FieldError]) -> tuple[EmailState, ...]:
    given = _given(typed)
    if unknown := [value for value in given if value not in set(EmailState)]:
        message = f"status “{unknown[0][:40]}” is unknown; use {', '.join(EmailState)}."
        errors.append(FieldError(field="status", message=message))
        return ()
    return tuple(EmailState(value) for value in given)


def _outcome(typed: Sequence[str], errors: list[FieldError]) -> Outcome | None:
    given = _given(typed)
    if len(given) > 1 or any(value not in set(Outcome) for value in given):
        message = f"outcome must be one of {', '.join(Outcome)}."
        errors.append(FieldError(field="outcome", message=message))
        return None
    return Outcome(given[0]) if given else None


def _moment(name: str, typed: Sequence[str], zone: tzinfo, errors: list[FieldError]) -> Moment | None:
    given = _given(typed)
    if not given:
        return None
    try:
        if len(given) > 1:
            raise ValueError("more than one")
        return _parsed(given[0], zone)
    except ValueError:
        message = f"{name} must be one day such as 2026-05-01, or a time such as 2026-05-01T09:00:00Z."
        errors.append(FieldError(field=name, message=message))
        return None


def _parsed(text: str, zone: tzinfo) -> Moment:
    if DAY.fullmatch(text):
        moment: Moment = date.fromisoformat(text)
    elif TIME.fullmatch(text):
        read = datetime.fromisoformat(text)
        moment = read if read.tzinfo else read.replace(tzinfo=zone)
    else:
        raise ValueError("neither a day nor a time")
    if moment.year not in YEARS:
        raise ValueError("no year of ours")
    return moment
