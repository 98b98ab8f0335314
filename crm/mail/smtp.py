"""Mail by SMTP, on a connection that knows its phase: whether the final dot has gone out decides what a failure means."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from crm.domain.errors import DeliveryFailed
from crm.mail.connection import Broken, Connection, Deadline, Reply, SmtpServer, Tls
from crm.mail.port import Accepted, Delivery, OutgoingMessage, Uncertain, spoken

__all__ = ["SmtpMailer", "SmtpServer", "Tls"]

MESSAGES_PER_CONNECTION = 100
IDLE_SECONDS = 30.0


@dataclass(slots=True)
class _Line:
    """An open connection, how often it was used and when last. It is taken by one thread at a time."""

    connection: Connection
    used: int = 0
    idle_since: float = 0.0


class SmtpMailer:
    """Hands messages to one SMTP server over connections that are kept and shared: one per hand-over at the same time.

    Before the final dot every failure means that nothing was sent: DeliveryFailed. After it, a missing answer is Uncertain.
    """

    def __init__(
        self, server: SmtpServer, *, messages_per_connection: int = MESSAGES_PER_CONNECTION, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._server = server
        self._messages_per_connection = messages_per_connection
        self._idle_seconds = idle_seconds
        self._free: list[_Line] = []
        self._lock = threading.Lock()

    def send(self, message: OutgoingMessage, *, deadline: float) -> Delivery:
        """Hand `message` over within `deadline` seconds. A kept connection found dead before that is replaced once."""
        _refuse_unsafe(message)
        until = Deadline(deadline)
        line = self._kept(until)
        if line is not None:
            try:
                self._address(line, message, until)
            except _Stale:
                line.connection.drop()
                line = None
        if line is None:
            line = _Line(self._opened(until))
            self._address(line, message, until)
        return self._transmit(line, message)

    def close(self) -> None:
        """Close every kept connection politely."""
        with self._lock:
            free, self._free = self._free, []
        for line in free:
            line.connection.leave()

    def _kept(self, until: Deadline) -> _Line | None:
        """Take a kept connection that has not been idle for long, or None."""
        while True:
            with self._lock:
                if not self._free:
                    return None
                line = self._free.pop()
            if time.monotonic() - line.idle_since < self._idle_seconds:
                line.connection.deadline = until
                return line
            line.connection.drop()

    def _keep(self, line: _Line) -> None:
        line.used += 1
        line.idle_since = time.monotonic()
        if line.used >= self._messages_per_connection:
            line.connection.leave()
            return
        with self._lock:
            self._free.append(line)

    def _opened(self, until: Deadline) -> Connection:
        """Connect and sign in; every refusal here is about us, not about the recipient."""
        connection = Connection(self._server, until)
        try:
            connection.establish()
        except Broken as error:
            connection.drop()
            raise _failed(error, "The mail server can't be used", whole_provider=True) from error
        return connection

    def _address(self, line: _Line, message: OutgoingMessage, until: Deadline) -> None:
        """Name sender and recipient. Raises _Stale where a kept connection has died meanwhile, else DeliveryFailed."""
        connection = line.connection
        what, about_us = "The mail server did not take the sender", True
        try:
            if line.used:
                _expect(connection.command("RSET"), 250)
            _expect(connection.mail_from(message.sender, international=_international(message)), 250)
            what, about_us = "The mail server did not take the recipient", False
            _expect(connection.rcpt_to(message.recipient), 250, 251)
        except Broken as error:
            if line.used and error.lost and until.left() > 0:
                raise _Stale from error
            self._let_go(line, error)
            raise _failed(error, what, whole_provider=(about_us and not error.personal) or error.closing) from error

    def _transmit(self, line: _Line, message: OutgoingMessage) -> Delivery:
        connection = line.connection
        with self._nothing_sent(line):
            _expect(connection.command("DATA"), 354)
            connection.write_body(message.data)
            connection.deadline.check()
        try:
            reply = connection.finish()
        except Broken as error:
            connection.drop()
            return Uncertain(spoken(f"The connection broke before the mail server answered: {error}"))
        if not 200 <= reply.code < 300 and not 400 <= reply.code < 600:
            connection.drop()
            return Uncertain(spoken(f"The mail server gave no answer that can be understood: {reply}"))
        if reply.code >= 400:
            refused = Broken(reply=reply)
            self._let_go(line, refused)
            raise _failed(refused, "The mail server refused the message", whole_provider=refused.closing)
        self._keep(line)
        return Accepted(spoken(reply.text))

    @contextmanager
    def _nothing_sent(self, line: _Line) -> Iterator[None]:
        try:
            yield
        except Broken as error:
            # After DATA was accepted the server waits for text, so the connection is of no further use whatever went wrong.
            line.connection.drop()
            raise _failed(error, "The message could not be handed over", whole_provider=error.closing) from error

    def _let_go(self, line: _Line, error: Broken) -> None:
        """Keep a connection on which the server only said no, drop one that is lost or closing."""
        if error.lost:
            line.connection.drop()
        else:
            self._keep(line)


class _Stale(Exception):
    """A kept connection was dead before anything was sent on it."""


def _expect(reply: Reply, *codes: int) -> None:
    if reply.code not in codes:
        raise Broken(reply=reply)


def _failed(error: Broken, what: str, *, whole_provider: bool) -> DeliveryFailed:
    """Put a refusal or a lost connection into the domain's words. What concerns everybody is never permanent for one."""
    code = error.reply.code if error.reply else 0
    permanent = (error.personal or 500 <= code < 600) and not whole_provider
    text = spoken(f"{what}: {error}")
    return DeliveryFailed(text, permanent=permanent, code=str(code) if code else None, whole_provider=whole_provider)


def _international(message: OutgoingMessage) -> bool:
    return not (message.sender.isascii() and message.recipient.isascii())


def _refuse_unsafe(message: OutgoingMessage) -> None:
    """An address with a line break, space or bracket could smuggle in a command or a second recipient."""
    for address in (message.sender, message.recipient):
        if not address.isprintable() or any(c in " \t<>,;" for c in address) or "@" not in address.strip("@"):
            raise DeliveryFailed("The address can't be mailed to: it is not one plain address.", permanent=True)
