"""What no browser sends: it gets an answer that says so, not a page that says something broke."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DataError, connection
from django.test import Client, RequestFactory

from crm import invitations, staff
from crm.domain.errors import RuleViolation
from crm.store import Store
from crmsite.wsgi import application
from tests.factories import NOW

SIGN_IN, PASSWORD = "/accounts/login/", "sommerregen am see"
pytestmark = pytest.mark.django_db


@pytest.fixture
def ingrid() -> User:
    """An administrator with a password."""
    user = User.objects.create_user("ingrid", "ingrid@community.example", PASSWORD)
    staff.set_role(user, "Admin")
    return user


def like_postgres(execute: Callable[..., Any], sql: str, params: Sequence[object] | None, many: bool, context: Any) -> object:
    """Refuse a text with a zero character in it, as Postgres does and SQLite does not."""
    if any("\0" in str(one) for one in params or ()):
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return execute(sql, params, many, context)


def test_htmx_on_a_page_that_is_none_goes_to_the_sign_in() -> None:
    answer = Client().get("/people/", headers={"HX-Request": "true", "HX-Current-URL": "http://["})

    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=%2F"


def test_an_address_that_is_none_is_not_where_a_sign_in_leads_to(ingrid: User, site: Store) -> None:
    client = Client()

    shown = client.get(SIGN_IN, {"next": "http://["})
    done = client.post(SIGN_IN, {"login": "ingrid", "password": PASSWORD, "next": "//[x"})
    again = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "http://["})

    assert (shown.status_code, done.headers["Location"], again.headers["Location"]) == (200, "/", "/")


@pytest.mark.parametrize("charset", ["hex", "idna", "utf-16"])
@pytest.mark.parametrize("path", [SIGN_IN, "/u/xyz/"])
def test_a_form_is_sent_in_utf_8(site: Store, path: str, charset: str) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="login"\r\n\r\nab\xff\r\n--x--'

    answer = Client().generic("POST", path, form, content_type=f"multipart/form-data; boundary=x; charset={charset}")

    assert answer.status_code == 400
    assert "can’t be read" in answer.content.decode()


@pytest.mark.parametrize("charset", ["hex", "idna", "utf-16", "latin-1"])
def test_a_query_is_read_as_utf_8_whatever_the_body_is_written_in(charset: str) -> None:
    asked = RequestFactory().get("/?next=/caf%C3%A9/", CONTENT_TYPE="text/plain").environ
    asked["CONTENT_TYPE"] = f"text/plain; charset={charset}"

    assert application.request_class(asked).GET["next"] == "/café/"


def test_a_name_that_is_a_book_is_nobodys(site: Store) -> None:
    answer = Client().post(SIGN_IN, {"login": "a" * 60_000, "password": PASSWORD})

    assert answer.status_code == 200
    assert "at most 254 characters" in answer.content.decode()


def test_a_cookie_with_a_zero_character_is_refused_before_it_is_looked_for(sign_in: Callable[[str], Client]) -> None:
    with connection.execute_wrapper(like_postgres):
        answer = Client().get("/people/", headers={"Cookie": 'sessionid="\\000aaaaaaaaaaaaaaaaaaaa"'})

    assert answer.status_code == 400


def test_the_audit_log_looks_for_nobody_with_a_zero_character(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("Admin")

    with connection.execute_wrapper(like_postgres):
        answer = client.get("/settings/audit/?who=%00")

    assert answer.status_code == 422


@pytest.mark.parametrize("path", [SIGN_IN, "/accounts/passkeys/login/"])
def test_who_came_past_a_proxy_is_told_that_the_address_is_not_known(site: Store, settings: Any, path: str) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    client = Client(headers={"X-Forwarded-For": "192.0.2.7"})

    answer = client.get(path) if path != SIGN_IN else client.post(path, {"login": "ingrid", "password": PASSWORD})

    assert answer.status_code == 403
    assert "from which network address" in answer.content.decode()


@pytest.mark.parametrize("owner", ["USER#%", "CAMPAIGN#%zz", "EVENT#%-1"])
def test_a_job_of_something_that_is_no_key_is_not_there(sign_in: Callable[[str], Client], owner: str) -> None:
    answer = sign_in("Admin").post("/settings/jobs/restart/", {"owner": owner, "kind": "LANE"}, follow=True)

    assert "no such background work" in answer.content.decode()


def test_a_host_that_no_letter_reaches_is_not_invited(ingrid: User, site: Store) -> None:
    with pytest.raises(RuleViolation, match="one plain address"):
        invitations.invite(site, f"a@{'ü' * 62}.example", "Viewer", actor=ingrid, now=NOW)
