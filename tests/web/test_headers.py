"""What every answer tells the browser to keep to, on every address there is, and how cookies are set."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponseBase
from django.test import Client
from pytest_django import Settings

from crm.store import Store
from tests.web.test_sweep import ADDRESSES, OPEN

STRICT = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
}
REFERRERS = {"same-origin", "no-referrer", "strict-origin-when-cross-origin"}


@pytest.fixture
def deployed(settings: Settings) -> Settings:
    """The cookies and headers of a site behind https."""
    settings.SECURE_HSTS_SECONDS = 365 * 24 * 3600
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    return settings


def faults(path: str, response: HttpResponseBase) -> list[str]:
    """What an answer leaves open."""
    headers = response.headers
    policy = dict(re.findall(r"([a-z-]+) ([^;]+)", headers.get("Content-Security-Policy", "")))
    framed = headers.get("X-Frame-Options") == "SAMEORIGIN"
    found = [name for name, value in STRICT.items() if headers.get(name) != value]
    found += ["Referrer-Policy"] if headers.get("Referrer-Policy") not in REFERRERS else []
    found += ["Permissions-Policy"] if "camera=()" not in headers.get("Permissions-Policy", "") else []
    found += ["default-src"] if policy.get("default-src") != "'none'" else []
    found += ["script-src"] if policy.get("script-src", "'none'") not in {"'self'", "'none'"} else []
    found += ["style-src"] if "unsafe" in policy.get("style-src", "") and not framed else []
    found += ["eval"] if "eval" in str(policy) else []
    found += ["frame"] if policy.get("frame-ancestors") not in {"'none'", "'self'" if framed else "'none'"} else []
    return [f"{path}: {one}" for one in found]


def test_every_answer_is_strict(sign_in: Callable[[str], Client], deployed: Settings) -> None:
    staff, stranger = sign_in("Admin"), Client()

    answers = [
        (address.path, client.get(address.path, secure=True))
        for address in ADDRESSES
        for client in ((staff, stranger) if OPEN.match(address.path) else (staff,))
        if "logout" not in address.path
    ]

    assert len(answers) > 100
    assert {response.status_code for _, response in answers} <= {200, 302, 400, 401, 403, 404, 405, 409, 422}
    assert [fault for path, response in answers for fault in faults(path, response)] == []


def test_what_is_asked_for_without_encryption_is_led_to_it(site: Store, db: None, deployed: Settings) -> None:
    plain = [Client().get(path) for path in ("/", "/accounts/login/", "/api/users", "/u/abc/")]
    for_balancers = Client().get("/healthz")

    assert {(answer.status_code, answer.headers["Location"][:8]) for answer in plain} == {(301, "https://")}
    assert for_balancers.status_code == 200


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(site: Store, db: None, deployed: Settings) -> None:
    User.objects.create_user("ada", password="a good long password")
    client = Client()

    client.get("/accounts/login/", secure=True)
    client.post("/accounts/login/", {"login": "ada", "password": "a good long password"}, secure=True)

    cookies = client.cookies
    assert {"sessionid", "csrftoken"} <= set(cookies)
    assert all(cookies[name]["secure"] and cookies[name]["httponly"] for name in ("sessionid", "csrftoken"))
    assert {cookies[name]["samesite"] for name in ("sessionid", "csrftoken")} == {"Lax"}
