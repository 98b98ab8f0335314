"""Going on with a merge that was cut off, or has to wait for an e-mail in a sender's hand or for an index."""

from crm.jobs.work import RENEW_BELOW, Held, Work
from crm.services.merge_steps import AGAIN, LATER, Progress, advance, after, order_of, tidy
from crm.store.requests import Delete


def step(work: Work, held: Held) -> None:
    """Do the next part; when all is done, have one last look a minute later, and remove the job.

    What is done stands as conditions in the table, so it does no harm that the request which began may still be at it.
    """
    now = work.clock()
    if held.job.state.get("after"):
        tidy(work.store, held.state["into"], held.job.key.owner_id)
        held.release(None, state={})
        work.store.table.write([Delete(key=held.job.key.key)])
        return
    order = order_of(held.job)
    progress = advance(work.store, order, now=now)
    if progress is Progress.DONE:
        tidy(work.store, order.kept_id, order.gone_id)
        held.release(now + LATER, state=after(order))
    elif progress is Progress.WAIT:
        held.release(now + AGAIN)
    elif held.left < work.settings.lease_seconds * RENEW_BELOW:
        held.renew()
