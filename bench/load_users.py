"""What the users of the load test do: locust runs this file, in processes of its own (`bench/load.py`).

Each signs in as staff do and goes about the usual pages; every tenth thing is a call of a script. LOAD_SITE names a JSON file
that says who they are and what there is to look at.
"""

import json
import os
import random
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

from locust import HttpUser, between, task
from locust.clients import ResponseContextManager
from locust.exception import StopUser

SITE: dict[str, Any] = json.loads(Path(os.environ["LOAD_SITE"]).read_text())
NAMES: list[str] = list(SITE["names"])
TOKEN_FIELD = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
FORM = 'name="password"'
"""What the form of the sign-in has, and no other page that is opened here."""


class Member(HttpUser):
    """Somebody at the screen, who looks at a page for half a second on average before going on."""

    wait_time = between(0.2, 0.8)

    def on_start(self) -> None:
        """Sign in through the form; without it nothing else can be measured."""
        form = self._page("/accounts/login/", "sign in: form", awaited=FORM)
        typed = {
            "login": NAMES.pop(),
            "password": SITE["password"],
            "csrfmiddlewaretoken": _token_in(form),
            "next": "/segments/",
        }
        with self.client.post("/accounts/login/", typed, name="sign in", catch_response=True) as answer:
            if not answer.url.endswith("/segments/"):
                _fail(answer, f"was not let in: {answer.status_code}, {answer.url}")
                raise StopUser

    @task(6)
    def first_page(self) -> None:
        """What is to be done today."""
        self._page("/", "first page")

    @task(8)
    def people(self) -> None:
        """The list, and mostly the page behind it."""
        listed = self._page("/people/", "people")
        if following := re.search(r'href="(\?[^"]*nextToken=[^"]+)"', listed):
            self._page("/people/" + following[1].replace("&amp;", "&"), "people, next page")

    @task(8)
    def people_of_a_filter(self) -> None:
        """By company, by place, by how often somebody came, by tag."""
        name = random.choice(list(SITE["filters"]))
        self._page(f"/people/?{random.choice(SITE['filters'][name])}", f"people by {name}")

    @task(6)
    def search(self) -> None:
        """As somebody types, htmx asks for the list alone."""
        word = random.choice(SITE["words"])
        for end in range(2, len(word) + 1, 2):
            self._page(f"/people/?q={word[:end]}", "search, a letter more", part="people-table")

    @task(10)
    def person(self) -> None:
        """Somebody's page."""
        self._page(f"/people/{random.choice(SITE['people'])}/", "person")

    @task(2)
    def note(self) -> None:
        """Write down what was said on the telephone."""
        path = f"/people/{random.choice(SITE['people'])}/"
        typed = {"text": "Called back", "csrfmiddlewaretoken": _token_in(self._page(path, "person")), "key": ""}
        with self.client.post(f"{path}notes/", typed, name="person: a note", catch_response=True) as answer:
            _judge(answer, "</html>")

    @task(4)
    def events(self) -> None:
        """The list, and one of it."""
        self._page("/events/", "events")
        self._page(f"/events/{random.choice(SITE['events'])}/", "event")

    @task(2)
    def door(self) -> None:
        """Where people are checked in."""
        self._page(f"/events/{random.choice(SITE['events'])}/check-in/", "check-in")

    @task(4)
    def campaigns(self) -> None:
        """The list, how one went, and who got it."""
        self._page("/campaigns/", "campaigns")
        path = f"/campaigns/{random.choice(SITE['campaigns'])}/"
        self._page(path, "campaign")
        self._page(f"{path}recipients/", "recipients")

    @task(2)
    def letter(self) -> None:
        """Begin to write to the people of a filter."""
        self._page(f"/campaigns/new/?{random.choice(SITE['filters']['company'])}", "new letter")

    @task(3)
    def analytics(self) -> None:
        """The month, and what failed in it."""
        self._page("/analytics/", "analytics")
        self._page("/analytics/?status=failed", "analytics: failed")

    @task(3)
    def others(self) -> None:
        """Segments, tasks, imports, settings."""
        for path in ("/segments/", "/people/tasks/", "/people/import/", "/settings/mail/"):
            self._page(path, "segments, tasks, imports, mail")

    @task(6)
    def script(self) -> None:
        """What scripts ask for most."""
        company = random.choice(SITE["filters"]["company"])
        for name, path in (
            ("users", f"/users?{company}"),
            ("users/count", f"/users/count?{company}"),
            ("users/{id}", f"/users/{random.choice(SITE['people'])}"),
            ("events", "/events?limit=50"),
            ("emails/analytics", "/emails/analytics?status=failed"),
            ("emails/analytics/summary", "/emails/analytics/summary"),
        ):
            headers = {"Authorization": f"Bearer {SITE['token']}"}
            with self.client.get(f"/api{path}", name=f"API {name}", headers=headers, catch_response=True) as answer:
                _judge(answer, "{")

    def _page(self, path: str, name: str, *, part: str = "", awaited: str = "</html>") -> str:
        """Return a page, or a part of it as htmx asks for it."""
        headers = {"HX-Request": "true", "HX-Target": part} if part else {}
        with self.client.get(path, name=name, headers=headers, catch_response=True) as answer:
            _judge(answer, f'id="{part}"' if part else awaited)
            return answer.text or ""


def _judge(answer: ResponseContextManager, awaited: str) -> None:
    """An answer is right when it is 200 and what was asked for: who is led to the sign-in did not get the page."""
    if answer.status_code != HTTPStatus.OK:
        _fail(answer, f"answered {answer.status_code}")
    elif awaited not in (answer.text or "") or answer.url.partition("?")[0].endswith("/login/") != (awaited == FORM):
        _fail(answer, "is not what was asked for")


def _fail(answer: ResponseContextManager, why: str) -> None:
    answer.failure(why)  # type: ignore[no-untyped-call]  # locust says no types here


def _token_in(page: str) -> str:
    """The token that a form of the page sends along; without it the site refuses what is sent."""
    found = TOKEN_FIELD.search(page)
    return found[1] if found else ""
