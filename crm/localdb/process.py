"""One engine process: how it is started and how one knows that it answers."""

import ctypes
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"
PR_SET_PDEATHSIG = 1


def start_engine(
    program: Path, *, port: int, database: Path | None = None, host: str = LOOPBACK, keep_open: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start one engine and return it at once; it may need 50 ms until it answers.

    Without `database` everything is kept in memory. The files in `keep_open` stay open in the engine. On Linux it does not
    outlive the thread that called this, not even one that was killed.
    """
    words = [str(program), "serve", "--host", host, "--port", str(port)]
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
        words += ["--db-path", str(database)]
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=tuple(keep_open),
        preexec_fn=die_with_parent(signal.SIGKILL),
    )


def die_with_parent(number: int) -> Callable[[], None] | None:
    """Return what a child process must call so that it gets the signal when its parent is gone; None where that can't be had."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os.kill(os.getpid(), number)

    return ask


def answers(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether an engine answers at the address."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until_answers(port: int, seconds: float, *, alive: Callable[[], bool] = lambda: True) -> bool:
    """Wait for the engine to answer; False after that time, or as soon as `alive` says that there is nothing to wait for."""
    until = time.monotonic() + seconds
    while not answers(port):
        if time.monotonic() > until or not alive():
            return False
        time.sleep(0.02)
    return True
