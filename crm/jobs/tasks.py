"""Actions on many people: who they are is noted down first, then one part after the other is worked through."""

from crm.jobs.work import RENEW_BELOW, Held, Work
from crm.services.task_steps import advance
from crm.store.table import ConditionFailed


def step(work: Work, held: Held) -> None:
    """Do one step of the task and write it under the fence, together with the place where the next one begins.

    A step that was done but not written is done again by whoever takes the job; it finds what it did and counts it as done.
    """
    task = work.store.tasks.get(held.job.key.owner_id)
    if task.ended:
        held.release(None)
        return

    def keep() -> None:
        if held.left < work.settings.lease_seconds * RENEW_BELOW:
            held.renew()

    moved, actions = advance(work.store, task, now=work.clock(), keep=keep)
    try:
        if moved.ended:
            held.release(None, *actions, work.store.tasks.move(task, moved))
        else:
            held.save({}, *actions, work.store.tasks.move(task, moved))
    except ConditionFailed:  # the request that began was quicker
        held.look_again()
