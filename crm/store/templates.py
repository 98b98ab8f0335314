"""Templates: texts to start from, by id and by name."""

from collections.abc import Sequence
from dataclasses import replace

from crm.domain.errors import Conflict, NotFound
from crm.domain.folding import fold
from crm.domain.templates import Template
from crm.store import schema
from crm.store.expressions import absent, equals
from crm.store.keys import moment, render, stamp
from crm.store.requests import Action, Delete, Put, Query
from crm.store.schema import BY_DATE, Item
from crm.store.table import Table

STALE = "This template was changed by someone else meanwhile. Look at it as it is now, then repeat your change."


class TemplateRepository:
    """The list comes from an index, which may be a moment behind; what is written is conditioned on the item itself."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, template_id: str) -> Template | None:
        """Return the template as it is at this moment, None where there is none; one request."""
        item = self._table.get(schema.key("template", id=template_id)) if template_id else None
        return template_of(item) if item is not None else None

    def get(self, template_id: str) -> Template:
        """Return the template as it is at this moment; one request. Raises NotFound."""
        if (found := self.find(template_id)) is None:
            raise NotFound("There is no such template; it may have been deleted.")
        return found

    def all(self) -> list[Template]:
        """Return every template, by name; a query of keys and a batch, none where there are none."""
        found = self._table.walk(Query(partition=render(BY_DATE.entry("template").partition, {}) or "", index=BY_DATE))
        keys = [{"PK": item["PK"], "SK": item["SK"]} for item in found]
        items = self._table.batch_get(keys, consistent=True) if keys else []
        return sorted((template_of(item) for item in items if item is not None), key=lambda one: (fold(one.name), one.id))

    def create(self, template: Template, also: Sequence[Action] = ()) -> Template:
        """Write a new one, with `also`, and return it as stored. Conflict when there is one with that id."""
        stored = replace(template, version=1)
        there = Conflict("This template was saved before.")
        self._table.write([Put(item=item_of(stored), expect=[absent()], error=there), *also])
        return stored

    def save(self, template: Template, also: Sequence[Action] = ()) -> Template:
        """Write it over the version that was read, with `also`, and return it one version up. Raises Conflict."""
        stored = replace(template, version=template.version + 1)
        expect = [equals("version", template.version)]
        self._table.write([Put(item=item_of(stored), expect=expect, error=Conflict(STALE)), *also])
        return stored

    def delete(self, template: Template, also: Sequence[Action] = ()) -> None:
        """Remove it as it was read, and write `also`. Raises Conflict when it has changed, or is gone."""
        key, expect = schema.key("template", id=template.id), [equals("version", template.version)]
        self._table.write([Delete(key=key, expect=expect, error=Conflict(STALE)), *also])


def item_of(template: Template) -> Item:
    """Return the item of a template that staff made."""
    attributes = {
        "id": template.id,
        "name": template.name,
        "subject": template.subject,
        "preheader": template.preheader,
        "body": template.body,
        "createdBy": template.created_by,
        "createdAt": stamp(template.created_at) if template.created_at else None,
        "updatedAt": stamp(template.updated_at) if template.updated_at else None,
        "version": template.version,
    }
    return schema.keyed("template", attributes)


def template_of(item: Item) -> Template:
    """Return the template that an item holds."""
    return Template(
        id=item["id"],
        name=item["name"],
        subject=item.get("subject", ""),
        preheader=item.get("preheader", ""),
        body=item.get("body", ""),
        created_by=item.get("createdBy", ""),
        created_at=moment(item["createdAt"]),
        updated_at=moment(item["updatedAt"]),
        version=item["version"],
    )
