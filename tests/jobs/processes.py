"""Workers and an SMTP server as processes of their own, which tests may kill."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.conftest import LINK_KEYS
from tests.smtp import logged

ROOT = Path(__file__).resolve().parent.parent.parent


def worker_environment(url: str, table: str, email_url: str, **settings: str) -> dict[str, str]:
    """The environment of a worker on that table; settings are CRM_… variables without their prefix."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CRM_", "DJANGO_", "AWS_"))}
    return {
        **kept,
        "DEBUG": "1",
        "SECRET_KEY": "a page key for tests alone",
        "LINK_KEY": ",".join(LINK_KEYS),
        "DATABASE_URL": "sqlite://:memory:",
        "DYNAMODB_ENDPOINT_URL": url,
        "CRM_TABLE": table,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "EMAIL_URL": email_url,
        "DEFAULT_FROM_EMAIL": "Crew <crew@example.org>",
        "CRM_ENV_FILE": os.devnull,
        **{f"CRM_{name}": value for name, value in settings.items()},
    }


class WorkerProcess:
    """One `manage.py worker`, or another `program` that does the same."""

    def __init__(
        self,
        environment: dict[str, str],
        *arguments: str,
        program: Sequence[str] = ("manage.py", "worker"),
        log: Path | None = None,
    ) -> None:
        program = [*program, *arguments]
        output = log.open("ab") if log else subprocess.DEVNULL
        self.started = time.monotonic()
        self.process = subprocess.Popen([sys.executable, *program], cwd=ROOT, env=environment, stdout=output, stderr=output)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(10)

    def suspend(self) -> None:
        """Stop it where it is."""
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on where it was."""
        self.process.send_signal(signal.SIGCONT)

    def terminate(self, seconds: float = 20.0) -> int:
        """Ask it to end, and return its exit status."""
        self.process.terminate()
        return self.process.wait(seconds)

    def wait(self, seconds: float) -> int:
        """Wait for it to end by itself."""
        return self.process.wait(seconds)


class SmtpProcess:
    """`python -m tests.smtp`; what it accepted is in a log that is written before it answers. It can go away and come back.

    `options` are words that are passed on to it.
    """

    def __init__(self, log: Path, *options: str) -> None:
        self.log = log
        self._options = options
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def recipients(self) -> list[str]:
        """Who was mailed so far, in order, with doubles."""
        return [line["recipient"] for line in logged(self.log)]

    def start(self) -> None:
        """Return when it takes connections; the port is the same each time."""
        arguments = ["-m", "tests.smtp", "--port", str(self.port), "--log", str(self.log), *self._options]
        self._process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL)
        wait_for(self._answers, 20)

    def go_away(self) -> None:
        """Break every connection and listen no more."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def wait_for(holds: Callable[[], bool], seconds: float, *, every: float = 0.1) -> None:
    """Return as soon as `holds()`; an AssertionError when it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} seconds"
        time.sleep(every)
