"""Taking an import back, step by step: each step is one part of the people it wrote."""

import logging
from typing import Any

from crm.domain.errors import Conflict
from crm.domain.imports import Import, ImportStatus, Undone
from crm.jobs.work import Held, Work
from crm.services.import_jobs import WRITE, job_key
from crm.services.import_parts import UNDOING, put_left
from crm.services.import_undo import mark_of, sorted_out, taken_back
from crm.store.jobs import LeaseLost
from crm.store.keys import stamp
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)


def step(work: Work, held: Held) -> None:
    """Do one step: note down who of the next people is to go, then let them go; or the end of it."""
    imported = work.store.imports.get(held.job.key.owner_id)
    if imported.status is not ImportStatus.UNDOING:
        held.release(None)
        return
    again = held.job.state.get("taken") != held.job.fence or bool(held.job.state.get("again"))
    state = _begun(work, held, imported)
    if state["step"] >= state["steps"]:
        _end(work, held, imported, state)
        return
    ids = work.store.selections.part(imported.id, state["step"]) or []
    undoing = sorted_out(work.store, imported, ids, marked=state.get("going", ()))
    people = [person for person, _ in undoing.going.values() if not person.leaving]
    if people:
        state |= {"going": [*state.get("going", ()), *[person.id for person in people]], "again": again}
        try:
            held.save(state, *work.store.traces.leaving(people, mark_of(imported)))
        except ConditionFailed:  # somebody was edited, deleted or merged at this moment: they are sorted out anew
            held.look_again()
            return
    marked = state.pop("going", [])
    state.pop("again", None)
    taken_back(work.store, imported, undoing, marked=marked, now=work.clock())
    put_left(work.files, imported, UNDOING, step=state["step"], fence=held.job.fence, left=undoing.left, again=again)
    counts = undoing.counts({Undone(kind): number for kind, number in state.get("counts", {}).items()})
    state |= {"step": state["step"] + 1, "done": state["done"] + len(ids)}
    held.save(state | {"counts": {kind.value: number for kind, number in counts.items()}})
    logger.info("people of an import taken back", extra={"import_id": imported.id, "people": state["done"]})


def _begun(work: Work, held: Held, imported: Import) -> dict[str, Any]:
    state = {"step": 0, "done": 0, "total": imported.written, **held.state}
    if "steps" not in state:
        job = work.store.jobs.get(job_key(imported.id, WRITE))
        state["steps"] = int(job.state.get("step", 0)) if job else 0
    if state.get("taken") != held.job.fence:
        state |= {"taken": held.job.fence, "since": stamp(work.clock()), "sinceDone": state["done"]}
    return state


def _end(work: Work, held: Held, imported: Import, state: dict[str, Any]) -> None:
    work.store.stats.fold_all()
    counts = {Undone(kind): number for kind, number in state.get("counts", {}).items()}
    _, action = work.store.imports.put(imported.undone(counts, now=work.clock()), imported)
    try:
        held.release(None, action, state=state)
    except LeaseLost:
        raise
    except Conflict:
        held.look_again()
        return
    logger.info("import undone", extra={"import_id": imported.id, "people": state["done"]})
