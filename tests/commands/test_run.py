"""`manage.py run`, which is what `make run` starts: everything comes up, and nothing stays behind."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crm.localdb import engine_binary

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("crm", "crmsite", "templates", "static", "manage.py", "Procfile", "gunicorn.conf.py")
SECONDS = 90.0


class Site:
    """A copy of the application in a folder of its own, with demo data marked as loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = two_free_ports()
        self.log = folder / "run.log"
        self.started: list[subprocess.Popen[bytes]] = []
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)
        (folder / "var").mkdir()
        (folder / "var" / "crm.db.demo").write_text("loaded")

    def start(self) -> subprocess.Popen[bytes]:
        """Run it as `make run` does."""
        own = {"PATH", "HOME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SECRET_KEY", "LINK_KEY", "LANG"}
        environment = {name: value for name, value in os.environ.items() if name in own}
        environment |= {"DEBUG": "1", "PORT": str(self.port), "DEMO_PASSWORD": "for this test"}
        environment |= {"CRM_ENGINE_HOME": str(engine_binary().parent)}
        with self.log.open("w") as log:
            run = subprocess.Popen(
                [sys.executable, "-u", "manage.py", "run"],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(run)
        return run

    def said(self) -> str:
        return self.log.read_text()

    def answers(self) -> bool:
        """Whether a page comes."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self, what: str) -> int:
        """Kill what has these words in its command line, as a power cut would; how many that were."""
        found = [pid for pid, words in self.running() if what in words]
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return len(found)

    def processes(self) -> list[str]:
        """What runs in the folder."""
        return [words for _, words in self.running()]

    def running(self) -> list[tuple[int, str]]:
        """Process ids and command lines of what runs in the folder, by Linux's word."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cwd").resolve() == self.folder.resolve() and (words := (process / "cmdline").read_text()):
                    found.append((int(process.name), words.replace("\0", " ")))
            except OSError:
                continue
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    for run in site.started:
        run.terminate()
        run.wait(SECONDS)


def two_free_ports() -> int:
    """A port that is free, and so is the next; below those that systems give to outgoing connections, which come and go."""
    while True:
        port = random.randrange(20_000, 32_000, 2)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        return port


def until(condition: Callable[[], object]) -> bool:
    """Wait for the condition; False if it does not come."""
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_everything_comes_up_and_ctrl_c_leaves_no_process(site: Site) -> None:
    run = site.start()
    assert until(lambda: "Community CRM is ready" in site.said() or run.poll() is not None)
    assert f"ready: http://127.0.0.1:{site.port}\n  Sign in as demo with the password for this test" in site.said()
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/readyz") as answer:
        assert answer.status == 200
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/healthz?{'v' * 8000}") as answer:
        assert answer.status == 200
    running = " ".join(site.processes())
    assert all(part in running for part in ("dynoxide", "gunicorn", "manage.py worker"))

    os.killpg(run.pid, signal.SIGINT)

    assert run.wait(SECONDS) == 0
    assert site.processes() == []
    assert "store away" not in site.said()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_worker_or_site_that_is_killed_is_started_again_and_the_rest_goes_on(site: Site) -> None:
    run = site.start()
    assert until(lambda: "Community CRM is ready" in site.said() and site.said().count("worker started") == 1)

    assert site.kill("manage.py worker") > 0

    assert site.answers()
    assert until(lambda: site.said().count("worker started") == 2)
    assert "a part ended by itself and is started again after a pause part=worker ends=1 seconds=1.0" in site.said()
    assert site.answers()

    assert site.kill("gunicorn") > 0

    assert until(site.answers)
    assert "part=web ends=1" in site.said()
    assert run.poll() is None
    began = time.monotonic()
    os.killpg(run.pid, signal.SIGINT)
    assert run.wait(SECONDS) == 0
    assert time.monotonic() - began < 25
    assert site.processes() == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_site_that_cannot_start_is_told_in_a_sentence_and_not_tried_again(site: Site) -> None:
    (site.folder / "gunicorn.conf.py").write_text("bind = 'nowhere:nothing'")

    run = site.start()

    assert run.wait(SECONDS) == 1
    assert "The site did not start; its own words stand above." in site.said()
    assert "Community CRM is ready" not in site.said()
    assert site.processes() == []


@pytest.mark.slow
def test_a_taken_port_is_told_in_a_sentence_before_anything_starts(site: Site) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", site.port))
        other.listen()

        run = site.start()

        assert run.wait(SECONDS) == 1
    assert f"Port {site.port} can't be used for the site" in site.said()
    assert "Traceback" not in site.said()
    assert not (site.folder / "var" / "crm.db").exists()
