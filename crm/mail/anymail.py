"""Mail by a provider's API: Amazon SES, and others that Anymail speaks to. One request for each message, whatever happens."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from anymail.backends.base import AnymailBaseBackend
from anymail.exceptions import AnymailConfigurationError
from anymail.message import AnymailMessage

from crm.domain.errors import DeliveryFailed
from crm.mail.address import AnymailAddress, SesAddress
from crm.mail.anymail_message import for_ses, in_parts
from crm.mail.port import Accepted, Delivery, OutgoingMessage, Uncertain
from crm.mail.refusals import UNCLEAR, judged, unsent

CONNECT_SHARE, READ_SHARE = 0.1, 0.7
"""Shares of the deadline for each address of the provider's host that is tried, and for each wait for its answer."""
LATE = "The time for the hand-over was up before the mail provider answered."


class _GivenUp(Exception):
    """Nobody waits for this hand-over any more, and nothing was sent."""


@dataclass(slots=True)
class _Try:
    """One hand-over, seen from two sides: whoever gives up and whoever begins the request agree on which came first."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    begun: bool = False
    given_up: bool = False

    def begin(self) -> None:
        """From here on the request may leave us; _GivenUp when it is too late for that."""
        with self.lock:
            if self.given_up:
                raise _GivenUp
            self.begun = True

    def give_up(self) -> bool:
        """Stop the request, if it has not begun; tell whether it has."""
        with self.lock:
            self.given_up = True
            return self.begun


class _Line:
    """An opened back end of Anymail's, used by one hand-over at a time, and what tells us that a request begins."""

    def __init__(self, backend: Any, deadline: float) -> None:
        self.backend = backend
        self.deadline = deadline
        self.attempt = _Try()
        backend.open()
        if (client := getattr(backend, "client", None)) is not None:
            client.meta.events.register("before-send", self._ask)
        else:
            backend.timeout = (deadline * CONNECT_SHARE, deadline * READ_SHARE)
            backend.session.max_redirects = 0
            self._send = backend.session.send
            backend.session.send = self._asked

    def deliver(self, message: AnymailMessage) -> Any:
        """Hand over, and return Anymail's status of the message."""
        self.backend.send_messages([message])
        return message.anymail_status

    def close(self) -> None:
        self.backend.close()

    def _ask(self, **_event: Any) -> None:
        self.attempt.begin()

    def _asked(self, *request: Any, **options: Any) -> Any:
        self.attempt.begin()
        return self._send(*request, **options)


class AnymailMailer:
    """Hands messages to one provider over back ends that are kept and shared: one per hand-over at the same time.

    What fails before the request begins, or before a connection comes about, was not sent: DeliveryFailed. So is what the
    provider refuses. A request without an answer is Uncertain, and is never repeated: not by us, boto3 or requests.
    """

    def __init__(self, address: SesAddress | AnymailAddress, *, region: str = "") -> None:
        self._address = address
        self._region = region
        self._free: list[_Line] = []
        self._lock = threading.Lock()
        try:
            self._backend(30.0)
        except AnymailConfigurationError as error:
            raise ValueError(f"EMAIL_URL can't be used: {_missing(str(error))}") from None

    def send(self, message: OutgoingMessage, *, deadline: float) -> Delivery:
        """Hand `message` over within `deadline` seconds, in a thread: some waits, such as for a name server, can't be cut."""
        built = for_ses(message) if isinstance(self._address, SesAddress) else in_parts(message, self._address.provider)
        line = self._taken(deadline)
        answer = _Answer()
        thread = threading.Thread(target=answer.fill, args=(lambda: line.deliver(built),), daemon=True)
        thread.start()
        thread.join(deadline)
        if thread.is_alive():
            if line.attempt.give_up():
                return Uncertain(LATE)
            raise DeliveryFailed("The time for the hand-over was up before it began.", permanent=False, whole_provider=True)
        self._keep(line)  # also after a failure: a broken connection within it is replaced before the next request
        if answer.error is None:
            return _accepted(answer.value)
        meaning = judged(answer.error, begun=line.attempt.begun)
        if isinstance(meaning, DeliveryFailed):
            raise meaning from answer.error
        return meaning

    def close(self) -> None:
        """Close every kept back end."""
        with self._lock:
            free, self._free = self._free, []
        for line in free:
            line.close()

    def _taken(self, deadline: float) -> _Line:
        """Take a kept line with these time-outs, or open one; that asks nobody anything yet."""
        with self._lock:
            line = next((one for one in self._free if one.deadline == deadline), None)
            if line is not None:
                self._free.remove(line)
        if line is None:
            try:
                return _Line(self._backend(deadline), deadline)
            except Exception as error:
                raise unsent(error) from error
        line.attempt = _Try()
        return line

    def _keep(self, line: _Line) -> None:
        with self._lock:
            self._free.append(line)

    def _backend(self, deadline: float) -> AnymailBaseBackend:
        if isinstance(self._address, AnymailAddress):
            return backend_class(self._address.provider)()
        config = {
            "retries": {"total_max_attempts": 1, "mode": "standard"},
            "connect_timeout": deadline * CONNECT_SHARE,
            "read_timeout": deadline * READ_SHARE,
        }
        return backend_class("amazon_ses")(
            session_params={},
            client_params={"region_name": self._address.region or self._region or None, "config": config},
            configuration_set_name=self._address.configuration_set or None,
        )


@dataclass(slots=True)
class _Answer:
    """What a thread brings back."""

    value: Any = None
    error: Exception | None = None

    def fill(self, work: Callable[[], Any]) -> None:
        try:
            self.value = work()
        except Exception as error:
            self.error = error


def backend_class(provider: str) -> type[AnymailBaseBackend]:
    """Return Anymail's back end of a provider."""
    found: type[AnymailBaseBackend] = import_module(f"anymail.backends.{provider}").EmailBackend
    return found


def _accepted(status: Any) -> Delivery:
    """What the provider's yes says of the one recipient."""
    if status.status == {"failed"}:
        raise DeliveryFailed("The mail provider could not send the message.", permanent=False)
    if status.status is None or "unknown" in status.status:
        return Uncertain(UNCLEAR)
    return Accepted(status.message_id if isinstance(status.message_id, str) else "")


def _missing(text: str) -> str:
    """Name the variable that is missing, in place of Anymail's advice for a settings file.

    >>> _missing("You must set ANYMAIL = {'POSTMARK_SERVER_TOKEN': ...} or ANYMAIL_POSTMARK_SERVER_TOKEN in your Django settings")
    'ANYMAIL_POSTMARK_SERVER_TOKEN is not set.'
    """
    names = [word for word in text.split() if word.startswith("ANYMAIL_")]
    return f"{names[0]} is not set." if names else text
