"""Tasks: where each stands, and the newest of them."""

from collections.abc import Sequence
from typing import Any

from crm.domain.errors import Conflict, NotFound
from crm.domain.filters import filter_values, parse_filter
from crm.domain.tasks import Outcome, Task, TaskAction, TaskStatus
from crm.store import schema
from crm.store.expressions import absent, equals
from crm.store.keys import moment, stamp, unescape
from crm.store.people_items import LEAVING, MERGING
from crm.store.requests import Action, Put, Query, Update, changed
from crm.store.schema import BY_DATE, Item
from crm.store.table import Table

THERE = "This was begun already."
PLACE = ("status", "parts", "position", "missing", "cursor", "again", "stopping")
"""What tells one step of a task from another."""
TIMES = {"startedAt": "started_at", "finishedAt": "finished_at"}


class TaskRepository:
    """Tasks are moved on step by step; each step is conditioned on where the task stood."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, task: Task) -> Action:
        """Return the action that writes a new task; Conflict when it is there already."""
        return Put(item=item_of(task), expect=[absent()], error=Conflict(THERE))

    def get(self, task_id: str) -> Task:
        """Return the task as it is at this moment. Raises NotFound."""
        task = self.find(task_id)
        if task is None:
            raise NotFound("There is no such task; perhaps the address was mistyped.")
        return task

    def find(self, task_id: str) -> Task | None:
        """Return the task as it is at this moment, None where there is none."""
        item = self._table.get(schema.key("task", id=task_id))
        return task_of(item) if item is not None else None

    def recent(self, limit: int = 50) -> list[Task]:
        """Return the newest tasks, newest first; one query of keys and one batch."""
        rows = self._table.query(Query(partition=_ALL, index=BY_DATE, forward=False, limit=limit))
        ids = [unescape(str(row["PK"]).partition("#")[2]) for row in rows.items]
        items = self._table.batch_get([schema.key("task", id=task_id) for task_id in ids])
        return [task_of(item) for item in items if item is not None]

    def move(self, old: Task, new: Task) -> Action:
        """Return the action that turns `old` into `new`.

        ConditionFailed when somebody else has done this step already, or has asked to stop: then it is to be read again.
        """
        before = item_of(old)
        expect = [equals(name, before.get(name)) for name in PLACE]
        return changed(before, item_of(new), expect=expect)

    def stop(self, task: Task) -> Action:
        """Return the action that asks whoever works on a task to stop; ConditionFailed when it has moved to another status."""
        key = schema.key("task", id=task.id)
        return Update(key=key, changes={"stopping": True}, expect=[equals("status", task.status.value)])

    def half_deleted(self, person_ids: Sequence[str]) -> list[str]:
        """Return who of these is being deleted, and not merged, erased or taken back with an import; read consistently."""
        items = self._table.batch_get([schema.key("user", id=person_id) for person_id in person_ids], consistent=True)
        going = [item["id"] for item in items if item is not None and _since_when(item) and MERGING not in item]
        apart = self.gone_elsewhere(going)
        return [person_id for person_id in going if person_id not in apart]

    def gone_elsewhere(self, person_ids: Sequence[str]) -> frozenset[str]:
        """Return who of these was merged into somebody else, or erased; one request per 50."""
        keys = [schema.key(entity, id=person_id) for person_id in person_ids for entity in ("merged", "erasure")]
        return frozenset(item["id"] for item in self._table.batch_get(keys, consistent=True) if item is not None)


def _since_when(profile: Item) -> bool:
    """Whether the mark of who is leaving is that of a delete: a time, or just there; an undo of an import says which."""
    mark = profile.get(LEAVING)
    return mark is True or (isinstance(mark, str) and mark[:1].isdigit())


def item_of(task: Task) -> Item:
    """Return the item of a task."""
    attributes: dict[str, Any] = {
        "id": task.id,
        "action": task.action.value,
        "subject": task.subject,
        "name": task.name,
        "filter": filter_values(task.wanted),
        "actor": task.actor,
        "status": task.status.value,
        "matched": task.matched,
        "noted": task.noted,
        "parts": task.parts,
        "position": task.position,
        "cursor": task.cursor,
        "again": task.again or None,
        "missing": task.missing,
        "counts": {outcome.value: number for outcome, number in task.counts.items()},
        "stopping": task.stopping or None,
        "createdAt": stamp(task.created_at),
        **{name: stamp(time) if (time := getattr(task, attribute)) else None for name, attribute in TIMES.items()},
    }
    return schema.keyed("task", attributes)


def task_of(item: Item) -> Task:
    """Return the task that an item holds."""
    times: dict[str, Any] = {attribute: moment(item[name]) for name, attribute in TIMES.items() if name in item}
    return Task(
        id=item["id"],
        action=TaskAction(item["action"]),
        subject=item.get("subject", ""),
        name=item.get("name", ""),
        wanted=parse_filter(item.get("filter", {}), stored=True),
        actor=item.get("actor", ""),
        status=TaskStatus(item["status"]),
        matched=item.get("matched", 0),
        noted=item.get("noted", 0),
        parts=item.get("parts", 0),
        position=item.get("position", 0),
        cursor=item.get("cursor"),
        again=item.get("again", False),
        missing=item.get("missing"),
        counts={Outcome(name): number for name, number in item.get("counts", {}).items()},
        stopping=item.get("stopping", False),
        created_at=moment(item["createdAt"]),
        **times,
    )


_ALL = BY_DATE.entry("task").partition
