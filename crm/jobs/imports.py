"""The dry run of an import and the import itself, step by step: under the fence, with the cursor in each transaction."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.imports import Import, ImportStatus, Kind
from crm.jobs.staged import Interrupted, staging_of
from crm.jobs.work import Held, Work
from crm.services.import_decide import Outcome, counted
from crm.services.import_parts import WRITING, checking, drop_parts, join_parts, put_part
from crm.services.import_staging import Part, Staging
from crm.services.import_threads import THREADS
from crm.services.import_writing import foreseen, settled, written
from crm.store.jobs import LeaseLost
from crm.store.keys import stamp
from crm.store.requests import Action

logger = logging.getLogger(__name__)
Decide = Callable[[Part], list[Outcome]]


def check_step(work: Work, held: Held) -> None:
    """Do one step of a dry run: what the next rows would do, or the end of it."""
    imported = work.store.imports.get(held.job.key.owner_id)
    if imported.status is not ImportStatus.CHECKING:
        held.release(None)
        return
    try:
        with staging_of(work, held, imported) as staging:
            _advance(work, held, imported, staging, checking(imported), lambda part: foreseen(work.store, imported, part))
            if held.job.state["place"] < 0:
                _join(work, held, imported, staging, checking(imported))
                _end(work, held, imported, imported.checked(staging.rows, _counts(held.job.state)), run=checking(imported))
    except Interrupted:
        return
    except (RuleViolation, NotFound) as error:
        _end(work, held, imported, imported.unusable(error.message))


def write_step(work: Work, held: Held) -> None:
    """Do one step of an import: write the next people, or the end of it."""
    imported = work.store.imports.get(held.job.key.owner_id)
    if imported.finished_at is not None or imported.started_at is None:
        held.release(None)
        return
    try:
        with staging_of(work, held, imported) as staging:
            _write(work, held, imported, staging)
    except Interrupted:
        return
    except (RuleViolation, NotFound) as error:
        so_far = imported.counted(int(held.job.state.get("done", 0)), _counts(held.job.state))
        _end(work, held, imported, so_far.ended(now=work.clock(), problem=error.message))


def _write(work: Work, held: Held, imported: Import, staging: Staging) -> None:
    again = _just_taken(held)
    if imported.status is ImportStatus.RUNNING:
        jobs = work.store.jobs
        if again:
            jobs.open_gates(held.job, THREADS)
        gates = [jobs.gate(held.job, place) for place in range(THREADS)]
        _advance(
            work,
            held,
            imported,
            staging,
            WRITING,
            lambda part: written(work.store, imported, part, now=work.clock(), again=again, gates=gates),
        )
    elif again:
        _advance(work, held, imported, staging, WRITING, lambda part: settled(work.store, imported, part), stop=True)
    if held.job.state.get("place", -1) < 0 or imported.status is not ImportStatus.RUNNING:
        work.store.stats.fold_all()
        _join(work, held, imported, staging, WRITING)
        so_far = imported.counted(staging.rows, _counts(held.job.state))
        _end(work, held, imported, so_far.ended(now=work.clock()), run=WRITING)


def _advance(work: Work, held: Held, imported: Import, staging: Staging, run: str, decide: Decide, *, stop: bool = False) -> None:
    """Do the part at the cursor, if there is one, and write the cursor behind it with the counts and who was written."""
    state = _begun(work, held, staging)
    if state["place"] < 0:
        return
    part, again = staging.part(state["place"]), _just_taken(held)
    outcomes = decide(part)
    put_part(work.files, imported, run, step=state["step"], fence=held.job.fence, outcomes=outcomes, again=again)
    also: list[Action] = []
    ids = _written_ids(outcomes) if run == WRITING else []
    if ids:
        also.append(work.store.selections.put(imported.id, state["step"], ids))
    counts = counted(outcomes, _counts(state))
    state |= {
        "place": -1 if part.next is None or stop else part.next,
        "step": state["step"] + 1,
        "done": state["done"] + len(outcomes),
        "counts": {kind.value: number for kind, number in counts.items()},
    }
    held.save(state, *also)
    logger.info("rows imported" if run == WRITING else "rows checked", extra={"import_id": imported.id, "rows": state["done"]})


def _begun(work: Work, held: Held, staging: Staging) -> dict[str, Any]:
    """The state at the beginning of a step; a worker that has just taken the job begins to measure its speed."""
    state = {"place": 0, "step": 0, "done": 0, **held.state, "total": staging.rows}
    if _just_taken(held):
        state |= {"taken": held.job.fence, "since": stamp(work.clock()), "sinceDone": state["done"]}
    return state


def _just_taken(held: Held) -> bool:
    """Whether this is the first step of a lease: the same step may have been begun by another worker before."""
    return bool(held.job.state.get("taken") != held.job.fence)


def _join(work: Work, held: Held, imported: Import, staging: Staging, run: str) -> None:
    """Make one file of the rows that failed in the steps that are done."""
    join_parts(work.files, imported, run, staging.headers, steps=int(held.job.state.get("step", 0)))


def _end(work: Work, held: Held, old: Import, new: Import, *, run: str = "") -> None:
    """Write how it ended and give the job back; where the import was changed meanwhile, the next step looks at that.

    The parts of `run`, of which one file is made, go behind that.
    """
    _, action = work.store.imports.put(new, old)
    try:
        held.release(None, action)
    except LeaseLost:
        raise
    except Conflict:
        held.look_again()
        return
    if run:
        drop_parts(work.files, old, run)
    logger.info("import ended", extra={"import_id": old.id, "status": new.status.value, "rows": new.rows})


def _written_ids(outcomes: list[Outcome]) -> list[str]:
    return [one.person_id for one in outcomes if one.kind in {Kind.NEW, Kind.UPDATE}]


def _counts(state: Mapping[str, Any]) -> dict[Kind, int]:
    return {Kind(kind): number for kind, number in state.get("counts", {}).items()}
