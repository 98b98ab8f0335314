"""A real SMTP server for tests, which can be told to refuse, stall, drip or break at any phase of any message.

In a test: `with SmtpServer() as server: server.script("ada@example.org", RETRY_451)`. As a process, for tests that kill things:
`python -m tests.smtp --port 2525 --log received.jsonl`; a line is in the log, fsynced, before the client gets its answer. With
`--lost lost.jsonl` there is one line for each message whose final dot may have come, but whose answer did not go out.
"""

import argparse
import asyncio
import json
import logging
import math
import os
import random
import signal
import ssl
import threading
import time
import warnings
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.smtp_steps import ACCEPT, STEPS, Moods, Step

DRIP_SECONDS = 0.05
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd tells each command


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message that the server took over. `at` is seconds since the epoch."""

    recipient: str
    sender: str
    message_id: str
    email_id: str
    subject: str
    raw: bytes
    at: float

    @property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        return message_from_bytes(self.raw, policy=modern)


class SmtpServer:
    """An SMTP server on a thread of its own. After `stop`, `start` listens on the same port again."""

    def __init__(
        self,
        port: int = 0,
        *,
        utf8: bool = True,
        login: tuple[str, str] | None = None,
        starttls: ssl.SSLContext | None = None,
        implicit_tls: ssl.SSLContext | None = None,
        delay: float = 0.0,
        log: Path | None = None,
        lost: Path | None = None,
        slow: float = math.inf,
        moods: Moods | None = None,
    ) -> None:
        self.port = port
        self.utf8, self.login, self.starttls, self.implicit_tls = utf8, login, starttls, implicit_tls
        self.delay, self.log, self.lost, self.slow = delay, log, lost, slow
        self.moods = moods or Moods()
        self.default = ACCEPT
        self.greeting: Step | None = None
        self.connections = 0
        self.commands: list[str] = []
        self._received: list[Received] = []
        self._scripts: defaultdict[str, deque[Step]] = defaultdict(deque)
        self._next: deque[Step] = deque()
        self._open: dict[asyncio.BaseTransport, _Talk] = {}
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The EMAIL_URL of this server, without sign-in or TLS."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def messages(self) -> list[Received]:
        """What was accepted so far, in order, whether or not the client heard of it."""
        with self._lock:
            return list(self._received)

    @property
    def recipients(self) -> list[str]:
        """Who was mailed so far, in order, with doubles."""
        return [message.recipient for message in self.messages]

    def script(self, recipient: str, *steps: Step) -> None:
        """Do these with the next messages to `recipient`, one step for each; after them the default holds again."""
        assert all(step.at not in {"greeting", "mail"} for step in steps), "the recipient is not known then; use script_next"
        with self._lock:
            self._scripts[recipient].extend(steps)

    def script_next(self, *steps: Step) -> None:
        """Do these with the next messages, whoever gets them, one step for each."""
        with self._lock:
            self._next.extend(steps)

    def drop_connections(self) -> None:
        """Break every open connection, as a server does with idle ones."""
        self._call(lambda: [transport.abort() for transport in list(self._open)])  # type: ignore[attr-defined]

    def start(self) -> None:
        """Listen; returns when connections are taken."""
        assert self._thread is None, "the server is running"
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10), "the server did not start"

    def stop(self) -> None:
        """Stop listening and break every open connection; connecting is refused from here on."""
        if self._thread is None or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._thread = self._loop = None

    def take_step(self, recipient: str | None) -> Step | None:
        """Return the step for a message: `recipient` None asks whether one is meant for whoever is next."""
        with self._lock:
            script = self._next if recipient is None else self._scripts[recipient]
            if script:
                return script.popleft()
        if recipient is None:
            return self.moods.at("mail")
        return self.moods.towards(recipient) or self.moods.at("rcpt", "data", "body", "dot")

    def lose(self, recipient: str) -> None:
        """Note down that nobody will hear what became of a message."""
        if self.lost:
            _append(self.lost, {"recipient": recipient, "at": time.time()})

    def record(self, envelope: Envelope) -> None:
        """Keep an accepted message; it is on disk when this returns, if there is a log."""
        raw = envelope.original_content or b""
        message = message_from_bytes(raw, policy=modern)
        received = Received(
            recipient=envelope.rcpt_tos[0],
            sender=envelope.mail_from or "",
            message_id=str(message["Message-ID"] or ""),
            email_id=str(message["X-Email-Id"] or ""),
            subject=str(message["Subject"] or ""),
            raw=raw,
            at=time.time(),
        )
        with self._lock:
            self._received.append(received)
            if self.log:
                _append(self.log, {key: value for key, value in asdict(received).items() if key != "raw"})

    def _call(self, action: Callable[[], object]) -> None:
        done = threading.Event()
        assert self._loop is not None
        self._loop.call_soon_threadsafe(lambda: (action(), done.set()))  # type: ignore[func-returns-value]
        done.wait(5)

    def _run(self, ready: threading.Event) -> None:
        self._loop = loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        listening = loop.create_server(lambda: _Talk(self, loop), "127.0.0.1", self.port, ssl=self.implicit_tls)
        server = loop.run_until_complete(listening)
        self.port = server.sockets[0].getsockname()[1]
        loop.call_soon(ready.set)
        loop.run_forever()
        server.close()
        for transport, talk in list(self._open.items()):
            if talk.receiving:
                self.lose(talk.receiving)
            transport.abort()  # type: ignore[attr-defined]
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()


def _append(path: Path, values: Mapping[str, object]) -> None:
    line = json.dumps(values) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def logged(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a log that `--log` wrote, oldest first: recipient, sender, message_id, email_id, subject, at.

    A line that is still being written is left for later.
    """
    whole = path.read_text().rpartition("\n")[0] if path.exists() else ""
    return [json.loads(line) for line in whole.splitlines()]


class _Talk(SMTP):
    """One connection. The handler is the connection itself: aiosmtpd's hooks are methods here."""

    def __init__(self, owner: SmtpServer, loop: asyncio.AbstractEventLoop) -> None:
        self.owner = owner
        self.step: Step | None = None
        self.receiving = ""
        self.began = 0.0
        self.greeted = False
        with warnings.catch_warnings(action="ignore"):  # aiosmtpd warns of signing in without TLS
            super().__init__(
                _Hooks(),
                hostname="mail.test",
                enable_SMTPUTF8=owner.utf8,
                tls_context=owner.starttls,
                require_starttls=owner.starttls is not None,
                auth_required=owner.login is not None,
                auth_require_tls=False,
                authenticator=self._may_sign_in,
                loop=loop,
            )

    def _may_sign_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        known = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == self.owner.login
        return AuthResult(success=known, handled=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.owner.connections += self.transport is None  # it is made a second time when it turns to TLS
        self.owner._open[transport] = self
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.owner._open.pop(self.transport, None)  # type: ignore[arg-type]
        super().connection_lost(error)

    async def push(self, status: Any) -> None:
        if not self.greeted:
            self.greeted = True
            if step := self.owner.greeting or self.owner.moods.at("greeting"):
                await self._do(step)
                self.transport.close()  # type: ignore[union-attr]
                return
        await super().push(status)

    async def smtp_MAIL(self, arg: str | None) -> None:
        self.owner.commands.append("MAIL")
        self.began = time.monotonic()
        self.step = self.owner.take_step(None)
        if not await self._acts("mail"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        self.owner.commands.append("RCPT")
        recipient = (arg or "").partition("<")[2].partition(">")[0]
        self.step = self.owner.take_step(recipient) or self.step or self.owner.default
        if not await self._acts("rcpt"):
            await super().smtp_RCPT(arg)

    async def smtp_RSET(self, arg: str | None) -> None:
        self.owner.commands.append("RSET")
        await super().smtp_RSET(arg)

    async def smtp_DATA(self, arg: str) -> None:
        self.owner.commands.append("DATA")
        if await self._acts("data"):
            return
        if self.step and self.step.at == "body":
            await super().push("354 go on")
            await self._reader.readuntil(b"\r\n")
            self.owner.lose(self.envelope.rcpt_tos[0])  # type: ignore[union-attr]
            await self._do(self.step)
        self.receiving = self.envelope.rcpt_tos[0] if self.envelope and self.envelope.rcpt_tos else ""
        await super().smtp_DATA(arg)
        self.receiving = ""

    async def answer(self, envelope: Envelope) -> str:
        """Decide on a whole message, after its final dot."""
        step = self.step or self.owner.default
        if step.at == "dot" and (step.then != "reply" or step.reply[:1] not in {"", "2", "4", "5"}):
            self.owner.lose(envelope.rcpt_tos[0])
        if self.owner.delay:
            await asyncio.sleep(self.owner.delay)
        if step.record:
            self.owner.record(envelope)
        if step.then in {"drop", "stall", "drip"}:
            await self._do(step)
        if time.monotonic() - self.began > self.owner.slow:
            self.owner.lose(envelope.rcpt_tos[0])
        return step.reply or f"250 2.0.0 OK queued as {len(self.owner.messages)}"

    async def _acts(self, phase: str) -> bool:
        if self.step is None or self.step.at != phase:
            return False
        await self._do(self.step)
        return True

    async def _do(self, step: Step) -> None:
        if step.then == "drop":
            self.transport.abort()  # type: ignore[union-attr]
            await asyncio.sleep(3600)  # until the lost connection cancels this
        if step.then == "stall":
            await asyncio.sleep(3600)
        if step.then == "drip":
            for character in step.reply:
                self._writer.write(character.encode())
                await asyncio.sleep(DRIP_SECONDS)
        await super().push(step.reply)
        if step.reply.startswith("421"):
            self.transport.close()  # type: ignore[union-attr]


class _Hooks:
    async def handle_DATA(self, server: _Talk, session: Session, envelope: Envelope) -> str:
        return await server.answer(envelope)


@contextmanager
def refusing_port() -> Iterator[int]:
    """Give a port on which nothing listens."""
    server = SmtpServer()
    server.start()
    server.stop()
    yield server.port


def main() -> None:
    """Serve until SIGTERM, writing each accepted message to the log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before a message is accepted")
    parser.add_argument("--script", nargs="*", default=[], metavar="RECIPIENT=STEP", help=f"steps: {', '.join(STEPS)}")
    parser.add_argument("--lost", type=Path, help="where it is noted whose answer did not go out")
    parser.add_argument("--slow", type=float, default=math.inf, metavar="SECONDS", help="an answer after that counts as lost")
    parser.add_argument("--chance", nargs="*", default=[], metavar="STEP=SHARE", help="do that to this share of messages")
    parser.add_argument("--always", nargs="*", default=[], metavar="PATTERN=STEP", help="do that to all mail to such addresses")
    parser.add_argument("--seed", type=int, help="of the chances")
    options = parser.parse_args()
    moods = Moods(
        chances={STEPS[name]: float(share) for name, _, share in (text.partition("=") for text in options.chance)},
        always={pattern: STEPS[name] for pattern, _, name in (text.rpartition("=") for text in options.always)},
        chance=random.Random(options.seed),
    )
    server = SmtpServer(options.port, delay=options.delay, log=options.log, lost=options.lost, slow=options.slow, moods=moods)
    for line in options.script:
        recipient, _, step = line.rpartition("=")
        server.script(recipient, STEPS[step])
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with server:
        print(f"listening on {server.port}", flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
