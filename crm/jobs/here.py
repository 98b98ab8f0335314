"""One job done by this process, for a command that waits for it; a worker that was quicker is waited for."""

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from crm.domain.ids import new_id
from crm.jobs.kinds import STEPS
from crm.jobs.work import Held, Work
from crm.store.jobs import JobKey, LeaseLost

PAUSE = 0.5


def work_off(work: Work, key: JobKey, *, goes_on: Callable[[], bool]) -> None:
    """Do step after step of a job until `goes_on`, which is asked after each, says that nothing is left to do.

    The job is an ordinary one: should this process die, a worker goes on with it. Raises what a step raises.
    """
    name = f"{socket.gethostname()}-{os.getpid()}-{new_id()[:8]}"
    while goes_on():
        held = Held.take(work, key, name)
        if held is None:
            time.sleep(PAUSE)
            continue
        with suppress(LeaseLost):
            while not held.over:
                STEPS[key.kind](work, held)
                if not held.over:
                    goes_on()
