"""The running site as a browser test sees it."""

import threading
import time
import uuid
from collections import Counter

from django.conf import settings
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from crm.staff import set_role


class InHand:
    """What other threads than this one, those of the server, are answering just now."""

    def __init__(self) -> None:
        self._asked, self._mine = Counter[int](), threading.get_ident()
        request_started.connect(self._begin)
        request_finished.connect(self._end)

    def _begin(self, **_: object) -> None:
        self._asked[threading.get_ident()] = 1

    def _end(self, **_: object) -> None:
        self._asked[threading.get_ident()] = 0

    def wait(self) -> None:
        """Return when nothing was in hand for a moment: what the browser sent last may still be on its way."""
        quiet = 0
        for _ in range(1000):
            busy = any(number for thread, number in list(self._asked.items()) if thread != self._mine)
            quiet = 0 if busy else quiet + 1
            if quiet == 5:
                break
            time.sleep(0.01)


class Site:
    """Opens pages as somebody with a role, and keeps what the browser complains about."""

    def __init__(self, url: str, chromium: Browser) -> None:
        self.url, self.chromium = url, chromium
        self.complaints: list[str] = []
        self._contexts: list[BrowserContext] = []
        self._in_hand = InHand()

    def page(self, role: str, *, width: int = 1440, scripts: bool = True) -> Page:
        """A fresh browser profile with that person signed in."""
        user = User.objects.create_user(f"{role.lower()}-{uuid.uuid4().hex[:6]}")
        set_role(user, role)
        client = Client()
        client.force_login(user)
        return self.opened(client, width=width, scripts=scripts)

    def opened(self, client: Client, *, width: int = 1440, scripts: bool = True) -> Page:
        """A fresh browser profile with the session of `client`, where it has one."""
        size = {"width": width, "height": 900}
        context = self.chromium.new_context(base_url=self.url, viewport=size, java_script_enabled=scripts)  # type: ignore[arg-type]
        name = settings.SESSION_COOKIE_NAME
        if name in client.cookies:
            context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.url}])
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def close(self) -> None:
        """Close all profiles, and return once the server has nothing in hand for them: the database is emptied next."""
        for context in self._contexts:
            context.close()
        self._in_hand.wait()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)
