"""The site as a script meets it: gunicorn as a process of its own over a table, and JSON over HTTP with a token."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.engine import free_port

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 90.0
"""Seconds in which it must answer."""
ACCOUNT = """
import sys
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from crm.staff import SCOPES, create_token, set_role
password, role, *names = sys.argv[1:]
call_command("migrate", verbosity=0)
users = [User.objects.create_user(name, password=password) for name in names]
for user in users:
    set_role(user, role)
print(create_token(users[0], SCOPES, "over HTTP")[1])
"""
NAMES, PASSWORD = ("script",), "over HTTP alone, 1234"
"""The members of staff of a site that needs no others, and what all of them sign in with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. `body` is the JSON, None where there was none."""

    status: int
    body: Any


class Site:
    """`with Site(engine.url, table.name) as site: site.call("GET", "/events")`. Several processes may serve it.

    `names` are its members of staff, all with `role` and PASSWORD; `token` is the first one's, with all scopes.
    """

    def __init__(
        self, engine_url: str, table: str, *, processes: int = 2, role: str = "Editor", names: Sequence[str] = NAMES
    ) -> None:
        self.port = free_port()
        self.token = ""
        self._account = [PASSWORD, role, *names]
        self._folder = tempfile.TemporaryDirectory()
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CRM_", "DJANGO_", "AWS_"))},
            "DJANGO_SETTINGS_MODULE": "crmsite.settings",
            "CRM_ENV_FILE": os.devnull,
            "DEBUG": "1",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": str(processes),
            "DATABASE_URL": f"sqlite:///{self._folder.name}/staff.sqlite3",
            "DYNAMODB_ENDPOINT_URL": engine_url,
            "CRM_TABLE": table,
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "site",
            "AWS_SECRET_ACCESS_KEY": "site",
            "EMAIL_URL": f"file://{self._folder.name}/outbox",
            "CRM_FILES": f"{self._folder.name}/files",
            "LOG_LEVEL": "WARNING",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.token = subprocess.run(
            [sys.executable, "-c", ACCOUNT, *self._account],
            cwd=ROOT,
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        words = ["-m", "gunicorn", "--chdir", str(ROOT), "crmsite.wsgi"]
        self._process = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=self._environment)
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError("the site did not start; its own words stand above")
            time.sleep(0.1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End it as Ctrl-C would; a second time changes nothing."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None
        self._folder.cleanup()

    @property
    def url(self) -> str:
        """Where it stands, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request under `/api` and return the answer, whatever its status."""
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **(headers or {})}
        raw = b"" if body is None else json.dumps(body).encode()
        return self._ask(method, f"/api{path}", raw, sent)

    def _ask(self, method: str, path: str, raw: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=2 * PATIENCE)) as connection:
            connection.request(method, path, raw, dict(headers or {}))
            response = connection.getresponse()
            told = response.read()
            is_json = bool(told) and "json" in response.headers.get_content_type()
            return Answer(status=response.status, body=json.loads(told) if is_json else None)

    def _answers(self) -> bool:
        try:
            return self._ask("GET", "/readyz").status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
