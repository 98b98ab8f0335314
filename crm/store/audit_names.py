"""What the things are called that the audit log speaks of: all of a page in one request."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from crm.domain.audit_actions import Subject
from crm.store import schema
from crm.store.schema import Item
from crm.store.table import Table
from crm.store.tasks import task_of

About = tuple[Subject, str]
"""A kind of thing, and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a thing is called. `owner` is whose own it is, empty where all of staff see it."""

    name: str
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How one kind of thing is kept, and which of its attributes name it."""

    entity: str
    name: Callable[[Item], str]


def _of(attribute: str) -> Callable[[Item], str]:
    return lambda item: str(item.get(attribute, ""))


KINDS: Mapping[Subject, _Kind] = {
    Subject.PERSON: _Kind(entity="user", name=lambda item: f"{item.get('firstName', '')} {item.get('lastName', '')}".strip()),
    Subject.EVENT: _Kind(entity="event", name=_of("title")),
    Subject.CAMPAIGN: _Kind(entity="campaign", name=_of("subject")),
    Subject.IMPORT: _Kind(entity="import", name=_of("name")),
    Subject.TASK: _Kind(entity="task", name=lambda item: task_of(item).title),
    Subject.SEGMENT: _Kind(entity="segment", name=_of("name")),
    Subject.TEMPLATE: _Kind(entity="template", name=_of("name")),
}
"""What is in the table under its own id."""


def names(table: Table, wanted: Collection[About]) -> dict[About, Named]:
    """Return what those are called that exist, of the kinds above; one request per 100, none where there is nothing to ask."""
    asked = sorted((kind, id_) for kind, id_ in wanted if kind in KINDS)
    items = table.batch_get([schema.key(KINDS[kind].entity, id=id_) for kind, id_ in asked]) if asked else []
    return {
        (kind, id_): Named(name=KINDS[kind].name(item), owner=_owner(kind, item))
        for (kind, id_), item in zip(asked, items, strict=True)
        if item is not None
    }


def _owner(kind: Subject, item: Item) -> str:
    return str(item.get("owner", "")) if kind is Subject.SEGMENT and not item.get("shared") else ""
