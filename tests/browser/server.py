"""The running site as a browser test sees it."""

import uuid

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from crm.staff import set_role


class Site:
    """Opens pages as somebody with a role, and keeps what the browser complains about."""

    def __init__(self, url: str, chromium: Browser) -> None:
        self.url, self.chromium = url, chromium
        self.complaints: list[str] = []
        self._contexts: list[BrowserContext] = []

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
        """Close all profiles, once the server has nothing in hand for them: the database is emptied next."""
        for context in self._contexts:
            for page in context.pages:
                page.wait_for_load_state("networkidle")
            context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)
