"""Drafts of events: each step is saved by itself, so that two people at different steps are not in each other's way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crm.domain.draft_people import Source, SourceKind
from crm.domain.errors import Conflict, NotFound
from crm.domain.event_drafts import FIELDS, EventDraft, Step
from crm.domain.events import EventStatus
from crm.store import ranges, schema
from crm.store.expressions import absent, equals
from crm.store.keys import moment, render, stamp, unescape
from crm.store.requests import Action, Delete, Put, Query, Update
from crm.store.schema import BY_DATE, Item
from crm.store.table import ConditionFailed, Table
from crm.store.tokens import TokenSigner

GONE = "There is no such draft; it may have been published or discarded."
STALE = "This step was saved since you opened it."
_LIST = next(entry for entry in BY_DATE.entries if entry.entity == "event" and entry.only is not None)
_PURPOSE = "drafts of events"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPage:
    """Some drafts, the last changed first, and the tokens of the pages beside."""

    items: list[EventDraft]
    next_token: str | None
    prev_token: str | None


class DraftRepository:
    """Reads of the list come from an index, which may be a moment behind; a save is conditioned on the step as it was read."""

    def __init__(self, table: Table, signer: TokenSigner) -> None:
        self._table = table
        self._signer = signer

    def find(self, draft_id: str) -> EventDraft | None:
        """Return the draft as it is at this moment; None where there is none, and for what was published. One request."""
        item = self._table.get(schema.key("event", id=draft_id)) if draft_id else None
        return draft_of(item) if item is not None and item["status"] == EventStatus.DRAFT.value else None

    def get(self, draft_id: str) -> EventDraft:
        """Return the draft as it is at this moment; one request. Raises NotFound."""
        if (draft := self.find(draft_id)) is None:
            raise NotFound(GONE)
        return draft

    def page(self, *, limit: int = 50, token: str | None = None) -> DraftPage:
        """Return drafts of everybody, the last changed first; a query of keys and one batch. Raises BadToken."""
        position = self._signer.read(_PURPOSE, token) if token else None
        found = ranges.read(self._table, [_all()], limit=limit, position=position)
        ids = [unescape(str(item["PK"]).partition("#")[2]) for item in found.items]
        items = self._table.batch_get([schema.key("event", id=draft_id) for draft_id in ids], consistent=True)
        drafts = [draft_of(item) for item in items if item is not None and item["status"] == EventStatus.DRAFT.value]
        return DraftPage(
            items=sorted(drafts, key=lambda draft: draft.updated_at, reverse=True),
            next_token=self._signer.sign(_PURPOSE, found.next) if found.next else None,
            prev_token=self._signer.sign(_PURPOSE, found.prev) if found.prev else None,
        )

    def count(self) -> int:
        """Return how many drafts there are; a query that reads keys alone."""
        return self._table.count(_all())

    def sources(self, draft_id: str) -> tuple[Source, ...]:
        """Return whom the draft would bring in, as it is at this moment; one request."""
        item = self._table.get(schema.key("draftPeople", eventId=draft_id))
        return tuple(_source_of(one) for one in item.get("sources", ())) if item is not None else ()

    def create(self, draft: EventDraft, sources: Sequence[Source] = (), *, also: Sequence[Action] = ()) -> EventDraft:
        """Write a new draft, with `also`, and return it as stored. Conflict when there is something with its id already."""
        stored = replace(draft, version=1)
        there = Conflict("There is an event with this id already.")
        people = [_people(draft.id, sources)] if sources else []
        self._table.write([Put(item=item_of(stored), expect=[absent()], error=there), *people, *also])
        return stored

    def save(
        self, old: EventDraft, new: EventDraft, steps: Iterable[Step], *, sources: Sequence[Source] | None = None
    ) -> EventDraft:
        """Write some steps of `new`, with its people where they are given, and return the draft one version up.

        What others do to other steps at the same time stays. Raises Conflict when one of these steps was saved since `old`
        was read, and NotFound when the draft is gone.
        """
        before, after = item_of(old), item_of(new)
        names = [name for step in steps for name in (step.value, f"{step.value}Saved", f"{step.value}By")]
        shared = ("updatedAt", BY_DATE.pk, BY_DATE.sk)
        update = Update(
            key=schema.key("event", id=old.id),
            changes={name: after.get(name) for name in (*names, *shared)},
            increments={"version": 1},
            expect=[
                equals("status", EventStatus.DRAFT.value),
                *[equals(name, before.get(name)) for name in names if name.endswith("Saved")],
            ],
        )
        people = [_people(old.id, sources)] if sources is not None else []
        try:
            self._table.write([update, *people])
        except ConditionFailed as failed:
            self.get(old.id)
            raise Conflict(STALE) from failed
        return replace(new, version=old.version + 1)

    def discard(self, draft: EventDraft, *also: Action) -> None:
        """Remove a draft with its people, and write `also`, whatever was saved meanwhile.

        Raises NotFound when it is no draft any more.
        """
        key, expect = schema.key("event", id=draft.id), [equals("status", EventStatus.DRAFT.value)]
        self._table.write([Delete(key=key, expect=expect, error=NotFound(GONE)), self.without_people(draft.id), *also])

    def without_people(self, draft_id: str) -> Action:
        """Return the action that forgets whom a draft would bring in: part of what publishes it."""
        return Delete(key=schema.key("draftPeople", eventId=draft_id))

    def slug_owners(self, slugs: Sequence[str]) -> dict[str, str]:
        """Return `{slug: id of the event that has it}` of those that are taken, at this moment; one request per 100."""
        items = self._table.batch_get([schema.key("slugClaim", slug=slug) for slug in slugs], consistent=True)
        return {slug: str(item["id"]) for slug, item in zip(slugs, items, strict=True) if item is not None}


def item_of(draft: EventDraft) -> Item:
    """Return the item of a draft: the event's, with one attribute per step and how often that was saved."""
    steps: dict[str, Any] = {}
    for step, names in FIELDS.items():
        typed: dict[str, Any] = {name: draft.fields[name] for name in names if name in draft.fields}
        if step is Step.HOSTS:
            typed["hostIds"] = list(draft.host_ids)
        steps |= {
            step.value: typed,
            f"{step.value}Saved": draft.saved.get(step) or None,
            f"{step.value}By": draft.saved_by.get(step),
        }
    attributes = {
        "id": draft.id,
        "status": EventStatus.DRAFT.value,
        **steps,
        "createdBy": draft.created_by,
        "createdAt": stamp(draft.created_at),
        "updatedAt": stamp(draft.updated_at),
        "version": draft.version,
    }
    return schema.keyed("event", attributes)


def draft_of(item: Mapping[str, Any]) -> EventDraft:
    """Return the draft of an item."""
    typed: dict[str, Any] = {}
    for step in FIELDS:
        typed |= item.get(step.value, {})
    hosts = typed.pop("hostIds", ())
    return EventDraft(
        id=item["id"],
        fields=typed,
        host_ids=tuple(hosts),
        saved={step: item[f"{step.value}Saved"] for step in Step if f"{step.value}Saved" in item},
        saved_by={step: item[f"{step.value}By"] for step in Step if f"{step.value}By" in item},
        created_by=item.get("createdBy", ""),
        created_at=moment(item["createdAt"]),
        updated_at=moment(item["updatedAt"]),
        version=item["version"],
    )


def _all() -> Query:
    return Query(partition=str(render(_LIST.partition, {})), index=BY_DATE, forward=False)


def _people(draft_id: str, sources: Sequence[Source]) -> Put:
    listed = [
        {
            "id": one.id,
            "kind": one.kind.value,
            "name": one.name,
            "values": {name: list(values) for name, values in one.values.items()},
            "ids": list(one.ids),
            "unknown": list(one.unknown),
        }
        for one in sources
    ]
    return Put(item=schema.keyed("draftPeople", {"eventId": draft_id, "sources": listed}))


def _source_of(item: Mapping[str, Any]) -> Source:
    return Source(
        id=item["id"],
        kind=SourceKind(item["kind"]),
        name=item.get("name", ""),
        values={name: list(values) for name, values in item.get("values", {}).items()},
        ids=tuple(item.get("ids", ())),
        unknown=tuple(item.get("unknown", ())),
    )
