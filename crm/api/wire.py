"""The shapes that calls share: typed requests, lists, times and the people filter."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Protocol, TypedDict, TypeVar, cast

from django.http import HttpRequest
from ninja import Field, Schema
from ninja.parser import Parser
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, StrictBool, StrictInt

from crm.api.errors import UnsupportedMediaType
from crm.domain.errors import FieldError, RuleViolation
from crm.domain.filters import MAX_COUNT, PAGING_FIELDS, Order, Outcome, PeopleFilter, parse_filter
from crm.domain.people import EmailStatus
from crm.services import segments
from crm.staff import TokenUse
from crm.store import Store
from crm.store.keys import stamp

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
T = TypeVar("T")
PAGING = frozenset({"limit", "nextToken", "prevToken"})
"""Parameters of every list."""
FIRST_YEAR, LAST_YEAR = 1970, 9998
FLAGS = ("1", "true", "0", "false", "")
"""What a yes or no can be in a query string; empty is no."""


class ApiRequest(HttpRequest):
    """A request with a good token: `auth` says whose, `store` is at hand."""

    auth: TokenUse
    store: Store


class JsonParser(Parser):
    """JSON in UTF-8 and nothing else: no NaN, no half characters."""

    def parse_body(self, request: HttpRequest) -> Any:
        kind = (request.content_type or "").lower()
        if kind != "application/json" and not kind.endswith("+json"):
            raise UnsupportedMediaType("Send the body as application/json.")
        data = json.loads(request.body, parse_constant=_refuse)
        json.dumps(data, ensure_ascii=False).encode()
        return data


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


class In(Schema):
    """A body; a member that the call does not know is refused, because a misspelled filter would match everybody."""

    model_config = ConfigDict(extra="forbid", str_max_length=200_000)


class Page(Schema, Generic[T]):
    """One page of a list, and the tokens of those beside it."""

    items: list[T]
    nextToken: str | None = None
    prevToken: str | None = None


class Found(Protocol[S_co]):
    """One page as a repository gives it."""

    @property
    def items(self) -> Sequence[S_co]: ...
    @property
    def next_token(self) -> str | None: ...
    @property
    def prev_token(self) -> str | None: ...


class Cut(TypedDict):
    """Which page of a list: how many, and behind which token."""

    limit: int
    token: str | None


class Problem(Schema):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None


PROBLEMS = {frozenset({400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503}): Problem}
"""What any call may answer instead."""


def typed(request: HttpRequest) -> ApiRequest:
    """Return the request as what Scope and the store's middleware have made of it."""
    return cast(ApiRequest, request)


def known_only(request: HttpRequest, names: frozenset[str]) -> dict[str, list[str]]:
    """Return the query string as `{name: values}`; RuleViolation names parameters that the call does not know."""
    given = {name: request.GET.getlist(name) for name in request.GET}
    if unknown := sorted(set(given) - names):
        errors = [FieldError(field=name[:60], message="is not a parameter of this call; check the spelling") for name in unknown]
        raise RuleViolation("; ".join(f"{error.field} {error.message}" for error in errors), errors=errors)
    return given


def limit_of(given: Mapping[str, Sequence[str]], default: int) -> int:
    """Return `limit`, 1 to 200; RuleViolation for another value."""
    text = (given.get("limit") or [str(default)])[-1]
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= 200):
        raise RuleViolation("limit must be a whole number from 1 to 200.", field="limit")
    return int(text)


def token_of(given: Mapping[str, Sequence[str]]) -> str | None:
    """Return nextToken or prevToken, None for the first page; RuleViolation when both are given."""
    tokens = [value for name in ("nextToken", "prevToken") for value in given.get(name, ()) if value]
    if len(tokens) > 1:
        raise RuleViolation("Give nextToken or prevToken, not both.", field="nextToken")
    return tokens[0] if tokens else None


def cut(given: Mapping[str, Sequence[str]], default: int = 50) -> Cut:
    """Return which page of a list is asked for; RuleViolation where that can't be."""
    return {"limit": limit_of(given, default), "token": token_of(given)}


def listed(page: Found[S], shown: Callable[[S], T]) -> Page[T]:
    """Return a page of a repository as the API answers it."""
    return Page(items=[shown(one) for one in page.items], nextToken=page.next_token, prevToken=page.prev_token)


def filter_members(body: Mapping[str, Any], names: frozenset[str]) -> dict[str, list[str]]:
    """Return the filter's members of a body as a query string would give them."""
    return {
        name: [str(value) for value in (values if isinstance(values, list) else [values])]
        for name, values in body.items()
        if name in names and values is not None
    }


def in_range(moment: datetime) -> datetime:
    """Return a time in UTC; ValueError where no calendar of ours holds it."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = datetime.min.replace(tzinfo=UTC)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment


def _written(value: object) -> object:
    """Let through what is written as a time: a number is none, in quotes or without."""
    if not (isinstance(value, str) and re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]", value)):
        raise ValueError("must be a time with its zone, such as 2026-05-01T18:00:00Z")
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(in_range)]
"""A time with its zone, in a body."""
Whole = StrictInt
"""A whole number, in a body; "1" and true are none."""
Flag = StrictBool
"""True or false, in a body; "no" and 0 are neither."""
Id = Annotated[str, Field(min_length=1, max_length=100)]
"""The id of something that should be there."""


def utc(moment: datetime | None) -> str | None:
    """Return a time as the API writes it."""
    return stamp(moment) if moment is not None else None


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


STATUSES: dict[str, Any] = {"type": "string", "enum": [status.value for status in EmailStatus]}
ORDERS: dict[str, Any] = {"enum": [order.value for order in Order]}
WHOLE: dict[str, Any] = {"minimum": 0, "maximum": MAX_COUNT}
"""What the description says of a value; the filter itself tells what is wrong with one."""
TextOrTexts = str | list[str] | None
"""A value, or several of which any will do."""
GROUPS = (
    "`segment:<id>`, `list:<id of a pasted list, task or import>`, `attends:<eventId>` or `attends:<eventId>:<status>`, "
    "`mailed:<campaignId>` or `mailed:<campaignId>:<outcome>`, `days:<n>`: was mailed within the last n days, 1 to 365"
)
"""What a value of `within` or `without` can be."""


class PeopleFilterMembers(In):
    """The people filter as members of a body.

    Several values of one field mean either, but for `within` and `without`; different fields must all hold.
    """

    company: TextOrTexts = None
    jobTitle: TextOrTexts = None
    city: TextOrTexts = None
    state: TextOrTexts = None
    companyNot: TextOrTexts = None
    jobTitleNot: TextOrTexts = None
    cityNot: TextOrTexts = None
    stateNot: TextOrTexts = None
    tag: TextOrTexts = None
    tagNot: TextOrTexts = None
    hostedEventCountMin: Whole | None = Field(None, json_schema_extra=WHOLE)
    hostedEventCountMax: Whole | None = Field(None, json_schema_extra=WHOLE)
    attendedEventCountMin: Whole | None = Field(None, json_schema_extra=WHOLE)
    attendedEventCountMax: Whole | None = Field(None, json_schema_extra=WHOLE)
    q: str | None = Field(None, description="Prefixes of words of a name, or of an address.")
    emailStatus: TextOrTexts = Field(
        None, json_schema_extra={"anyOf": [STATUSES, {"type": "array", "items": STATUSES}, {"type": "null"}]}
    )
    attends: TextOrTexts = Field(
        None, description="Ids of events: registered or attended; `id:status` for those with one status."
    )
    attendsNot: TextOrTexts = None
    mailed: TextOrTexts = Field(
        None,
        description=f"Ids of campaigns: sent or uncertain; `id:outcome` for those with one outcome, of {', '.join(Outcome)}.",
    )
    mailedNot: TextOrTexts = None
    selected: TextOrTexts = Field(None, description="Ids of tasks or imports: whom they work on, or have written.")
    id: TextOrTexts = Field(None, description="Ids of people.")
    within: TextOrTexts = Field(None, description=f"Groups, all of which must hold: {GROUPS}.")
    without: TextOrTexts = Field(None, description="Groups, none of which may hold, in the same words.")


class AudienceMembers(PeopleFilterMembers):
    """The people filter, or a segment that stands for one."""

    segment: str | None = Field(None, description="Id of a segment: its filter and order; other fields narrow it.")


def filter_of(request: HttpRequest, given: Mapping[str, Sequence[str]]) -> PeopleFilter:
    """Return the filter of a query string or body, with a segment in it opened for the token's owner; NotFound, RuleViolation."""
    return parse_filter(opened_segment(request, given))


def opened_segment(request: HttpRequest, given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the values with `segment` replaced by what it stands for, and its order where none is given."""
    return segments.expanded(typed(request).store, given, viewer=viewer_of(request))


def viewer_of(request: HttpRequest) -> str:
    """Return the username of the token's owner."""
    return str(typed(request).auth.owner.get_username())


def _parameters(*, paging: bool) -> list[dict[str, Any]]:
    texts = {"type": "array", "items": {"type": "string"}}
    kinds = {"q": {"type": "string"}, "segment": {"type": "string"}, "emailStatus": {"type": "array", "items": STATUSES}}
    given: list[dict[str, Any]] = []
    for name, declared in AudienceMembers.model_fields.items():
        schema = {"type": "integer", **WHOLE} if declared.annotation == Whole | None else kinds.get(name, texts)
        given.append({"name": name, "in": "query", "schema": schema, "description": declared.description or ""})
    if paging:
        given += [
            {"name": "order", "in": "query", "schema": {"type": "string", "enum": ["name", "attended", "hosted"]}},
            *paging_parameters(default=50),
            {
                "name": "explain",
                "in": "query",
                "schema": {"type": "string", "enum": list(FLAGS)},
                "description": "1 adds the cost.",
            },
        ]
    return given


def paging_parameters(*, default: int) -> list[dict[str, Any]]:
    """Return limit and the two tokens for the OpenAPI description of a list."""
    limit = {"type": "integer", "minimum": 1, "maximum": 200, "default": default}
    return [
        {"name": "limit", "in": "query", "schema": limit},
        {"name": "nextToken", "in": "query", "schema": {"type": "string"}},
        {"name": "prevToken", "in": "query", "schema": {"type": "string"}},
    ]


FILTER_PARAMETERS = _parameters(paging=False)
LIST_PARAMETERS = _parameters(paging=True)
FILTER_NAMES = frozenset(AudienceMembers.model_fields)
LIST_NAMES = FILTER_NAMES | PAGING_FIELDS
