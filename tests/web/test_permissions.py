"""Every address, by every method, as everybody there is: what docs/permissions.md says is what happens, and nothing else."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from crm.staff import PERMISSIONS, ROLES, set_role
from crm.store import Store
from tests.permissions import line_for, rows, views

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
CLOSED = rows("page") + rows("own")
SIGN_IN = "/accounts/login/?next="
NOBODY = "nobody"
"""Who is signed in without a role."""


def filled(address: str) -> str:
    """The address with ids that nothing has."""
    address = re.sub(r"<uidb36>-<key>", "1-abc", address)
    return re.sub(r"<\w+_id>|<\w+>", lambda found: "999999" if found[0] in NUMBERED else "0" * 32, address)


NUMBERED = {"<token_id>", "<user_id>", "<authenticator_id>", "<invitation_id>", "<session_id>", "<pk>"}


@pytest.fixture
def browser_of(site: Store, db: None) -> Callable[[str], Client]:
    """A browser in which somebody of that role, or of none, is signed in."""

    def made(role: str) -> Client:
        user = User.objects.create_user(role.lower(), f"{role.lower()}@staff.example", "sommerregen am see")
        if role != NOBODY:
            set_role(user, role)
        client = Client()
        client.force_login(user)
        return client

    return made


def test_every_address_stands_in_the_table_with_its_methods_and_its_right() -> None:
    written = defaultdict(list)
    for row in CLOSED + rows("open"):
        written[row.name].append(row)

    missing = [line_for(address, view, "GET") for address, view in sorted(views().items()) if address not in written]
    gone = sorted({*written, *(row.name for row in rows("special"))} - set(views()))

    assert not missing, "docs/permissions.md lacks these lines; put them where they belong:\n" + "\n".join(missing)
    assert not gone, f"docs/permissions.md has addresses that are no longer there: {gone}"


def test_the_right_of_the_table_is_the_one_that_the_view_asks_for() -> None:
    asked = {address: getattr(view, "needs_permission", "").removeprefix("crm.") for address, view in views().items()}
    written = {row.name: [one.cells[1] for one in rows("page") if one.name == row.name] for row in rows("page")}

    assert {address: (asked[address], rights) for address, rights in written.items() if asked[address] not in rights} == {}


def test_the_table_and_the_roles_say_the_same() -> None:
    differing = [
        f"{row.name} ({right}): the ticks say {sorted(row.roles)}, crm/staff.py says {sorted(held)}"
        for row in rows("page") + rows("call") + rows("command")
        if (right := row.cells[1]) in PERMISSIONS
        and (held := {role for role, codenames in ROLES.items() if right in codenames}) != row.roles
    ]

    assert differing == []


@pytest.mark.parametrize("role", [*ROLES, NOBODY])
def test_each_role_gets_in_where_the_table_says_and_nowhere_else(browser_of: Callable[[str], Client], role: str) -> None:
    client = browser_of(role)
    wrong = []

    for address, may, known in closed(role):
        for method in METHODS if role == "Admin" else sorted(known - {"HEAD"}):
            if address.startswith("/accounts/") and method not in known:
                continue  # the pages of allauth take PUT for POST
            if address.startswith("/accounts/") and method == "POST":
                client.force_login(User.objects.get(username=role.lower()))  # what was sent before may have ended the session
            response = client.generic(method, filled(address))
            if method in may and (response.status_code in (403, 405) or leads_to_sign_in(response)):
                wrong.append(f"{role} may {method} {address}, and gets {response.status_code}")
            if method in known - may and not refused(response):
                wrong.append(f"{role} may not {method} {address}, and gets {response.status_code}")
            if method not in known and response.status_code != 405:
                wrong.append(f"{method} {address} is not in the table, and {role} gets {response.status_code}")

    assert not wrong, "\n".join(wrong)
    assert client.get("/settings/").status_code == 200  # nothing above has signed them out, so nothing was a redirect alone


def test_a_stranger_is_led_to_the_sign_in_from_everywhere(site: Store, db: None) -> None:
    client = Client()

    wrong = [
        f"{method} {row.name}: {response.status_code}"
        for row in CLOSED
        for method in sorted(row.methods)
        if not leads_to_sign_in(response := client.generic(method, filled(row.name)))
    ]

    assert not wrong, "\n".join(wrong)


def test_a_stranger_is_let_in_by_the_named_methods_alone_where_it_is_open(site: Store, db: None) -> None:
    client = Client()
    wrong = []

    for row in rows("open"):
        for method in METHODS:
            if row.name.startswith("/accounts/") and method not in row.methods:
                continue
            response = client.generic(method, filled(row.name))
            if method in row.methods and (response.status_code in (403, 405) or leads_to_sign_in(response)):
                wrong.append(f"a stranger may {method} {row.name}, and gets {response.status_code}")
            if method not in row.methods and response.status_code not in (403, 405):
                wrong.append(f"{method} {row.name} is not in the table, and a stranger gets {response.status_code}")

    assert not wrong, "\n".join(wrong)


def closed(role: str) -> Iterator[tuple[str, set[str], set[str]]]:
    """Each address behind the sign-in, with the methods that the role may, and all that it knows."""
    for address in dict.fromkeys(row.name for row in CLOSED):
        here = [row for row in CLOSED if row.name == address]
        may = {method for row in here if row.table == "own" or role in row.roles for method in row.methods}
        yield address, may, {method for row in here for method in row.methods}


def leads_to_sign_in(response: HttpResponse) -> bool:
    return response.status_code == 302 and response.headers["Location"].startswith(SIGN_IN)


def refused(response: HttpResponse) -> bool:
    """Whether the answer says that the role does not reach, and who may."""
    return response.status_code == 403 and (not response.content or b"may not" in response.content)
