"""Who did what to which object, from where: one entry per action of staff, also for work on many people. No personal data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One action. `action` is like `people.merged`, `subject` the id of what it was done to, `facts` numbers and ids alone."""

    id: str
    at: datetime
    actor: str
    action: str
    subject: str = ""
    facts: Mapping[str, str | int] = field(default_factory=dict)
