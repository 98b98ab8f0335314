"""Going on with an event whose creation was cut off."""

from crm.jobs.work import RENEW_BELOW, Held, Work


def step(work: Work, held: Held) -> None:
    """Seat the next people of the event; with the last one it is published and the job has no more work.

    What is seated stands as conditions in the table, so it does no harm that the request which began may still be at it.
    """
    if not work.store.events.fill(held.job.key.owner_id, now=work.clock()):
        held.release(None)
    elif held.left < work.settings.lease_seconds * RENEW_BELOW:
        held.renew()
