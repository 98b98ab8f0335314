"""The processes of the mail bench: worker processes, and a mail server."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 1_800.0
"""Seconds that a worker may need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a worker process says when it has nothing left to do: what it cost, and its memory in bytes."""

    requests: int
    items_read: int
    read_units: float
    write_units: float
    before: int
    peak: int


def work(workers: int, *, url: str, table: str, email_url: str) -> tuple[datetime, list[Told]]:
    """Let so many workers work at once until nothing is due; return when they began and what each told."""
    with ExitStack() as running:
        words = ["bench.mail_worker", url, table, email_url]
        processes = [running.enter_context(_process(words)) for _ in range(workers)]
        for process in processes:
            _expect(process, "ready")
        began = datetime.now(UTC)
        for process in processes:
            _line_to(process)
        return began, [Told(**json.loads(_answer(process))) for process in processes]


@contextmanager
def mail_server(log: Path) -> Iterator[str]:
    """Give the EMAIL_URL of a mail server that writes a line to `log` for each message, on disk before it answers."""
    with _process(["tests.smtp", "--port", "0", "--log", str(log)]) as process:
        yield f"smtp://127.0.0.1:{_expect(process, 'listening on ')}"


def received_by(log: Path) -> list[str]:
    """Return who got the messages of that log, in order, with doubles."""
    return [json.loads(line)["recipient"] for line in log.read_text().splitlines()]


@contextmanager
def _process(words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A Python module as a process, which is ended with the block."""
    process = subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def _expect(process: subprocess.Popen[str], beginning: str) -> str:
    """Read a line that begins so, and return the rest of it."""
    line = _open(process.stdout).readline().strip()
    if not line.startswith(beginning):
        raise RuntimeError(f"{process.args!r} said “{line}”, not “{beginning}”")
    return line.removeprefix(beginning)


def _line_to(process: subprocess.Popen[str]) -> None:
    stream = _open(process.stdin)
    stream.write("go\n")
    stream.flush()


def _answer(process: subprocess.Popen[str]) -> str:
    """The last line of a process that ends by itself."""
    output, _ = process.communicate(timeout=PATIENCE)
    if process.returncode != 0:
        raise RuntimeError(f"{process.args!r} ended with status {process.returncode}")
    return output.strip().splitlines()[-1]


def _open(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise RuntimeError("the process has no such stream")
    return stream
