"""One SMTP connection under one deadline, on smtplib: every read and write gets only the time that is left."""

import re
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CLOSING = 421
MAX_LINE = 8192
MAX_REPLY_LINES = 100
WRITE_BYTES = 64 * 1024
BEFORE_DOT = 0.75
"""Share of the deadline for everything up to the final dot; the rest is for the answer, whose loss would leave us uncertain."""
LEAVE_SECONDS = 1.0
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Tls(Enum):
    """When a connection turns to TLS: never, after asking (STARTTLS), or from the start."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where to hand mail over. Without `user` there is no sign-in; `ca_file` is trusted in place of the system's authorities."""

    host: str
    port: int
    tls: Tls = Tls.NONE
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer; `code` is 0 where it did not begin with one."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code or ''} {self.text}".strip()


class Broken(Exception):
    """A refusal (`reply`), a lost connection or time that is up (no reply). `personal`: it is about this recipient's address."""

    def __init__(self, text: str = "", *, reply: Reply | None = None, personal: bool = False) -> None:
        super().__init__(text or str(reply))
        self.reply = reply
        self.personal = personal

    @property
    def closing(self) -> bool:
        """Whether the server said that it is closing, which concerns everybody."""
        return self.reply is not None and self.reply.code == CLOSING

    @property
    def lost(self) -> bool:
        """Whether the connection is of no further use."""
        return self.closing or (self.reply is None and not self.personal)


class Deadline:
    """The time for one whole hand-over. It runs on while the machine is suspended."""

    def __init__(self, seconds: float) -> None:
        now = time.clock_gettime(CLOCK)
        self._dot, self._end = now + seconds * BEFORE_DOT, now + seconds
        self.answering = False

    def left(self) -> float:
        """Return the seconds left of the present phase: until the dot, or for its answer."""
        return (self._end if self.answering else self._dot) - time.clock_gettime(CLOCK)

    def check(self) -> float:
        """Return the seconds left; Broken when there are none."""
        if (left := self.left()) <= 0:
            raise Broken("the time for the hand-over was up")
        return left


class Connection(smtplib.SMTP):
    """An SMTP connection; every failure is a Broken. `deadline` is set anew for each hand-over."""

    def __init__(self, server: SmtpServer, deadline: Deadline) -> None:
        super().__init__(local_hostname=local_name())
        self.server = server
        self.deadline = deadline
        self._host = server.host
        self._unread = b""

    def establish(self) -> None:
        """Connect, read the greeting, turn to TLS and sign in, as far as the server's address asks for it."""
        with _broken():
            self._establish()

    def mail_from(self, address: str, *, international: bool) -> Reply:
        """Name the sender; `international`: an address of this message has letters outside ASCII (SMTPUTF8, RFC 6531)."""
        if international and not self.has_extn("smtputf8"):
            raise Broken("it can't take addresses with letters outside ASCII", personal=True)
        self.command_encoding = "utf-8" if international else "ascii"
        eight_bit = " BODY=8BITMIME" if self.has_extn("8bitmime") else ""
        return self.command(f"MAIL FROM:<{address}>{f' SMTPUTF8{eight_bit}' if international else ''}")

    def rcpt_to(self, address: str) -> Reply:
        """Name the recipient."""
        return self.command(f"RCPT TO:<{address}>")

    def command(self, line: str) -> Reply:
        """Send one command and return the answer."""
        return _reply(self.docmd(line))

    def write_body(self, data: bytes) -> None:
        """Write the message without its final dot: until that is written the server can't have accepted it.

        Broken, with its answer, where the server has refused before it saw the end.
        """
        lines = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
        stuffed = re.sub(rb"(?m)^\.", b"..", lines)
        self.send(stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n")
        if self._has_answered():
            raise Broken(reply=_reply(self.getreply()))

    def finish(self) -> Reply:
        """Write the final dot and return the answer. From here on a Broken does not say whether the message went out."""
        self.deadline.answering = True
        self.send(b".\r\n")
        return _reply(self.getreply())

    def leave(self) -> None:
        """Say goodbye, without waiting long, and close."""
        self.deadline = Deadline(LEAVE_SECONDS)
        with suppress(Broken):
            self.docmd("QUIT")
        self.drop()

    def drop(self) -> None:
        """Close without a word."""
        with suppress(OSError):
            self.close()

    def _establish(self) -> None:
        self.sock = self._connected()
        greeting = _reply(self.getreply())
        if greeting.code != 220:
            raise Broken(reply=greeting)
        self.ehlo_or_helo_if_needed()
        if self.server.tls is Tls.STARTTLS:
            self.sock.settimeout(self.deadline.check())
            self.starttls(context=tls_context(self.server.ca_file))
            if self._unread:
                raise Broken("it answered before the connection was encrypted")
            self.ehlo_or_helo_if_needed()
        if self.server.user:
            self.login(self.server.user, self.server.password)

    def _connected(self) -> socket.socket:
        """Try each address of the host in turn; all of them together have the time that is left."""
        failure: OSError = OSError("the host has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(self.server.host, self.server.port, type=socket.SOCK_STREAM):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(self.deadline.check())
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else the dot waits for the body's acknowledgement
                if self.server.tls is Tls.IMPLICIT:
                    return tls_context(self.server.ca_file).wrap_socket(sock, server_hostname=self.server.host)
                return sock
            except OSError as error:
                sock.close()
                failure = error
        raise failure

    # What smtplib's own commands (EHLO, STARTTLS, AUTH) go through, too.

    def send(self, s: "ReadableBuffer | str") -> None:
        """Write all of `s` in the time that is left."""
        rest = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        with _broken():
            while rest:
                rest = rest[self._open_socket().send(rest[:WRITE_BYTES]) :]

    def getreply(self) -> tuple[int, bytes]:
        """Read one answer, however slowly its bytes drip, in the time that is left."""
        texts: list[bytes] = []
        for _ in range(MAX_REPLY_LINES):
            line = self._line()
            if not line[:3].isdigit():
                return 0, line.strip()
            texts.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(texts)
        raise Broken("its answer never ends")

    def _line(self) -> bytes:
        while b"\n" not in self._unread:
            if len(self._unread) > MAX_LINE:
                raise Broken("its answer never ends")
            with _broken():
                read = self._open_socket().recv(MAX_LINE)
            if not read:
                raise Broken("it closed the connection")
            self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _has_answered(self) -> bool:
        """Whether something can be read already; Broken when the server has hung up."""
        sock = self._open_socket()
        sock.setblocking(False)
        with _broken():
            try:
                read = sock.recv(MAX_LINE)
            except (BlockingIOError, ssl.SSLWantReadError):
                return bool(self._unread)
        if not read:
            raise Broken("it closed the connection")
        self._unread += read
        return True

    def _open_socket(self) -> socket.socket:
        if self.sock is None:
            raise Broken("the connection is closed")
        self.sock.settimeout(self.deadline.check())
        return self.sock


@contextmanager
def _broken() -> Iterator[None]:
    """Say everything that smtplib, sockets and TLS raise as a Broken, in words for staff."""
    try:
        yield
    except TimeoutError as error:
        raise Broken("the time for the hand-over was up") from error
    except smtplib.SMTPResponseException as error:
        text = error.smtp_error
        raise Broken(reply=Reply(error.smtp_code, text.decode(errors="replace") if isinstance(text, bytes) else text)) from error
    except ssl.SSLCertVerificationError as error:
        raise Broken(f"its certificate can't be trusted ({error.verify_message})") from error
    except UnicodeError as error:
        raise Broken("user name and password may have ASCII characters only") from error
    except smtplib.SMTPException as error:
        raise Broken(str(error)) from error
    except OSError as error:
        raise Broken((error.strerror or str(error) or "the connection was lost").lower()) from error


def _reply(answer: tuple[int, bytes]) -> Reply:
    code, text = answer
    return Reply(code, text.decode(errors="replace").replace("\n", " "))


@lru_cache(maxsize=8)
def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that checks certificates and names; made once, because reading the authorities takes long."""
    return ssl.create_default_context(cafile=ca_file)


def local_name() -> str:
    """Return how we greet: the host's name where it has a dot, else an address literal; never a slow look-up."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
