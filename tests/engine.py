"""A local engine of one's own for tests: in memory unless a file is named, on a free port, gone with its process."""

import socket
import subprocess
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from crm.localdb import engine_binary, start_engine, wait_until_answers

TRIES = 5
START_SECONDS = 10.0


class Engine:
    """`with Engine() as engine: ... engine.url`. With a `database` it can be killed and started again without losing data."""

    def __init__(self, database: Path | None = None) -> None:
        self.database = database
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Return once it answers; the port is chosen the first time and kept from then on."""
        program = engine_binary()
        for _ in range(TRIES):
            port = self.port or free_port()
            process = start_engine(program, port=port, database=self.database)
            if wait_until_answers(port, START_SECONDS, alive=partial(_runs, process)):
                self.port, self._process = port, process
                return self
            process.kill()
            process.wait()
        raise RuntimeError(f"no engine after {TRIES} tries")

    def stop(self) -> None:
        """End it as Ctrl-C would."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_SECONDS)
            self._process = None

    def kill(self) -> None:
        """End it without a chance to tidy up: `kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Kill it and start it again on the same port."""
        self.kill()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _runs(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
