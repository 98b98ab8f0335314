"""The site in this process, over a table that is measured: pages as somebody sees them who may see everything, and the API."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from crm.store import Store

if TYPE_CHECKING:
    from django.test import Client

SETTINGS = "tests.settings"
NAME = "bench"


@dataclass(frozen=True, slots=True)
class Staff:
    """A browser that is signed in, and a token for scripts."""

    browser: "Client"
    token: str

    def page(self, path: str) -> str:
        """Return what a browser is sent. RuntimeError unless it is a page."""
        return self._sent(path).decode()

    def ask(self, path: str) -> Any:
        """Return the JSON that a script is sent from under `/api`. RuntimeError unless it is an answer."""
        return json.loads(self._sent(f"/api{path}", {"Authorization": f"Bearer {self.token}"}))

    def _sent(self, path: str, headers: Mapping[str, str] | None = None) -> bytes:
        answer = self.browser.get(path, headers=dict(headers or {}))
        if answer.status_code != HTTPStatus.OK:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        return answer.content


@contextmanager
def staff_of(store: Store) -> Iterator[Staff]:
    """Let the site of this process stand over `store` for as long as the block lasts, with accounts in memory."""
    _start()
    from django.contrib.auth.models import User
    from django.test import Client

    from crm import wiring
    from crm.staff import SCOPES, create_token, set_role

    user, _ = User.objects.get_or_create(username=NAME)
    set_role(user, "Admin")
    browser = Client()
    browser.force_login(user)
    wiring.set_store(store)
    try:
        yield Staff(browser, create_token(user, SCOPES, NAME)[1])
    finally:
        wiring.set_store(None)


def _start() -> None:
    """Set Django up, where nobody has, and make the tables of accounts that are missing."""
    from django.apps import apps
    from django.core.management import call_command

    if not apps.ready:
        import django

        os.environ |= {"DJANGO_SETTINGS_MODULE": SETTINGS, "LOG_LEVEL": "WARNING"}
        django.setup()
    call_command("migrate", verbosity=0)
