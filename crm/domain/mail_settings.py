"""What the organisation says of its mail: who it is, from whom letters come, who gets a copy of each."""

import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import getaddresses

from crm.domain.errors import FieldError, NotFound, RuleViolation
from crm.domain.folding import TURNING, nothing_visible, one_line
from crm.domain.keeping import FEWEST_HIT_DAYS, FOR_EVER, HIT_DAYS, YEARS, Keeping
from crm.domain.logo import Logo, Picture
from crm.domain.people import distinct, folded_address, well_formed_address

MAX_SENDERS = 20
MAX_COLLEAGUES = 20
MAX_NAME = 100
MAX_POSTAL_ADDRESS = 300
MAX_QUIET_DAYS = 365
LINE_END = re.compile(r"\r\n|\r|\n")
SPECIALS = frozenset('()<>[]:;@\\,."')
"""What must stand in quotes in the name before an address (RFC 5322, 3.2.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """An address that letters may come from, once `verified_at` is set: whoever reads its mail has said so. Times are UTC."""

    name: str
    address: str
    added_by: str = ""
    added_at: datetime
    verified_at: datetime | None = None

    @property
    def mark(self) -> str:
        """What stands for its address in links and logs."""
        return mark_of(self.address)

    @property
    def shown(self) -> str:
        """`Name <address>`, or the address alone; a name with a comma and the like stands in quotes."""
        if not self.name:
            return self.address
        escaped = re.sub(r'(["\\])', r"\\\1", self.name)
        name = f'"{escaped}"' if not SPECIALS.isdisjoint(self.name) else self.name
        return f"{name} <{self.address}>"

    def cleaned(self) -> "Sender":
        """Return the sender trimmed; RuleViolation names what can't stand in the header of a letter."""
        sender = replace(self, name=" ".join(self.name.split()), address=self.address.strip())
        faults = {"name": one_line(self.name.strip()) and _name_fault(sender.name), "address": _address_fault(sender.address)}
        if not one_line(self.name.strip()):
            faults["name"] = "The name must be one line without control characters."
        if not any(faults.values()) and mailbox(sender.shown) != (sender.name, sender.address):
            faults["name"] = "This name can't stand before an address; leave its special characters out."
        if errors := [FieldError(field=name, message=words) for name, words in faults.items() if words]:
            raise RuleViolation("; ".join(error.message for error in errors), errors=errors)
        return sender


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """Kept once for the organisation. Empty texts mean what the environment says.

    `colleagues` are addresses that get a copy of each campaign; `tracking` is what a new letter begins with, `quiet_days` how
    many days new letters leave out whoever was mailed within them (None: nobody is left out). `postal_address` may have
    several lines. `keeping` is what campaigns take over that are accepted from now on. `logo` stands at the head of letters.
    """

    organisation: str = ""
    postal_address: str = ""
    senders: tuple[Sender, ...] = ()
    colleagues: tuple[str, ...] = field(default=())
    tracking: bool = True
    quiet_days: int | None = None
    keeping: Keeping = FOR_EVER
    logo: Logo | None = None
    version: int = 0

    @property
    def foot_address(self) -> str:
        """The postal address on one line, as the foot of a letter shows it.

        >>> MailSettings(postal_address="Main Street 1\\n 10115 Berlin,\\n\\nGermany").foot_address
        'Main Street 1, 10115 Berlin, Germany'
        """
        lines = [" ".join(line.split()).rstrip(",") for line in LINE_END.split(self.postal_address)]
        return ", ".join(line for line in lines if line)

    def sender(self, mark: str) -> Sender:
        """Return the sender of this mark; NotFound where there is none."""
        for one in self.senders:
            if one.mark == mark:
                return one
        raise NotFound("This sender is not in the list any more; it may have been removed.")

    def cleaned(self) -> "MailSettings":
        """Return the settings trimmed, each colleague once; RuleViolation names every field that can't be."""
        lines = [" ".join(line.split()) for line in LINE_END.split(self.postal_address.strip())]
        settings = replace(
            self,
            organisation=self.organisation.strip(),
            postal_address="\n".join(line for line in lines if line),
            colleagues=_once(self.colleagues),
        )
        faults = {
            "organisation": _organisation_fault(settings.organisation),
            "postalAddress": _postal_fault(settings.postal_address),
            "colleagues": _colleagues_fault(settings.colleagues),
            "quietDays": _days_fault(settings.quiet_days),
            "keepYears": _years_fault(settings.keeping.years),
            "keepHitDays": _hit_days_fault(settings.keeping.hit_days),
        }
        if errors := [FieldError(field=name, message=words) for name, words in faults.items() if words]:
            raise RuleViolation("; ".join(error.message for error in errors), errors=errors)
        return settings

    def with_sender(self, sender: Sender) -> "MailSettings":
        """Return the settings with one sender more; RuleViolation where it can't be one, or is there already."""
        clean = sender.cleaned()
        if any(one.mark == clean.mark for one in self.senders):
            raise RuleViolation(f"{clean.address} is in the list already.", field="address")
        if len(self.senders) >= MAX_SENDERS:
            raise RuleViolation(f"There can be {MAX_SENDERS} senders; remove one first.", field="address")
        return replace(self, senders=(*self.senders, clean))

    def verified(self, mark: str, *, now: datetime) -> "MailSettings":
        """Return the settings with this sender verified, themselves where it is already. Raises NotFound."""
        found = self.sender(mark)
        right = replace(found, verified_at=found.verified_at or now)
        return replace(self, senders=tuple(right if one is found else one for one in self.senders))

    def without_sender(self, mark: str) -> "MailSettings":
        """Return the settings without this sender. Raises NotFound."""
        gone = self.sender(mark)
        return replace(self, senders=tuple(one for one in self.senders if one is not gone))


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """Who a letter says it is from: the sender of letters that name none, the organisation, its postal address and its logo.

    `site` is where readers reach the program: there the logo is fetched.
    """

    sender: str
    organisation: str
    postal_address: str = ""
    site: str = ""
    logo: Picture | None = None


def mark_of(address: str) -> str:
    """Return what stands for an address where none may stand: in keys, links and logs.

    >>> mark_of("Crew@example.org") == mark_of(" crew@EXAMPLE.org")
    True
    """
    return hashlib.sha256(folded_address(address).encode()).hexdigest()[:16]


def mailbox(text: str) -> tuple[str, str] | None:
    """Return (name, address) of one mailbox as headers write it, None where it is not exactly one.

    >>> mailbox("Ada <ada@example.org>"), mailbox("ada@example.org, bob@example.org")
    (('Ada', 'ada@example.org'), None)
    """
    try:
        found = getaddresses([text])
    except (ValueError, IndexError):
        return None
    return found[0] if len(found) == 1 and "@" in found[0][1] and one_line(text) else None


def _once(addresses: tuple[str, ...]) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for address in distinct(addresses):
        kept.setdefault(folded_address(address), address)
    return tuple(kept.values())


def _name_fault(name: str) -> str:
    if len(name) > MAX_NAME:
        return f"The name can have {MAX_NAME} characters."
    if not TURNING.isdisjoint(name):
        return "The name has a character in it that can't be seen and turns the direction of writing; type it anew."
    return "The name has nothing in it that can be seen." if name and nothing_visible(name) else ""


def _address_fault(address: str) -> str:
    if not address:
        return "An address is required."
    if not well_formed_address(address):
        return f"“{address[:80]}” is not one plain address; it should look like team@example.org."
    local, _, host = address.rpartition("@")
    if not local.isascii():
        return "Before the @ only plain letters, digits and signs can be used: many mail servers refuse others as a sender."
    try:
        host.encode("idna")
    except UnicodeError:
        return "There can be no such host behind the @."
    return ""


def _organisation_fault(name: str) -> str:
    if not one_line(name):
        return "The name of the organisation must be one line without control characters."
    if len(name) > MAX_NAME:
        return f"The name of the organisation can have {MAX_NAME} characters."
    return "The name of the organisation has nothing in it that can be seen." if name and nothing_visible(name) else ""


def _postal_fault(address: str) -> str:
    if not all(one_line(line) for line in address.split("\n")):
        return "The postal address has a character in it that can't be written; remove it."
    return f"The postal address can have {MAX_POSTAL_ADDRESS} characters." if len(address) > MAX_POSTAL_ADDRESS else ""


def _days_fault(days: int | None) -> str:
    if days is None or 1 <= days <= MAX_QUIET_DAYS:
        return ""
    return f"Quiet days are from 1 to {MAX_QUIET_DAYS}; leave the field empty for none."


def _years_fault(years: int | None) -> str:
    return "" if years is None or years in YEARS else f"E-mails can be kept for {', '.join(map(str, YEARS))} years, or for ever."


def _hit_days_fault(days: int) -> str:
    if FEWEST_HIT_DAYS <= days <= HIT_DAYS:
        return ""
    return f"Single opens and clicks can be kept for {FEWEST_HIT_DAYS} to {HIT_DAYS} days."


def _colleagues_fault(addresses: tuple[str, ...]) -> str:
    if wrong := [address for address in addresses if not well_formed_address(address)]:
        return f"“{wrong[0][:80]}” is not one plain address; write one to a line, such as ada@example.org."
    return f"{MAX_COLLEAGUES} colleagues are the most; these are {len(addresses)}." if len(addresses) > MAX_COLLEAGUES else ""
