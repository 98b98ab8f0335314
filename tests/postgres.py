"""A Postgres of one's own for tests: an empty server on a free port, its files in a folder that goes with it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.engine import free_port

START_SECONDS = 30.0
UNPRIVILEGED = "nobody"
"""Who runs it where the tests run as root, which Postgres refuses to."""


def postgres_programs() -> Path | None:
    """The folder with `initdb` and `pg_ctl`, which Debian keeps off the PATH; the newest version, None where there is none."""
    if found := shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    debian = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/pg_ctl") if path.parts[4].isdigit()]
    return max(debian, key=lambda folder: int(folder.parts[4]), default=None)


class Postgres:
    """`with Postgres(programs) as postgres: ... postgres.url`. Whoever is on this machine may connect."""

    def __init__(self, programs: Path) -> None:
        self.port = free_port()
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
        self._who: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(self._folder, UNPRIVILEGED)
            self._who = {"user": UNPRIVILEGED, "extra_groups": []}

    @property
    def url(self) -> str:
        return f"postgres://crm@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Return when it takes connections; the data are those of before."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._folder} -F"
        self._run("pg_ctl", "start", "-w", "-t", f"{START_SECONDS:.0f}", "-l", str(self._folder / "log"), "-o", options)

    def stop(self) -> None:
        """Break every connection and end, as a restart for an update does."""
        self._run("pg_ctl", "stop", "-m", "fast", "-w")

    def __enter__(self) -> Self:
        self._run("initdb", "--username=crm", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._run("pg_ctl", "stop", "-m", "immediate", "-w")
        shutil.rmtree(self._folder)

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._programs / program), *words, "-D", str(self._folder / "data")]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        nowhere = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, env=environment, cwd=self._folder, check=True, timeout=60, **nowhere, **self._who)
