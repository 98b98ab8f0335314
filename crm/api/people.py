"""Calls about people."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from crm.api.auth import Scope
from crm.api.repeats import once
from crm.api.wire import (
    FILTER_NAMES,
    FILTER_PARAMETERS,
    FLAGS,
    LIST_NAMES,
    LIST_PARAMETERS,
    PROBLEMS,
    STATUSES,
    In,
    Page,
    Whole,
    cut,
    filter_of,
    known_only,
    now,
    opened_segment,
    typed,
    utc,
    viewer_of,
)
from crm.domain.errors import RuleViolation
from crm.domain.filters import parse_filter, parse_order
from crm.domain.ids import new_id
from crm.domain.people import ATTRIBUTES, Person, Profile
from crm.services import people

router = Router(tags=["users"])


class UserFields(In):
    """What may be known about a person besides name and address."""

    phoneNumber: str | None = None
    company: str | None = None
    jobTitle: str | None = None
    city: str | None = None
    state: str | None = None
    tags: list[str] | None = None


class UserIn(UserFields):
    """A person to create."""

    firstName: str
    lastName: str
    email: str


class UserPatch(UserFields):
    """Some fields of a person, and the version they were read at. Empty text takes a value away."""

    version: Whole
    firstName: str | None = None
    lastName: str | None = None
    email: str | None = None


class UserOut(Schema):
    """A person. `version` goes up with each edit; `PATCH` wants the one that was read."""

    id: str
    firstName: str
    lastName: str
    email: str
    phoneNumber: str
    company: str
    jobTitle: str
    city: str
    state: str
    tags: list[str]
    hostedEventCount: int
    attendedEventCount: int
    emailStatus: str = Field(json_schema_extra=STATUSES)
    version: int
    createdAt: str
    updatedAt: str


class Explain(Schema):
    """How a page was found and what that cost, without the reading of counters."""

    index: str
    requests: int
    itemsRead: int
    itemsReturned: int
    readUnits: float


class UserPage(Page[UserOut]):
    """One page of people."""

    explain: Explain | None = Field(None, description="Only with explain=1.")


class Count(Schema):
    """How many."""

    count: int


def user_out(person: Person) -> UserOut:
    """Return a person as the API shows them."""
    profile = person.profile
    return UserOut(
        id=person.id,
        **{name: getattr(profile, attribute) for name, attribute in ATTRIBUTES.items()},
        tags=list(profile.tags),
        hostedEventCount=person.hosted_event_count,
        attendedEventCount=person.attended_event_count,
        emailStatus=person.email_status.value,
        version=person.version,
        createdAt=utc(person.created_at) or "",
        updatedAt=utc(person.updated_at) or "",
    )


@router.post("", auth=Scope("people:write"), response={201: UserOut, **PROBLEMS}, summary="Create a person")
def create_user(request: HttpRequest, data: UserIn) -> Status[UserOut]:
    """An address that somebody has is 409. Repeat safely with an Idempotency-Key."""
    store = typed(request).store
    given = data.model_dump(exclude_none=True)
    tags = tuple(given.pop("tags", ()))
    profile = Profile(**{ATTRIBUTES[name]: value for name, value in given.items()}, tags=tags)
    person_id = new_id()
    person = once(
        request,
        {"id": person_id},
        make=lambda also: people.add(store, profile, now=now(), actor=viewer_of(request), person_id=person_id, also=also),
        again=lambda made: store.people.get(made["id"]),
    )
    return Status(201, user_out(person))


@router.get(
    "",
    auth=Scope("people:read"),
    response={200: UserPage, **PROBLEMS},
    exclude_unset=True,
    summary="Filter people",
    openapi_extra={"parameters": LIST_PARAMETERS},
)
def list_users(request: HttpRequest) -> dict[str, Any]:
    """The same filter as the page, its CSV and a campaign's audience. Without `order`, in the order of what answers."""
    given = opened_segment(request, known_only(request, LIST_NAMES))
    page = typed(request).store.people.page(
        parse_filter(given),
        order=parse_order((given.get("order") or [""])[-1]),
        **cut(given),
    )
    answer: dict[str, Any] = {
        "items": [user_out(person).model_dump() for person in page.items],
        "nextToken": page.next_token,
        "prevToken": page.prev_token,
    }
    if _flag(given.get("explain")):
        found = page.explain
        answer["explain"] = {
            "index": found.index,
            "requests": found.requests,
            "itemsRead": found.items_read,
            "itemsReturned": found.items_returned,
            "readUnits": found.read_units,
        }
    return answer


@router.get(
    "/count",
    auth=Scope("people:read"),
    response={200: Count, **PROBLEMS},
    summary="Count people",
    openapi_extra={"parameters": FILTER_PARAMETERS},
)
def count_users(request: HttpRequest) -> Count:
    """Exact: from counters where one facet decides it, else by counting in an index."""
    return Count(count=typed(request).store.people.count(filter_of(request, known_only(request, FILTER_NAMES))))


@router.get("/{user_id}", auth=Scope("people:read"), response={200: UserOut, **PROBLEMS}, summary="Read a person")
def read_user(request: HttpRequest, user_id: str) -> UserOut:
    """One person."""
    return user_out(typed(request).store.people.get(user_id))


@router.patch("/{user_id}", auth=Scope("people:write"), response={200: UserOut, **PROBLEMS}, summary="Change a person")
def change_user(request: HttpRequest, user_id: str, data: UserPatch) -> UserOut:
    """Changes the fields that are given. A `version` that is not the stored one is 409, and nothing is written."""
    store = typed(request).store
    given = data.model_dump(exclude_unset=True)
    version = given.pop("version")
    old = store.people.get(user_id).profile
    tags = tuple(given.pop("tags", old.tags) or ())
    texts = {ATTRIBUTES[name]: value or "" for name, value in given.items()}
    new = replace(old, **texts, tags=tags)
    return user_out(people.edit(store, user_id, new, version=version, now=now(), actor=viewer_of(request)))


@router.delete(
    "/{user_id}", auth=Scope("people:write", "crm.delete_people"), response={204: None, **PROBLEMS}, summary="Delete a person"
)
def delete_user(request: HttpRequest, user_id: str) -> Status[None]:
    """Takes the person out of events too; e-mails already sent stay counted."""
    people.remove(typed(request).store, user_id, now=now(), actor=viewer_of(request))
    return Status(204, None)


def _flag(values: list[str] | None) -> bool:
    value = (values or [""])[-1]
    if value not in FLAGS:
        raise RuleViolation("explain can be 1.", field="explain")
    return value in {"1", "true"}
