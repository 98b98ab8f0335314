"""The local engine's guards, on real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from crm.localdb import EngineUnavailable, answers, binary, engine_binary, wait_until_answers
from crm.store.table import Table
from tests.engine import Engine, free_port

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 15.0
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to the life of its parent")

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `manage.py localdb`; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(file: Path, port: int) -> subprocess.Popen[str]:
        command = [sys.executable, "manage.py", "localdb", "--port", str(port), "--file", str(file)]
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "crmsite.settings"}
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def until(condition: Callable[[], object]) -> bool:
    """Wait for the condition; False if it does not come."""
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def children(parent: int) -> list[int]:
    """The living child processes of one, by Linux's word."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, above = stat.read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if int(above) == parent and state != "Z":
            found.append(int(stat.parent.name))
    return found


def output(process: subprocess.Popen[str]) -> str:
    """All that the process said, once it has ended."""
    return process.communicate(timeout=SECONDS)[0]


def test_the_folder_is_made_and_the_file_stays_after_a_stop(start: Start, tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "new" / "folder" / "crm.db"
    launcher = start(file, port)
    assert wait_until_answers(port, SECONDS)

    launcher.terminate()

    assert f"listens on http://127.0.0.1:{port}" in output(launcher)
    assert launcher.returncode == 0
    assert file.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_the_engine_with_its_launcher(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    launcher = start(tmp_path / "crm.db", port)
    assert wait_until_answers(port, SECONDS)

    launcher.send_signal(number)

    assert launcher.wait(SECONDS) == 0
    assert not answers(port)


def test_a_second_launcher_on_one_file_is_refused_and_names_the_first(start: Start, tmp_path: Path) -> None:
    port = free_port()
    first = start(tmp_path / "crm.db", port)
    assert wait_until_answers(port, SECONDS)

    second = start(tmp_path / "crm.db", free_port())

    assert f"Another engine works on {tmp_path / 'crm.db'} (process {first.pid})" in output(second)
    assert second.returncode == 1
    assert answers(port)


def test_a_taken_port_is_told_in_a_sentence(start: Start, tmp_path: Path) -> None:
    with Engine() as other:
        launcher = start(tmp_path / "crm.db", other.port)

        said = output(launcher)

    assert f"Port {other.port} can't be used for the local engine" in said
    assert "Traceback" not in said
    assert launcher.returncode == 1


@linux
def test_an_engine_that_is_killed_is_started_again(start: Start, tmp_path: Path) -> None:
    port = free_port()
    launcher = start(tmp_path / "crm.db", port)
    assert wait_until_answers(port, SECONDS)
    (before,) = children(launcher.pid)

    os.kill(before, signal.SIGKILL)

    assert until(lambda: children(launcher.pid) not in ([], [before]))
    assert wait_until_answers(port, SECONDS)
    launcher.terminate()
    assert "local engine died and is started again" in output(launcher)


@linux
def test_a_killed_launcher_takes_its_engine_along_and_frees_the_file(start: Start, tmp_path: Path) -> None:
    port = free_port()
    launcher = start(tmp_path / "crm.db", port)
    assert wait_until_answers(port, SECONDS)

    launcher.kill()

    assert until(lambda: not answers(port))
    start(tmp_path / "crm.db", port)
    assert wait_until_answers(port, SECONDS)


def test_an_engine_that_keeps_dying_is_given_up(tmp_path: Path) -> None:
    program = tmp_path / "dies"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    script = (
        "from pathlib import Path; from crm.localdb import Launcher;"
        f"Launcher(Path({str(program)!r}), Path({str(tmp_path / 'crm.db')!r}), port={free_port()}).run()"
    )

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)

    assert "died 6 times within a minute" in done.stderr


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    with Engine(tmp_path / "crm.db") as engine:
        client = boto3.client("dynamodb", endpoint_url=engine.url, region_name="eu-west-1")
        Table(client, "CommunityApp").create_missing()

        engine.restart()

        assert Table(client, "CommunityApp").missing() == []


def test_a_package_that_was_changed_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "package.tgz"
    package.write_bytes(b"something else")

    with pytest.raises(EngineUnavailable, match="is not the one we know"):
        binary.check_integrity(package, "linux-x64")


def test_a_machine_without_an_engine_is_shown_the_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    with pytest.raises(EngineUnavailable, match=r"riscv64.*docker compose up.*DYNAMODB_ENDPOINT_URL"):
        engine_binary()


def test_without_any_npm_the_other_ways_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(EngineUnavailable, match=r"there is none here.*docker compose up"):
        binary.npm_command()


def test_npm_of_the_python_packages_steps_in_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)

    version = subprocess.run([*binary.npm_command(), "--version"], capture_output=True, text=True, check=True).stdout

    assert version.strip().replace(".", "").isdigit()


def test_a_fetch_that_fails_says_why_and_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(npm))

    with pytest.raises(EngineUnavailable, match=r"npm error code ENOTFOUND.*docker compose up"):
        engine_binary(tmp_path / "home")

    assert [path.name for path in (tmp_path / "home").iterdir()] == ["fetch.lock"]
