"""A script that talks to the API: JSON in, JSON out, a bearer token."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from crm.staff import SCOPES, create_token
from crm.store import Store
from tests.factories import make_person


@dataclass
class Script:
    """A client with a token; `call` gives (status, body)."""

    secret: str
    client: Client = field(default_factory=Client)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        response = self.client.generic(
            method,
            f"/api{path}",
            raw,
            content_type=headers.pop("content_type", "application/json"),
            headers={
                "Authorization": f"Bearer {self.secret}",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        return response.status_code, json.loads(response.content) if response.content else None

    def get(self, path: str) -> tuple[int, Any]:
        return self.call("GET", path)

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        return self.call("POST", path, body, **headers)


@pytest.fixture
def script_for(site: Store, db: None) -> Callable[..., Script]:
    """Make a script whose token has these scopes and whose owner has that role."""

    def make(*scopes: str, role: str = "Admin") -> Script:
        user = User.objects.create_user(f"script-{uuid.uuid4().hex[:8]}")
        user.groups.add(Group.objects.get(name=role))
        return Script(create_token(user, scopes or tuple(SCOPES), "test")[1])

    return make


@pytest.fixture
def script(script_for: Callable[..., Script]) -> Script:
    return script_for()


@pytest.fixture
def ids(script: Script) -> list[str]:
    """Five people, of whom three work at Acme."""

    def create(number: int) -> str:
        body = {
            "firstName": "P",
            "lastName": f"Q{number}",
            "email": f"p{number}@example.org",
            "company": "Acme" if number < 3 else "Other",
        }
        return str(script.post("/users", body)[1]["id"])

    return [create(number) for number in range(5)]


@pytest.fixture
def more_ids(site: Store) -> list[str]:
    """Seventy people who work at Many, in the order in which they were made."""
    people = [make_person(company="Many") for _ in range(70)]
    site.people.create_many(people)
    return [person.id for person in people]
