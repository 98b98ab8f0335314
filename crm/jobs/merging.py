"""Going on with a merge that was cut off, or has to wait for an e-mail in a sender's hand or for an index."""

from contextlib import suppress

from crm.domain.errors import NotFound
from crm.jobs.work import RENEW_BELOW, Held, Work
from crm.services.merge_steps import AGAIN, LATER, Order, Progress, advance, after, order_of, tidy
from crm.store.expressions import equals
from crm.store.jobs import LeaseLost
from crm.store.requests import Action, Delete
from crm.store.table import ConditionFailed


def step(work: Work, held: Held) -> None:
    """Do the next part; when all is done, have one last look a minute later, and remove the job.

    What is done stands as conditions in the table, so it does no harm that the request which began may still be at it. What was
    chosen is personal data: the job forgets it with the last transaction of the merge, or when there is nobody to merge into.
    """
    now = work.clock()
    if held.job.state.get("after"):
        tidy(work.store, held.state["into"], held.job.key.owner_id)
        _remove(work, held)
        return
    order = order_of(held.job)
    try:
        progress = advance(work.store, order, now=now, also=lambda: _last_look(work, held, order))
    except NotFound:
        work.store.merges.give_up(order.kept_id, order.gone_id)
        _remove(work, held)
        return
    if progress is Progress.DONE:
        tidy(work.store, order.kept_id, order.gone_id)
        with suppress(LeaseLost):  # given back by the last transaction, ours or that of the request
            held.release(now + LATER, state=after(order))
        held.over = True
    elif progress is Progress.WAIT:
        held.release(now + AGAIN)
    elif held.left < work.settings.lease_seconds * RENEW_BELOW:
        held.renew()


def _last_look(work: Work, held: Held, order: Order) -> list[Action]:
    """The job becomes the one that has a last look, with the last transaction, and only while it is ours."""
    return [work.store.jobs.put(order.job, due_at=work.clock() + LATER, state=after(order), old=held.job)]


def _remove(work: Work, held: Held) -> None:
    """Remove the job, unless another merge of the same person has taken its place."""
    held.release(None, state={})
    with suppress(ConditionFailed):
        work.store.table.write([Delete(key=held.job.key.key, expect=[equals("fence", held.job.fence)])])
