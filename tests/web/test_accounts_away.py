"""The staff database is away, or somebody else keeps it too long: that is said, and is nobody's bug."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper
from django.test import Client

from crm.staff import SCOPES, create_token
from crm.store import Store


@contextmanager
def away() -> Iterator[None]:
    """Let the database answer nothing while the block lasts."""

    def locked(*_: Any, **__: Any) -> None:
        raise OperationalError("database is locked")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", locked)
        yield


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_says_that_the_accounts_are_away(sign_in: Callable[[str], Client], method: str) -> None:
    client = sign_in("Editor")
    client.raise_request_exception = False

    with away():
        response = client.generic(method, "/people/new/")

    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert "The staff database does not answer" in response.content.decode()


@pytest.mark.django_db
def test_a_call_says_so_as_a_problem(site: Store) -> None:
    secret = create_token(User.objects.create_superuser("ada"), SCOPES, "test")[1]
    client = Client(raise_request_exception=False)

    with away():
        response = client.get("/api/users", headers={"Authorization": f"Bearer {secret}"})

    assert (response.status_code, response.headers["Content-Type"]) == (503, "application/problem+json")
    assert response.headers["Retry-After"]


def test_links_of_letters_and_probes_need_no_accounts_also_of_who_is_signed_in(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("Editor")

    with away():
        answers = [client.get(address).status_code for address in ("/healthz", "/readyz", "/u/not-a-link/")]

    assert answers == [200, 200, 400]
