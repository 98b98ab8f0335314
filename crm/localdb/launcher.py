"""Keeps one engine on one file: alone on it, started again when it dies, gone when its launcher is."""

import fcntl
import logging
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from crm.localdb.binary import EngineUnavailable
from crm.localdb.process import LOOPBACK, start_engine

log = logging.getLogger(__name__)

DEATHS_ALLOWED = 5
DEATHS_SECONDS = 60.0
STOP_SECONDS = 5.0
LOCK_SECONDS = 2.0


class EngineInUse(EngineUnavailable):
    """Somebody else has the file or the port."""


class Launcher:
    """Runs the engine in the foreground. Two on one file would miss each other's writes, so the file is locked meanwhile."""

    def __init__(self, program: Path, database: Path, *, port: int, host: str = LOOPBACK) -> None:
        self.program = program
        self.database = database
        self.port = port
        self.host = host
        self._engine: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()

    def run(self) -> None:
        """Return after SIGTERM or SIGINT, with the engine stopped. Raises EngineInUse, EngineUnavailable."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        self.database.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(self.database) as lock:
            check_port(self.port, "the local engine", self.host)
            try:
                self._keep_running(lock)
            finally:
                self._end_engine()

    def _keep_running(self, lock: IO[str]) -> None:
        deaths: list[float] = []
        while not self._stopping.is_set():
            # The engine inherits the lock: should it outlive us where the system can't prevent that, the file stays guarded.
            self._engine = start_engine(
                self.program, port=self.port, database=self.database, host=self.host, keep_open=[lock.fileno()]
            )
            if self._stopping.is_set():
                return
            status = self._engine.wait()
            if self._stopping.is_set():
                return
            if status >= 0:
                raise EngineUnavailable(f"The local engine ended by itself with status {status}; its own words stand above.")
            deaths = [moment for moment in deaths if time.monotonic() - moment < DEATHS_SECONDS] + [time.monotonic()]
            if len(deaths) > DEATHS_ALLOWED:
                raise EngineUnavailable(f"The local engine died {len(deaths)} times within a minute; it is not started again.")
            log.warning("local engine died and is started again", extra={"signal": -status, "deaths": len(deaths)})

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping.set()
        if self._engine is not None:
            self._engine.terminate()

    def _end_engine(self) -> None:
        if self._engine is None or self._engine.poll() is not None:
            return
        self._engine.terminate()
        try:
            self._engine.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._engine.kill()
            self._engine.wait()


@contextmanager
def _only_one(database: Path) -> Iterator[IO[str]]:
    """Hold the lock beside the file. Raises EngineInUse when another launcher keeps it.

    The short wait is for an engine whose launcher was killed a moment ago.
    """
    with database.with_name(database.name + ".lock").open("a+") as lock:
        until = time.monotonic() + LOCK_SECONDS
        while not _locked(lock):
            if time.monotonic() > until:
                lock.seek(0)
                raise EngineInUse(
                    f"Another engine works on {database} (process {lock.read().strip() or 'unknown'}). "
                    "Stop that one, or go on with it."
                )
            time.sleep(0.05)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def check_port(port: int, purpose: str, host: str = LOOPBACK) -> None:
    """Do nothing if the port is free. Raises EngineInUse; `purpose` is who wants it, as in "the site"."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise EngineInUse(
                f"Port {port} can't be used for {purpose} ({error.strerror}). Stop what uses it, or choose another port: "
                f"make run PORT={port + 10}"
            ) from error


def check_free(database: Path, port: int) -> None:
    """Do nothing if an engine could start on this file and port at this moment. Raises EngineInUse."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(database):
        check_port(port, "the local engine")
