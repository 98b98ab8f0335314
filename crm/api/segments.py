"""Calls about segments: filters saved under a name."""

from functools import partial

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from crm.api.auth import Scope
from crm.api.repeats import once
from crm.api.wire import (
    FILTER_NAMES,
    ORDERS,
    PAGING,
    PROBLEMS,
    Flag,
    In,
    Page,
    PeopleFilterMembers,
    Whole,
    cut,
    filter_members,
    known_only,
    listed,
    now,
    paging_parameters,
    typed,
    utc,
    viewer_of,
)
from crm.domain.filters import PeopleFilter, filter_values, parse_filter, parse_order
from crm.domain.ids import new_id
from crm.domain.segments import Segment
from crm.services import segments
from crm.store import Store

router = Router(tags=["segments"])


class SegmentIn(In):
    """A filter to save. A segment is the owner's alone unless it is shared."""

    name: str
    filter: PeopleFilterMembers = Field(description="The people filter, with the names of GET /api/users.")
    order: str = Field("", description="Left out or empty: the order of what answers.", json_schema_extra=ORDERS)
    shared: Flag = False


class SegmentPatch(In):
    """Some fields of a segment, and the version they were read at. A `filter` replaces the whole filter."""

    version: Whole
    name: str | None = None
    filter: PeopleFilterMembers | None = None
    order: str | None = Field(None, json_schema_extra=ORDERS)
    shared: Flag | None = None


class SegmentOut(Schema):
    """A segment, and how many people match it at this moment."""

    id: str
    name: str
    filter: dict[str, list[str]]
    order: str = Field(json_schema_extra=ORDERS)
    shared: bool
    owner: str
    count: int
    version: int
    createdAt: str
    updatedAt: str


def segment_out(store: Store, segment: Segment) -> SegmentOut:
    """Return a segment as the API shows it; its people are counted."""
    return SegmentOut(
        id=segment.id,
        name=segment.name,
        filter=filter_values(segment.filter),
        order=segment.order.value,
        shared=segment.shared,
        owner=segment.owner,
        count=store.people.count(segment.filter),
        version=segment.version,
        createdAt=utc(segment.created_at) or "",
        updatedAt=utc(segment.updated_at) or "",
    )


@router.get(
    "",
    auth=Scope("people:read"),
    response={200: Page[SegmentOut], **PROBLEMS},
    summary="List segments",
    openapi_extra={"parameters": paging_parameters(default=50)},
)
def list_segments(request: HttpRequest) -> Page[SegmentOut]:
    """Shared ones and those of the token's owner, by name, each with its count."""
    given = known_only(request, PAGING)
    store = typed(request).store
    page = store.segments.page(viewer_of(request), **cut(given))
    return listed(page, partial(segment_out, store))


@router.post("", auth=Scope("people:write"), response={201: SegmentOut, **PROBLEMS}, summary="Save a segment")
def create_segment(request: HttpRequest, data: SegmentIn) -> Status[SegmentOut]:
    """A name that its owner sees already is 409. Repeat safely with an Idempotency-Key."""
    store = typed(request).store
    segment_id = new_id()
    segment = once(
        request,
        {"id": segment_id},
        make=lambda also: segments.save(
            store,
            data.name,
            _filter(data.filter),
            order=parse_order(data.order),
            shared=data.shared,
            owner=viewer_of(request),
            now=now(),
            segment_id=segment_id,
            also=also,
        ),
        again=lambda made: segments.opened(store, made["id"], viewer_of(request)),
    )
    return Status(201, segment_out(store, segment))


@router.get("/{segment_id}", auth=Scope("people:read"), response={200: SegmentOut, **PROBLEMS}, summary="Read a segment")
def read_segment(request: HttpRequest, segment_id: str) -> SegmentOut:
    """One segment; somebody else's own is 404."""
    store = typed(request).store
    return segment_out(store, segments.opened(store, segment_id, viewer_of(request)))


@router.patch("/{segment_id}", auth=Scope("people:write"), response={200: SegmentOut, **PROBLEMS}, summary="Change a segment")
def change_segment(request: HttpRequest, segment_id: str, data: SegmentPatch) -> SegmentOut:
    """Changes what is given. A `version` that is not the stored one is 409, and nothing is written."""
    store = typed(request).store
    segment = segments.edit(
        store,
        segment_id,
        viewer=viewer_of(request),
        version=data.version,
        now=now(),
        name=data.name,
        shared=data.shared,
        wanted=_filter(data.filter) if data.filter is not None else None,
        order=parse_order(data.order) if data.order is not None else None,
    )
    return segment_out(store, segment)


@router.delete("/{segment_id}", auth=Scope("people:write"), response={204: None, **PROBLEMS}, summary="Delete a segment")
def delete_segment(request: HttpRequest, segment_id: str) -> Status[None]:
    """Campaigns keep the filter they were given."""
    segments.delete(typed(request).store, segment_id, viewer=viewer_of(request), now=now())
    return Status(204, None)


def _filter(members: PeopleFilterMembers) -> PeopleFilter:
    return parse_filter(filter_members(members.model_dump(), FILTER_NAMES))
