"""A command that is kept running: when it ends by itself it is started again, after a pause that grows while it does so often."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from crm.localdb import die_with_parent

log = logging.getLogger(__name__)

STOP_SECONDS = 40.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
CALM_SECONDS = 60.0
"""Who ran for so long and ends then did not end again and again."""


class Kept:
    """One command and what became of it. `tend` is called now and then; it never waits."""

    def __init__(self, name: str, command: list[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._command = command
        self._clock = clock
        self._ends = 0
        self._again: float | None = None
        self._start()

    def tend(self) -> bool:
        """Start the command again where that is due; False when it was found ended just now."""
        now = self._clock()
        if self._again is not None and now >= self._again:
            self._start()
        elif self._again is None and self._process.poll() is not None:
            self._ends = 1 if now - self._since > CALM_SECONDS else self._ends + 1
            pause = min(FIRST_PAUSE * 2 ** (self._ends - 1), LONGEST_PAUSE)
            self._again = now + pause
            words = {"part": self.name, "ends": self._ends, "seconds": pause}
            log.warning("a part ended by itself and is started again after a pause", extra=words)
            return False
        return True

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def wait(self) -> None:
        """Return when it has ended; one that takes too long is killed."""
        wait(self._process)

    def _start(self) -> None:
        self._process, self._since, self._again = spawn(self._command), self._clock(), None


def spawn(command: list[str], stdout: int | None = None) -> "subprocess.Popen[bytes]":
    """Start a command, with our Python first on its path and out of reach of the terminal's Ctrl-C, which is ours."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
        # Honcho gives each process a PORT of its own, from which these must not be derived.
        "DYNAMODB_ENDPOINT_URL": settings.DYNAMODB_ENDPOINT_URL,
        "PUBLIC_URL": settings.PUBLIC_URL,
    }
    return subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )


def wait(process: "subprocess.Popen[bytes]") -> None:
    """Return when a process that was asked to end has ended; one that takes too long is killed."""
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
