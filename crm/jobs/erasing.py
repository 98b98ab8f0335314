"""Going on with an erasure that was cut off, and looking again for what an index showed late."""

from crm.domain.errors import Conflict
from crm.jobs.work import Held, Work
from crm.services.erasure import LOOKS, go_on


def step(work: Work, held: Held) -> None:
    """Do what is left, then wait for the next look; after the last one what was looked for is forgotten as well."""
    person_id = held.job.key.owner_id
    looks = int(held.job.state.get("looks", 0))
    try:
        go_on(work.store, person_id, now=work.clock())
    except Conflict:
        held.release(work.clock() + LOOKS[0])
        return
    if looks + 1 < len(LOOKS):
        held.release(work.clock() + LOOKS[looks + 1], state={"looks": looks + 1})
    else:
        held.release(None, work.store.erasures.finish(person_id, now=work.clock()))
