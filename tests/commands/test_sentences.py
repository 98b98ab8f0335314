"""What goes wrong on the command line is told in a sentence, with exit status 1 and no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine import free_port
from tests.jobs.processes import wait_for

ROOT = Path(__file__).resolve().parents[2]


def environment(folder: Path, **others: str) -> dict[str, str]:
    """Settings under which neither a table nor a staff database answers."""
    away = {"DATABASE_URL": f"sqlite:///{folder}/staff.sqlite3", "DYNAMODB_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "crmsite.settings", "CRM_ENV_FILE": os.devnull, **away, **others}


def manage(folder: Path, *words: str, **others: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=ROOT, env=environment(folder, **others), capture_output=True, text=True, timeout=90)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("worker --once", "The data store can't be reached just now."),
        ("export_people", "The data store can't be reached just now."),
        ("create_api_token zoe", "The staff database can't be used: no such table: auth_user."),
        ("create_staff zoe --generate", "The staff database can't be used: no such table: auth_group."),
    ],
)
def test_a_store_that_is_away_is_told(tmp_path: Path, command: str, words: str) -> None:
    ended = manage(tmp_path, *command.split())

    assert ended.returncode == 1
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_traceback_shows_where_it_came_from(tmp_path: Path) -> None:
    ended = manage(tmp_path, "create_api_token", "zoe", "--traceback")

    assert ended.returncode == 1
    assert "Traceback" in ended.stderr


def test_a_worker_that_stays_waits_for_the_store(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("w") as log:
        worker = subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT, env=environment(tmp_path), stderr=log)
    try:
        wait_for(lambda: worker.poll() is not None or "store away" in said.read_text(), 60)
        worker.terminate()

        assert worker.wait(60) == 0
        assert "store away" in said.read_text()
    finally:
        worker.kill()


@pytest.mark.parametrize(
    "setting",
    [
        "CRM_SEND_RATE=abc",
        "CRM_SEND_RATE=1x0",
        "CRM_LEASE_SECONDS=inf",
        "CRM_WINDOW=2.5",
        "TRUSTED_PROXIES=one",
        "PORT=http",
        "LOG_LEVEL=loud",
        "DATABASE_URL=nothing",
        "DATABASE_URL=postgres://u:secret@host:port/name",
    ],
)
def test_a_setting_that_cannot_be_used_is_told(tmp_path: Path, setting: str) -> None:
    name, _, value = setting.partition("=")

    ended = manage(tmp_path, "access_patterns", "--check", **{name: value})

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(name)
    assert "Traceback" not in ended.stderr
    assert "secret" not in ended.stderr


def test_an_empty_number_is_the_default(tmp_path: Path) -> None:
    ended = manage(tmp_path, "access_patterns", "--check", CRM_SEND_RATE="", PORT="")

    assert ended.stderr == ""
    assert ended.returncode == 0
