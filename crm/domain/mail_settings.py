"""What the organisation says of its mail: who it is, from whom letters come, who gets a copy of each."""

from dataclasses import dataclass, field
from datetime import datetime

MAX_SENDERS = 20
MAX_COLLEAGUES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """An address that letters may come from, once `verified_at` is set: whoever reads its mail has said so. Times are UTC."""

    name: str
    address: str
    added_by: str = ""
    added_at: datetime
    verified_at: datetime | None = None

    @property
    def shown(self) -> str:
        """`Name <address>`, or the address alone."""
        return f"{self.name} <{self.address}>" if self.name else self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """Kept once for the organisation. Empty texts mean what the environment says.

    `colleagues` are addresses that get a copy of each campaign; `tracking` is what a new letter begins with, `quiet_days` how
    many days new letters leave out whoever was mailed within them (None: nobody is left out).
    """

    organisation: str = ""
    postal_address: str = ""
    senders: tuple[Sender, ...] = ()
    colleagues: tuple[str, ...] = field(default=())
    tracking: bool = True
    quiet_days: int | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """Who a letter says it is from: the sender of letters that name none, the organisation, and its postal address."""

    sender: str
    organisation: str
    postal_address: str = ""
