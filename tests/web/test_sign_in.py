"""Signing in and out, its limits, and the pages about one's own account."""

import re
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from crm import staff
from crm.store import Store
from crm.web.sign_in import MAILING

pytestmark = pytest.mark.django_db

PASSWORD = "sommerregen am see"


@pytest.fixture
def ingrid() -> User:
    """A marketer with an address and a password."""
    user = User.objects.create_user("ingrid", "ingrid@community.example", PASSWORD)
    staff.set_role(user, "Marketer")
    return user


def sign_in(client: Client, login: str, password: str = PASSWORD, **more: str) -> HttpResponse:
    return client.post("/accounts/login/", {"login": login, "password": password, **more})


def is_in(client: Client) -> bool:
    return client.get("/settings/").status_code == 200


@pytest.mark.parametrize("login", ["ingrid", "ingrid@community.example", "Ingrid@Community.Example"])
def test_staff_sign_in_with_name_or_address(ingrid: User, login: str) -> None:
    client = Client()

    response = sign_in(client, login)

    assert response.status_code == 302
    assert is_in(client)


def test_sign_in_leads_back_to_where_one_wanted_to_go(ingrid: User) -> None:
    client = Client()
    asked = client.get("/settings/tokens/?x=1")

    assert asked.headers["Location"] == "/accounts/login/?next=/settings/tokens/%3Fx%3D1"
    assert sign_in(client, "ingrid", next="/settings/tokens/?x=1").headers["Location"] == "/settings/tokens/?x=1"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_sign_in_never_leads_to_another_site(ingrid: User, elsewhere: str) -> None:
    response = sign_in(Client(), "ingrid", next=elsewhere)

    assert response.status_code == 302
    assert not urlsplit(response.headers["Location"]).netloc
    assert not response.headers["Location"].startswith("javascript")


@pytest.mark.parametrize("login", ["ingrid", "nobody", "ingrid@community.example", "nobody@community.example"])
def test_a_wrong_password_and_an_unknown_name_get_the_same_words(ingrid: User, login: str) -> None:
    client = Client()

    response = sign_in(client, login, "wrong")

    html = response.content.decode()
    assert "That name and password don’t fit together." in html
    assert f'value="{login}"' in html
    assert "wrong" not in html
    assert not is_in(client)


def test_after_five_wrong_tries_even_the_right_password_waits(ingrid: User) -> None:
    for _ in range(5):
        sign_in(Client(REMOTE_ADDR="192.0.2.1"), "ingrid", "wrong")
    client = Client(REMOTE_ADDR="192.0.2.1")

    response = sign_in(client, "ingrid")

    assert "Too many tries. Wait five minutes" in response.content.decode()
    assert not is_in(client)


def test_wrong_tries_from_one_address_keep_nobody_out_elsewhere(ingrid: User) -> None:
    for _ in range(6):
        sign_in(Client(REMOTE_ADDR="192.0.2.1"), "ingrid", "wrong")

    assert not is_in_from("192.0.2.1", "ingrid")
    assert is_in_from("192.0.2.2", "ingrid")


def test_tries_at_one_account_are_counted_over_all_addresses_and_right_ones_are_not(ingrid: User, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login_failed_anywhere": "3/h/key"}

    right = [is_in_from(f"192.0.2.{n}", "ingrid") for n in range(1, 6)]
    for n in range(11, 14):
        sign_in(Client(REMOTE_ADDR=f"192.0.2.{n}"), "ingrid", "wrong")

    assert right == [True] * 5
    assert not is_in_from("192.0.2.20", "ingrid")


def test_an_address_with_capitals_is_kept_small_so_that_it_is_found(db: None, settings: Any) -> None:
    User.objects.create_user("carol", "Carol.Smith@Example.org", PASSWORD)
    client = Client()

    sign_in(client, "Carol.Smith@Example.org")

    assert is_in(client)
    assert User.objects.get(username="carol").email == "carol.smith@example.org"


def test_another_port_or_spelling_gives_no_further_tries(ingrid: User, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["crm.example.org"]

    for n, login in enumerate(("ingrid", "Ingrid", "INGRID", "\u0131ngrid", "ingr\u0131d")):
        sign_in(Client(headers={"Host": f"crm.example.org:{8000 + n}"}), login, "wrong")
    client = Client(headers={"Host": "crm.example.org:9000"})
    answer = sign_in(client, "ingrid")

    assert "Too many tries" in answer.content.decode()
    assert not is_in(client)


def test_an_office_signs_in_from_one_address_within_a_minute(ingrid: User) -> None:
    assert [sign_in(Client(REMOTE_ADDR="192.0.2.7"), "ingrid").status_code for _ in range(40)] == [302] * 40


def test_one_address_that_tries_many_names_is_stopped(ingrid: User, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login_failed": "5/m/ip,5/5m/key"}

    answers = [sign_in(Client(REMOTE_ADDR="192.0.2.9"), f"name{n}", "wrong") for n in range(6)]

    assert "don’t fit" in answers[0].content.decode()
    assert "Too many tries" in answers[-1].content.decode()
    assert is_in_from("192.0.2.10", "ingrid")


def is_in_from(address: str, login: str) -> bool:
    client = Client(REMOTE_ADDR=address)
    sign_in(client, login)
    return is_in(client)


def test_tries_are_counted_in_the_database_for_all_processes(ingrid: User) -> None:
    sign_in(Client(), "ingrid", "wrong")

    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM shared_cache WHERE cache_key LIKE %s", ["%login_failed%"])
        assert cursor.fetchone()[0] >= 1
    assert "Database" in type(cache._connections["default"]).__name__  # type: ignore[attr-defined]


def test_many_sign_ins_from_one_address_get_a_page_that_says_wait(ingrid: User, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login": "3/m/ip"}
    client = Client()

    statuses = {sign_in(client, f"name{n}", "wrong").status_code for n in range(4)}
    last = sign_in(client, "ingrid")

    assert statuses == {200, 429}
    assert last.status_code == 429
    assert "Wait a few minutes" in last.content.decode()


def test_a_closed_account_gets_no_further(ingrid: User) -> None:
    User.objects.filter(pk=ingrid.pk).update(is_active=False)
    client = Client()

    sign_in(client, "ingrid")

    assert not is_in(client)


def test_an_account_closed_meanwhile_is_out_at_once(ingrid: User) -> None:
    client = Client()
    sign_in(client, "ingrid")

    User.objects.filter(pk=ingrid.pk).update(is_active=False)

    assert not is_in(client)


def test_nobody_makes_an_account_for_themselves() -> None:
    form = {"username": "eve", "email": "eve@evil.example", "password1": PASSWORD}

    shown, sent = Client().get("/accounts/signup/"), Client().post("/accounts/signup/", form)

    assert "Accounts are made for you" in shown.content.decode()
    assert "Accounts are made for you" in sent.content.decode()
    assert not User.objects.exists()


def test_signing_out_needs_a_click(ingrid: User) -> None:
    client = Client()
    sign_in(client, "ingrid")

    asked = client.get("/accounts/logout/")
    still_in = is_in(client)
    client.post("/accounts/logout/")

    assert "Sign out?" in asked.content.decode()
    assert still_in
    assert not is_in(client)


def test_the_session_ends_with_the_browser_unless_one_wants_to_stay(ingrid: User) -> None:
    short, long = Client(), Client()

    sign_in(short, "ingrid")
    sign_in(long, "ingrid", remember="on")

    assert short.cookies["sessionid"]["max-age"] == ""
    assert int(long.cookies["sessionid"]["max-age"]) > 24 * 3600
    assert short.cookies["sessionid"]["httponly"]


def test_htmx_goes_to_the_sign_in_when_the_session_is_over() -> None:
    headers = {"HX-Request": "true", "HX-Target": "rows", "HX-Current-URL": "http://testserver/settings/?a=1"}

    response = Client().get("/settings/", headers=headers)

    assert response.headers["HX-Redirect"] == "/accounts/login/?next=%2Fsettings%2F%3Fa%3D1"


def wait_for_letters() -> None:
    """Wait until what is sent beside requests is sent."""
    for thread in threading.enumerate():
        if thread.name == MAILING:
            thread.join(timeout=10)


def test_a_forgotten_password_is_set_anew_by_mail(site: Store, ingrid: User, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["testserver", "staff.example.org"]
    client = Client()

    elsewhere = Client(headers={"Host": "staff.example.org:8443"})
    elsewhere.post("/accounts/password/reset/", {"email": "ingrid@community.example"})
    client.post("/accounts/password/reset/", {"email": "nobody@community.example"})
    wait_for_letters()
    link = re.search(r"http://testserver(/\S+)", str(mail.outbox[0].body))
    assert link
    page = client.get(link[1], follow=True)
    client.post(page.request["PATH_INFO"], {"password1": "ein anderer see 7", "password2": "ein anderer see 7"})

    assert [message.to for message in mail.outbox] == [["ingrid@community.example"]] * 2  # the link, and that it was used
    assert "if not, tell your administrator" in str(mail.outbox[1].body).lower()
    assert "Choose a new password" in page.content.decode()
    assert client.login(username="ingrid", password="ein anderer see 7")
    assert "This link is used up" in Client().get(link[1], follow=True).content.decode()
    noted = [entry for entry in site.audit.of_month(f"{timezone.now():%Y-%m}") if entry.action == "staff.password_reset"]
    assert [(entry.subject, entry.actor) for entry in noted] == [(f"staff:{ingrid.pk}", "")]


def test_whether_there_is_an_account_is_not_told_where_no_mail_server_is(
    ingrid: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise ConnectionRefusedError("away")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", away)
    answers = [
        Client().post("/accounts/password/reset/", {"email": f"{name}@community.example"}, follow=True)
        for name in ("ingrid", "nobody")
    ]
    wait_for_letters()

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].redirect_chain == answers[1].redirect_chain
    assert "link for a new password not mailed" in caplog.text


def test_one_changes_ones_own_password(site: Store, ingrid: User) -> None:
    client = Client()
    sign_in(client, "ingrid")
    form = {"oldpassword": PASSWORD, "password1": "short", "password2": "short"}

    refused = client.post("/accounts/password/change/", form)
    client.post("/accounts/password/change/", {**form, "password1": "ein anderer see 7", "password2": "ein anderer see 7"})

    assert "at least 10 characters" in refused.content.decode()
    assert Client().login(username="ingrid", password="ein anderer see 7")


# --- health, and what production asks for ------------------------------------------------------------------------------------


class TableOf:
    """A table that answers, or raises what it is given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.table = error, self

    def ping(self) -> None:
        if self.error:
            raise self.error


def test_health_needs_nobody_and_readiness_needs_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from crm.domain.errors import StoreUnavailable
    from crm.web import middleware

    stores: list[Any] = [TableOf(), TableOf(StoreUnavailable("The table does not answer."))]
    monkeypatch.setattr(middleware, "_open_store", lambda _: stores.pop(0))

    ready, down = Client().get("/readyz"), Client().get("/readyz")
    alive = Client().get("/healthz")

    assert (alive.status_code, alive.content) == (200, b"alive\n")
    assert (ready.status_code, ready.content) == (200, b"ready\n")
    assert down.status_code == 503
    assert b"The table does not answer." in down.content


BARE = {
    "SECRET_KEY": "a-secret-key-of-more-than-fifty-characters-for-tests-alone",
    "LINK_KEY": "a-link-key-for-tests-alone",
    "ALLOWED_HOSTS": "crm.example.org",
    "PUBLIC_URL": "https://crm.example.org",
}


def _manage(environment: dict[str, str], *arguments: str, folder: Path) -> tuple[int, str]:
    """Run manage.py as a machine would, with this environment and no other."""
    import os
    import subprocess
    import sys

    fixed = {"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{folder}/staff.sqlite3", "DEBUG": "0"}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, env={**fixed, **environment}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "LINK_KEY", "ALLOWED_HOSTS"])
def test_a_missing_secret_stops_the_start_with_one_sentence(name: str, tmp_path: Path) -> None:
    code, said = _manage({**BARE, name: ""}, "check", folder=tmp_path)

    assert code == 1
    assert said.startswith(f"{name} is not set: set it to ")
    assert said.count("\n") == 1


def test_production_settings_pass_the_checks_for_deployment(tmp_path: Path) -> None:
    environment = {**BARE, "DEFAULT_FROM_EMAIL": "CRM <crm@example.org>"}

    code, said = _manage(environment, "check", "--deploy", "--fail-level", "WARNING", folder=tmp_path)

    assert (code, said) == (0, "System check identified no issues (0 silenced).\n")


def test_settings_that_would_fail_later_are_named(tmp_path: Path) -> None:
    wrong = {"LINK_KEY": "short", "PUBLIC_URL": "crm.example.org", "DEFAULT_FROM_EMAIL": "nobody", "CRM_WINDOW": "0"}

    code, said = _manage({**BARE, **wrong}, "check", folder=tmp_path)

    assert code == 1
    for words in ("fewer than 16 characters", "can't begin a link", "is no address", "CRM_WINDOW is 0"):
        assert words in said


@pytest.mark.parametrize("name", ["Mars/Olympus", "localtime"])
def test_a_time_zone_that_does_not_exist_stops_the_start(tmp_path: Path, name: str) -> None:
    code, said = _manage({**BARE, "CRM_TIME_ZONE": name}, "check", folder=tmp_path)

    assert code == 1
    assert said == f"CRM_TIME_ZONE is {name!r}, which is no time zone: set one like Europe/Stockholm.\n"
