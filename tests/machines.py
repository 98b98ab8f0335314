"""Web processes as they run on several machines, and a browser that reaches each of them under its own address."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from tests.engine import free_port
from tests.jobs.processes import ROOT, wait_for

START_SECONDS = 60.0


def manage(environment: Mapping[str, str], *words: str, typed: str = "") -> str:
    """Run `manage.py` with these words, and return the last line that it printed."""
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, input=typed, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().rpartition("\n")[2]


class Web:
    """One gunicorn, started as on a machine of its own."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self._environment, self._log = environment, log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin to start, unless it runs; `wait` returns when it answers."""
        if self._process is not None:
            return
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}", "--workers", "1", "crmsite.wsgi"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self) -> None:
        """Return when it is ready."""
        wait_for(self._ready, START_SECONDS)

    def kill(self) -> None:
        """End all of its processes at once, as a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class Browser:
    """Somebody's browser behind a load balancer: the same cookies, whichever web answers."""

    def __init__(self) -> None:
        self._cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))

    def open(self, url: str, form: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Open a page, or send a form to it: the status and the text, redirects followed."""
        token = next((cookie.value for cookie in self._cookies if cookie.name == "csrftoken"), None) or ""
        body = None if form is None else urllib.parse.urlencode({"csrfmiddlewaretoken": token, **form}).encode()
        try:
            with self._opener.open(url, body, timeout=60) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    def signs_in(self, web: Web, username: str, password: str) -> None:
        """Fill in the form of that web."""
        self.open(f"{web.url}/accounts/login/")
        self.open(f"{web.url}/accounts/login/", {"login": username, "password": password})

    def is_signed_in(self, web: Web) -> bool:
        """Whether that web shows a page of the inside."""
        status, text = self.open(f"{web.url}/people/")
        assert status == 200, text
        return 'name="password"' not in text


def call(web: Web, token: str, path: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Call the API: GET, or POST where there are values."""
    request = urllib.request.Request(
        f"{web.url}/api/{path}",
        data=None if values is None else json.dumps(values).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(json.load(answer))
