"""Who did what to which object, from where: one entry per action of staff, also for work on many people.

Nothing of the people whom it is about but ids; of staff their user name and the IP address they came from, as long as the entry.

Where an action came from is known at the edge (a page, a call of the API, a command) and wanted here, so it stands in a context
around the whole of it instead of in the arguments of every service.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an action came from. `via` is `page`, `api`, `command`, or empty where nobody said; `address` an IP address or
    empty; `token` the number of the API token, None without one."""

    via: str = ""
    address: str = ""
    token: int | None = None


NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Let entries made within the block say this origin, unless `arrived` says another one within it."""
    before = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(before)


def arrived(origin: Origin) -> None:
    """Say better where this comes from, until the surrounding `coming_from` ends: what is known only on the way."""
    _origin.set(origin)


def origin() -> Origin:
    """Return where what is done at this moment came from."""
    return _origin.get()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One action. `action` is like `people.merged`, `subject` the id of what it was done to, `facts` numbers, words of a fixed
    set and ids alone, `actor` the user name of staff (empty: nobody in particular, as from the command line)."""

    id: str
    at: datetime
    actor: str
    action: str
    subject: str = ""
    facts: Mapping[str, str | int] = field(default_factory=dict)
    origin: Origin = field(default_factory=origin)
