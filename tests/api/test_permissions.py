"""Every call of the API with every scope, of an owner of every role: what docs/permissions.md says is what happens."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client

from crm.api.urls import api
from crm.staff import ROLES, SCOPES, create_token, set_role
from crm.store import Store
from tests.permissions import rows

CALLS = rows("call")
NOBODY = "nobody"
Secrets = dict[tuple[str, str], str]


@pytest.fixture
def secrets(site: Store, db: None) -> Secrets:
    """A token for each scope alone, and one with all of them (`*`), of an owner of each role and of none."""
    made = {}
    for role in (*ROLES, NOBODY):
        owner = User.objects.create_user(role.lower())
        if role != NOBODY:
            set_role(owner, role)
        for scope in (*SCOPES, "*"):
            made[role, scope] = create_token(owner, SCOPES if scope == "*" else [scope], "test")[1]
    return made


def test_every_call_stands_in_the_table() -> None:
    described = {
        f"{method.upper()} {path}": details
        for path, methods in api.get_openapi_schema(path_prefix="/api/")["paths"].items()
        for method, details in methods.items()
    }
    written = {row.name for row in CALLS}

    missing = [f"| `{call}` | scope | right | a tick or a dot for each role |" for call in described if call not in written]

    assert not missing, "docs/permissions.md lacks these calls:\n" + "\n".join(missing)
    assert not written - set(described), "docs/permissions.md has calls that are no longer there"


def test_the_right_of_the_table_is_the_one_that_is_asked_for() -> None:
    asked = {
        f"{method} /api{prefix}{path}": (check.scope, check.permission.removeprefix("crm."))
        for prefix, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
        for check in operation.auth_callbacks
    }

    assert {row.name: (row.cells[0], row.cells[1]) for row in CALLS} == asked


def test_a_call_opens_for_its_scope_in_the_hands_of_its_roles_alone(secrets: Secrets) -> None:
    client, wrong = Client(), []

    for call, scope, roles in calls():
        for (role, held), secret in secrets.items():
            status = answer(client, call, f"Bearer {secret}")
            may = held in (scope, "*") and role in roles
            if may == (status in (401, 403)) or status >= 500 or status == 405:
                wrong.append(f"{call} with {held} of {role}: {status}, where the table says {'yes' if may else 'no'}")

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("shown", ["", "Bearer ", "Bearer crm_made_up", "Basic Y3JtOmNybQ=="])
def test_without_a_good_token_no_call_opens(site: Store, db: None, shown: str) -> None:
    client = Client()

    answers = {call: answer(client, call, shown) for call, _, _ in calls()}

    assert {call: status for call, status in answers.items() if status != 401} == {}


def test_a_session_opens_no_call(site: Store, db: None) -> None:
    client, admin = Client(), User.objects.create_user("admin")
    set_role(admin, "Admin")
    client.force_login(admin)

    answers = {call: answer(client, call, "") for call, _, _ in calls()}

    assert {call: status for call, status in answers.items() if status != 401} == {}


def test_an_owner_who_loses_role_or_account_takes_the_token_along(secrets: Secrets) -> None:
    client = Client()
    User.objects.filter(username="admin").update(is_active=False)
    User.objects.get(username="marketer").groups.clear()

    answers = [
        (answer(client, call, f"Bearer {secrets['Admin', '*']}"), answer(client, call, f"Bearer {secrets['Marketer', '*']}"))
        for call, _, _ in calls()
    ]

    assert set(answers) == {(401, 403)}


def calls() -> Iterator[tuple[str, str, frozenset[str]]]:
    for row in CALLS:
        yield row.name, row.cells[0], row.roles


def answer(client: Client, call: str, shown: str) -> int:
    """The status of a call about things that do not exist, with an empty body."""
    method, path = call.split(" ")
    address = re.sub(r"\{\w+\}", "0" * 32, path)
    headers = {"Authorization": shown} if shown else {}
    return client.generic(method, address, b"{}", content_type="application/json", headers=headers).status_code
