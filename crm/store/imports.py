"""Imports, and what the columns of files with the same headings became."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from crm.domain.errors import Conflict, NotFound
from crm.domain.imports import CHANGED, Import, ImportStatus, Kind, Mode, Undone
from crm.store import schema
from crm.store.expressions import absent, equals
from crm.store.keys import moment, stamp, unescape
from crm.store.requests import Action, Delete, Put, Query
from crm.store.schema import BY_DATE, Item
from crm.store.table import Table

AT_ONCE = 50
"""Imports read together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What the columns of a file became, `{place: field}`, and when that was chosen."""

    columns: Mapping[int, str]
    at: datetime


class ImportRepository:
    """Imports by id and newest first. What is written is conditioned on the version it was decided from."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, import_id: str) -> Import:
        """Return one import, read consistently; NotFound."""
        imported = self.find(import_id)
        if imported is None:
            raise NotFound("There is no such import; perhaps it was thrown away. Choose the file again.")
        return imported

    def find(self, import_id: str) -> Import | None:
        """Return one import, read consistently, None where there is none."""
        item = self._table.get(schema.key("import", id=import_id)) if import_id else None
        return import_of(item) if item is not None else None

    def names(self, import_ids: Collection[str]) -> dict[str, str]:
        """Return the names of the files, by import; one request per 100, none for nothing."""
        items = self._table.batch_get([schema.key("import", id=import_id) for import_id in import_ids])
        return {item["id"]: import_of(item).name for item in items if item is not None}

    def walk(self) -> Iterator[Import]:
        """Give all imports, newest first, as they are; a query, and a batch per 50."""
        rows = self._table.walk(Query(partition=BY_DATE.entry("import").partition, index=BY_DATE, forward=False))
        while some := list(islice(rows, AT_ONCE)):
            keys = [{"PK": row["PK"], "SK": row["SK"]} for row in some]
            yield from (import_of(item) for item in self._table.batch_get(keys, consistent=True) if item is not None)

    def recent(self, limit: int = 50) -> list[Import]:
        """Return imports, newest first; a query and a batch."""
        query = Query(partition=BY_DATE.entry("import").partition, index=BY_DATE, forward=False, limit=limit)
        keys = [{"PK": row["PK"], "SK": row["SK"]} for row in self._table.query(query).items]
        return [import_of(item) for item in self._table.batch_get(keys, consistent=True) if item is not None]

    def since(self, begin: datetime, limit: int) -> list[str]:
        """Return the ids of imports that were uploaded since, newest first; one query of keys."""
        partition = BY_DATE.entry("import").partition
        query = Query(partition=partition, index=BY_DATE, low=stamp(begin), forward=False, limit=limit)
        return [unescape(str(row["PK"]).partition("#")[2]) for row in self._table.query(query).items]

    def put(self, new: Import, old: Import | None = None) -> tuple[Import, Put]:
        """Return `new` one version up with the action that writes it over `old`, None where there is none.

        Conflict when the stored one has moved on.
        """
        saved = replace(new, version=old.version + 1 if old else 1)
        expect = [absent()] if old is None else [equals("version", old.version)]
        return saved, Put(item=item_of(saved), expect=expect, error=Conflict(CHANGED))

    def save(self, new: Import, old: Import | None = None) -> Import:
        """Write it by itself and return it one version up. Raises Conflict."""
        saved, action = self.put(new, old)
        self._table.write([action])
        return saved

    def delete(self, imported: Import, *others: Action) -> None:
        """Remove an import that was thrown away, with `others`. Raises Conflict when it was changed meanwhile."""
        key = schema.key("import", id=imported.id)
        gone = Delete(key=key, expect=[equals("version", imported.version)], error=Conflict(CHANGED))
        self._table.write([gone, *others])

    def remembered(self, headings: str) -> Remembered | None:
        """Return what the columns of a file with these headings (their hash) became the last time; one consistent read."""
        item = self._table.get(schema.key("mapping", headings=headings))
        if item is None:
            return None
        return Remembered(columns=_columns(item["columns"]), at=moment(item["at"]))

    def remember(self, headings: str, columns: Mapping[int, str], *, now: datetime) -> Put:
        """Return the action that remembers it; the last choice counts."""
        attributes = {"id": headings, "headings": headings, "columns": _named(columns), "at": stamp(now)}
        return Put(item=schema.keyed("mapping", attributes))


def item_of(imported: Import) -> Item:
    """Return the item of an import; the columns are kept whole, also those that are left out."""
    return schema.keyed(
        "import",
        {
            "id": imported.id,
            "name": imported.name,
            "owner": imported.owner,
            "size": imported.size,
            "kind": imported.kind,
            "status": imported.status.value,
            "encoding": imported.encoding,
            "delimiter": imported.delimiter,
            "guessed": imported.guessed or None,
            "headed": imported.headed,
            "columns": None if imported.columns is None else _named(imported.columns),
            "rememberedAt": _stamp(imported.remembered_at),
            "mode": imported.mode.value,
            "tag": imported.tag,
            "problem": imported.problem,
            "rows": imported.rows,
            "counts": {kind.value: number for kind, number in imported.counts.items()},
            "createdAt": stamp(imported.created_at),
            "startedAt": _stamp(imported.started_at),
            "finishedAt": _stamp(imported.finished_at),
            "undoCounts": {kind.value: number for kind, number in imported.undo_counts.items()},
            "undoneAt": _stamp(imported.undone_at),
            "dryRun": imported.dry_run,
            "version": imported.version,
        },
    )


def import_of(item: Item) -> Import:
    """Return the import that an item holds."""
    return Import(
        id=item["id"],
        name=item["name"],
        owner=item.get("owner", ""),
        size=item["size"],
        kind=item["kind"],
        status=ImportStatus(item["status"]),
        encoding=item.get("encoding", ""),
        delimiter=item.get("delimiter", ""),
        guessed=item.get("guessed", False),
        headed=item.get("headed", True),
        columns=_columns(item["columns"]) if "columns" in item else None,
        remembered_at=_moment(item.get("rememberedAt")),
        mode=Mode(item["mode"]),
        tag=item.get("tag", ""),
        problem=item.get("problem", ""),
        rows=item.get("rows"),
        counts={Kind(kind): number for kind, number in item.get("counts", {}).items()},
        created_at=moment(item["createdAt"]),
        started_at=_moment(item.get("startedAt")),
        finished_at=_moment(item.get("finishedAt")),
        undo_counts={Undone(kind): number for kind, number in item.get("undoCounts", {}).items()},
        undone_at=_moment(item.get("undoneAt")),
        dry_run=item.get("dryRun", ""),
        version=item["version"],
    )


def _named(columns: Mapping[int, str]) -> list[str]:
    """The fields in the order of the columns; never empty, so that it is kept."""
    return [columns.get(place, "") for place in range(max(columns, default=0) + 1)]


def _columns(fields: Sequence[str]) -> dict[int, str]:
    return dict(enumerate(fields))


def _stamp(at: datetime | None) -> str | None:
    return stamp(at) if at else None


def _moment(text: Any) -> datetime | None:
    return moment(text) if text else None
