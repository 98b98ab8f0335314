"""Which function does one step of each kind of job: the place where a new kind is named."""

from collections.abc import Callable, Mapping

from crm.jobs import copies, erasing, events, expand, import_undo, imports, merging, retrying, send, tasks
from crm.jobs.work import Held, Work
from crm.services.campaign_jobs import COPIES, EXPAND, LANE, RETRY
from crm.services.erasure import ERASE
from crm.services.event_jobs import CREATING, DELETE, NO_SHOW, NO_SHOW_UNDO, PROMOTE
from crm.services.import_jobs import CHECK, UNDO, WRITE
from crm.services.merge_steps import MERGE
from crm.services.tasks import JOB

Step = Callable[[Work, Held], None]
"""Does a small repeatable piece of work, and ends with `held.save` (go on) or `held.release` (later, or never)."""

STEPS: Mapping[str, Step] = {
    EXPAND: expand.step,
    LANE: send.step,
    COPIES: copies.step,
    RETRY: retrying.step,
    CREATING: events.step,
    PROMOTE: events.promote_step,
    DELETE: events.delete_step,
    NO_SHOW: events.no_show_step,
    NO_SHOW_UNDO: events.undo_step,
    ERASE: erasing.step,
    MERGE: merging.step,
    JOB: tasks.step,
    CHECK: imports.check_step,
    WRITE: imports.write_step,
    UNDO: import_undo.step,
}
