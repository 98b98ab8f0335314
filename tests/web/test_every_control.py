"""No page has a control that leads to “you may not”: what one may not do stays in its place, does nothing and says why."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import Resolver404, resolve

from crm.staff import ROLES
from crm.store import Store
from tests.permissions import plain, rows
from tests.web.controls import Controls
from tests.whole_pages import SEEN_BY, Pages, pages_of, unseen
from tests.whole_site import fill, member, signed_in

TABLE = [*rows("page"), *rows("own"), *rows("open")]
PAGES = [row for row in TABLE if "GET" in row.methods]
OF_SOME = {row.name for row in rows("special")} | {"/segments/<segment_id>/delete/"}
"""Pages that are not for everybody whose role opens the address."""
WHO = [*(role for role in ROLES if role != "Admin"), "Nobody"]
"""An administrator may everything."""


@pytest.fixture
def pages(site: Store, db: None, settings: Any, tmp_path: Path) -> Pages:
    """A filled site, and the addresses of its pages."""
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}}
    settings.EMAIL_URL = (tmp_path / "outbox").as_uri()
    settings.DEBUG = True
    return pages_of(fill(site, author="admin"))


def browser_of(role: str) -> Client:
    """A browser in which somebody of that role, or of none, gave their password just now."""
    user = member(role.lower(), role if role in ROLES else "Viewer")
    if role not in ROLES:
        user.groups.clear()
    return signed_in(role.lower())


def row_of(method: str, address: str) -> Any:
    """The line of the table for an address; None for one of no page, such as a file of styles."""
    try:
        route = plain(resolve(address.partition("?")[0]).route)
    except Resolver404:
        return None
    return next((row for row in TABLE if row.name == route and method in row.methods), None)


def test_no_control_of_any_page_leads_to_what_one_may_not_do(pages: Pages) -> None:
    wrong = {role: trouble for role in WHO if (trouble := troubles(role, pages))}

    assert not wrong, "\n".join(f"{role}: {words}" for role, several in wrong.items() for words in several)
    assert not unseen(pages), unseen(pages)


def troubles(role: str, pages: Pages) -> list[str]:
    """What is wrong with the controls of the pages that a role may open; one link to each address of the table is followed."""
    client, found, followed = browser_of(role), [], {}
    for row in PAGES:
        if row.name in SEEN_BY or (row.table == "page" and role not in row.roles):
            continue
        for address in pages.get(row.name, ()):
            response = client.get(address)
            if response.status_code in (403, 404, 409) and row.name in OF_SOME:
                continue
            if response.status_code != 200:
                found.append(f"{address} is to be looked at, and gives {response.status_code}")
                continue
            for method, there in sorted(Controls(response.content.decode(), address).ways):
                line = row_of(method, there)
                if line is None and not there.startswith("/static/"):
                    found.append(f"{address} has {method} {there}, which is not in the table")
                elif line is not None and line.table == "page" and role not in line.roles:
                    found.append(f"{address} has {method} {there}, which the role may not")
                elif line is not None and method == "GET" and line.table != "open" and line.name not in followed:
                    followed[line.name] = client.get(there).status_code
                    if followed[line.name] in (403, 404):
                        found.append(f"{address} leads to {there}, which gives {followed[line.name]}")
    return found
