"""What jobs know about delivering mail: a message, a mailer, and the three ways a hand-over can end."""

import re
from dataclasses import dataclass
from typing import Protocol

MAX_REASON = 200
ADDRESS = re.compile(r"<?[^\s<>\"(),:;]+@[^\s<>\"(),:;]+>?")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """One message to one person, ready to go. `sender` and `recipient` are bare addresses of the envelope; `data` is RFC 5322."""

    email_id: str
    sender: str
    recipient: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message over; `provider_id` is what it calls it, empty where it did not say."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The whole message was handed over, but no answer came: it may have been sent. Never repeat it by itself."""

    reason: str


Delivery = Accepted | Uncertain


class Mailer(Protocol):
    """Hands messages to whoever delivers them. May be shared by threads."""

    def send(self, message: OutgoingMessage, *, deadline: float) -> Delivery:
        """Hand `message` over within `deadline` seconds, or fail before it can have been sent.

        Raises DeliveryFailed: nothing was sent, and nothing will be. Its message can be stored: it names no address.
        """
        ...

    def close(self) -> None:
        """Let go of connections; sending again opens new ones."""
        ...


def spoken(text: str) -> str:
    """Return a provider's words as they may be stored and shown: one short line without addresses.

    >>> spoken("5.1.1 <ada@example.org>: unknown\\r\\nsee ada@example.org")
    '5.1.1 (address): unknown see (address)'
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in ADDRESS.sub("(address)", text)).split())
    return line if len(line) <= MAX_REASON else line[: MAX_REASON - 1] + "…"
