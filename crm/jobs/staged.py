"""The sorted rows of the files that this process is at, so that not every step reads its file anew."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from crm.domain.imports import Import
from crm.jobs.work import RENEW_BELOW, Held, Work
from crm.services.import_staging import Staging
from crm.services.imports import columns_of, opened

KEPT = 2
_kept: OrderedDict[tuple[object, ...], Staging] = OrderedDict()
_lock = threading.Lock()


class Interrupted(Exception):
    """The worker should stop, in the middle of reading a file."""


@contextmanager
def staging_of(work: Work, held: Held, imported: Import) -> Iterator[Staging]:
    """Give the rows of an import's file for one step. Raises Interrupted, NotFound, RuleViolation, LeaseLost.

    The first step of a process reads the whole file; the lease is renewed meanwhile. Nobody else has them while the step lasts.
    """
    key = (imported.id, imported.dry_run, work.store.table.name)
    with _lock:
        staging = _kept.pop(key, None)
    if staging is None:
        staging = _read(work, held, imported)
    try:
        yield staging
    except BaseException:
        staging.close()
        raise
    if held.over:
        staging.close()
        return
    with _lock:
        _kept[key] = staging
        spare = [_kept.popitem(last=False)[1] for _ in range(len(_kept) - KEPT)]
    for one in spare:
        one.close()


def _read(work: Work, held: Held, imported: Import) -> Staging:
    def alive() -> None:
        if work.stopping.is_set():
            raise Interrupted
        if held.left < work.settings.lease_seconds * RENEW_BELOW:
            held.renew()

    source = opened(work.files, imported)
    return Staging(source, columns_of(source, imported), alive=alive)
