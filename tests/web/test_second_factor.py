"""Second factors: set up, asked for, lost, demanded; and how sessions and profiles go along with them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from anymail.exceptions import AnymailAPIError
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from crm import accounts, invitations, second_factor, staff
from crm.domain.audit import AuditEntry
from crm.domain.errors import RuleViolation, StoreUnavailable
from crm.models import Invitation, Profile
from crm.second_factor import Who
from crm.store import Store
from tests.codes import code_of, recovery_codes_in, secret_in

PASSWORD = "sommerregen am see"
ADD, ASKED, CODES = "/accounts/2fa/app/add/", "/accounts/2fa/authenticate/", "/accounts/2fa/codes/"
NEEDED, OVERVIEW, RULE = "/accounts/2fa/needed/", "/accounts/2fa/", "/settings/staff/second-factor/"


@pytest.fixture
def ada(site: Store, db: None) -> User:
    """An administrator with an address and a password."""
    user = User.objects.create_user("ada", "ada@staff.example", PASSWORD)
    staff.set_role(user, "Admin")
    return user


@pytest.fixture
def bob(site: Store, db: None) -> User:
    """A colleague with an address and an app."""
    user = User.objects.create_user("bob", "bob@staff.example", PASSWORD)
    staff.set_role(user, "Viewer")
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    return user


@pytest.fixture
def client(ada: User) -> Client:
    """A browser in which she signed in just now."""
    return signed_in(Client())


def signed_in(client: Client, **more: str) -> Client:
    client.post("/accounts/login/", {"login": "ada", "password": PASSWORD, **more})
    return client


def is_in(client: Client) -> bool:
    return client.get("/settings/").status_code == 200


def set_up(client: Client) -> tuple[str, list[str]]:
    """Set up an app; its secret, and the recovery codes that come with it."""
    secret = secret_in(client.get(ADD))
    shown = client.post(ADD, {"code": code_of(secret)}, follow=True)
    return secret, recovery_codes_in(shown)


def again(client: Client, next_url: str = "") -> HttpResponse:
    """Give the password once more."""
    return client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": next_url})


def goes_to(asked: HttpResponse) -> str:
    """Where one goes on, once one has said who it is: what waits is found by it."""
    return parse_qs(urlsplit(asked.headers["Location"]).query)["next"][0]


def answer(client: Client, code: str) -> HttpResponse:
    return client.post(ASKED, {"code": code})


def entries(site: Store, action: str) -> list[AuditEntry]:
    return [entry for entry in site.audit.of_month(f"{datetime.now(UTC):%Y-%m}") if entry.action == action]


# --- an app that shows codes -------------------------------------------------------------------------------------------------


def test_an_app_is_set_up_with_a_code_of_it(client: Client, site: Store, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.db.transaction.on_commit", lambda act: act())  # a test is one transaction that never ends
    page = client.get(ADD)
    shown = client.post(ADD, {"code": code_of(secret_in(page))}, follow=True)

    assert 'src="data:image/svg+xml;base64,' in page.content.decode()
    assert second_factor.has_one(ada)
    assert len(recovery_codes_in(shown)) == 10
    assert [(entry.subject, entry.facts) for entry in entries(site, "staff.second_factor_added")] == [
        (f"staff:{ada.pk}", {"kind": "app"})
    ]
    assert [(message.to, message.subject) for message in mail.outbox] == [
        (["ada@staff.example"], "An app that shows codes was set up as second factor")
    ]


def test_a_wrong_code_sets_nothing_up_and_keeps_the_secret(client: Client, ada: User) -> None:
    secret = secret_in(client.get(ADD))

    refused = client.post(ADD, {"code": "000000" if code_of(secret) != "000000" else "000001"})

    assert "That code is not right." in refused.content.decode()
    assert secret_in(refused) == secret
    assert not second_factor.has_one(ada)


def test_an_app_that_is_set_up_twice_at_once_is_set_up_once(client: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = secret_in(client.get(ADD))

    def other_was_first(*_: object, **__: object) -> None:
        Authenticator.objects.create(user=ada, type=Authenticator.Type.TOTP, data={"secret": "of the first"})

    monkeypatch.setattr("crm.web.accounts.views.note", other_was_first)
    response = client.post(ADD, {"code": code_of(secret)})

    assert (response.status_code, response.headers["Location"]) == (302, OVERVIEW)
    assert [one.data["secret"] for one in Authenticator.objects.filter(user=ada)] == ["of the first"]


def test_where_the_audit_log_is_away_nothing_is_set_up(client: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = secret_in(client.get(ADD))

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("The table does not answer.")

    monkeypatch.setattr("crm.web.accounts.views.note", away)
    response = client.post(ADD, {"code": code_of(secret)})

    assert response.status_code == 503
    assert not second_factor.has_one(ada)


def test_recovery_codes_are_shown_once_and_can_be_saved_as_a_file(client: Client) -> None:
    secret = secret_in(client.get(ADD))

    first = client.post(ADD, {"code": code_of(secret)}, follow=True)
    again = client.get(CODES)

    code = recovery_codes_in(first)[0]
    assert f"%0A{code}%0A" in first.content.decode()
    assert 'download="recovery-codes.txt"' in first.content.decode()
    assert "no-store" in first.headers["Cache-Control"]
    assert code not in again.content.decode()
    assert "New codes" in again.content.decode()


def test_who_signed_in_long_ago_gives_the_password_once_more(client: Client) -> None:
    session = client.session
    records = session["account_authentication_methods"]
    session["account_authentication_methods"] = [{**record, "at": record["at"] - 600} for record in records]
    session.save()

    asked = client.get(ADD)
    back = client.post(asked.headers["Location"], {"password": PASSWORD, "next": ADD})

    assert asked.headers["Location"] == f"/accounts/reauthenticate/?next={ADD.replace('/', '%2F')}"
    assert back.headers["Location"] == ADD
    assert client.get(ADD).status_code == 200


def test_the_password_alone_opens_nothing_any_more(client: Client) -> None:
    secret, _ = set_up(client)
    other = Client()

    first = other.post("/accounts/login/", {"login": "ada", "password": PASSWORD, "next": "/people/"})
    before = is_in(other)
    wrong = answer(other, "12345678")
    right = answer(other, code_of(secret, later=1))

    assert first.headers["Location"].startswith(ASKED)
    assert not before
    assert "That code is not right." in wrong.content.decode()
    assert right.headers["Location"] == "/people/"
    assert is_in(other)


def test_a_wrong_code_is_noted(client: Client, site: Store, ada: User) -> None:
    set_up(client)

    answer(signed_in(Client()), "12345678")

    assert [entry.subject for entry in entries(site, "staff.sign_in_failed")] == [f"staff:{ada.pk}"]


def test_a_code_opens_one_door_once(client: Client) -> None:
    secret, _ = set_up(client)
    code = code_of(secret, later=1)

    answer(signed_in(Client()), code)
    second = signed_in(Client())
    refused = answer(second, code)

    assert "already" in refused.content.decode() or "not right" in refused.content.decode()
    assert not is_in(second)


def test_the_code_that_set_the_app_up_opens_no_door(client: Client) -> None:
    secret = secret_in(client.get(ADD))
    code = code_of(secret)
    client.post(ADD, {"code": code})

    other = signed_in(Client())
    refused = answer(other, code)

    assert "used already" in refused.content.decode()
    assert not is_in(other)


def test_a_code_stays_used_as_long_as_clocks_may_differ(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, _ = set_up(client)
    code = code_of(secret, later=1)
    answer(signed_in(Client()), code)
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.TOTP._mark_code_used", lambda *_: True)  # as it is half a minute later

    second = signed_in(Client())
    refused = answer(second, f" {code[:3]} {code[3:]} ")

    assert "used already" in refused.content.decode()
    assert not is_in(second)


def test_a_recovery_code_opens_once_in_place_of_the_app(client: Client) -> None:
    _, codes = set_up(client)
    first, second = signed_in(Client()), signed_in(Client())

    answer(first, codes[0])
    answer(second, codes[0])

    assert is_in(first)
    assert not is_in(second)
    assert "9 left" in client.get(OVERVIEW).content.decode()


def test_after_five_wrong_codes_even_the_right_one_waits(client: Client) -> None:
    secret, codes = set_up(client)
    other = signed_in(Client())

    for _ in range(5):
        answer(other, "12345678")
    refused = [answer(other, code_of(secret, later=1)), answer(signed_in(Client(REMOTE_ADDR="192.0.2.7")), codes[0])]

    assert all("Too many tries. Wait five minutes" in response.content.decode() for response in refused)
    assert not is_in(other)


def test_the_app_is_removed_and_with_it_the_codes(client: Client, site: Store, ada: User) -> None:
    set_up(client)
    again(client)

    client.post("/accounts/2fa/app/remove/")

    assert not Authenticator.objects.filter(user=ada).exists()
    assert len(entries(site, "staff.second_factor_removed")) == 1
    assert is_in(signed_in(Client()))


def test_new_codes_make_the_old_ones_worthless(client: Client) -> None:
    _, old = set_up(client)
    again(client)

    new = recovery_codes_in(client.post("/accounts/2fa/codes/new/", follow=True))

    assert len(new) == 10
    assert not set(new) & set(old)
    refused = signed_in(Client())
    answer(refused, old[0])
    assert not is_in(refused)


def test_secrets_are_kept_under_the_link_key_and_outlive_its_rotation(client: Client, settings: Any) -> None:
    secret, codes = set_up(client)
    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))

    settings.LINK_KEYS = ["a new key", *settings.LINK_KEYS]
    other = signed_in(Client())
    answer(other, code_of(secret, later=1))

    assert secret not in kept
    assert codes[0] not in kept
    assert is_in(other)


def test_a_secret_whose_key_is_gone_lets_nobody_in_and_breaks_nothing(client: Client, settings: Any) -> None:
    secret, codes = set_up(client)

    settings.LINK_KEYS = ["a new key alone"]
    other = signed_in(Client())
    answers = [answer(other, code_of(secret, later=1)), answer(other, codes[0])]

    assert [response.status_code for response in answers] == [200, 200]
    assert not is_in(other)


def test_an_administrator_takes_a_lost_factor_away_and_its_owner_is_told(
    client: Client, bob: User, site: Store, ada: User
) -> None:
    address = f"/settings/staff/{bob.pk}/second-factor/"

    asked = client.post(address)
    before = second_factor.has_one(bob)
    done = again(client, goes_to(asked))

    assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
    assert before
    assert done.headers["Location"] == f"/settings/staff/{bob.pk}/"
    assert not second_factor.has_one(bob)
    assert [(message.to, message.subject) for message in mail.outbox] == [
        (["bob@staff.example"], "The second factor was taken away by an administrator")
    ]
    assert "By: ada" in mail.outbox[0].body
    assert [entry.subject for entry in entries(site, "staff.second_factor_reset")] == [f"staff:{bob.pk}"]


def test_ones_own_factor_is_not_taken_away_as_an_administrator(client: Client, ada: User) -> None:
    set_up(client)
    again(client)

    refused = client.post(f"/settings/staff/{ada.pk}/second-factor/")

    assert refused.status_code == 422
    assert "Your own second factor is removed on the page of your account" in refused.content.decode()
    assert second_factor.has_one(ada)


def test_who_manages_staff_no_more_takes_no_factor_away(ada: User, bob: User, site: Store) -> None:
    staff.set_role(ada, "Editor")

    with pytest.raises(RuleViolation, match="took the right to manage staff from you"):
        accounts.reset_factor(site, bob.pk, actor=ada, now=datetime.now(UTC))

    assert second_factor.has_one(bob)


def test_another_administrator_takes_the_password_and_another_editor_does_not(client: Client, bob: User) -> None:
    role, invite = f"/settings/staff/{bob.pk}/role/", "/settings/staff/invite/"

    easy = [
        client.post(role, {"role": "Editor"}),
        client.post(invite, {"address": "kim@staff.example", "role": "Editor"}),
    ]
    asked = [client.post(role, {"role": "Admin"}), client.post(invite, {"address": "eve@staff.example", "role": "Admin"})]
    before = (staff.role_of(User.objects.get(pk=bob.pk)), Invitation.objects.count())
    again(client, goes_to(asked[1]))

    assert not any("reauthenticate" in answer.headers["Location"] for answer in easy)
    assert all("reauthenticate" in answer.headers["Location"] for answer in asked)
    assert before == ("Editor", 1)
    assert Invitation.objects.filter(address="eve@staff.example", role="Admin").exists()


def test_what_waits_for_the_password_is_done_for_each_tab_by_itself_and_once(client: Client, ada: User, bob: User) -> None:
    invite, role = "/settings/staff/invite/", f"/settings/staff/{bob.pk}/role/?from=list"
    sent: list[tuple[str, dict[str, str]]] = [
        (invite, {"address": "kim@staff.example", "role": "Admin"}),
        ("/settings/", {**PROFILE, "email": "king@staff.example"}),
        (invite, {"address": "eve@staff.example", "role": "Admin"}),
        (role, {"role": "Admin"}),
    ]

    asked = [client.post(address, typed) for address, typed in sent]
    page = client.get(asked[0].headers["Location"]).content.decode()
    again(client, goes_to(asked[0]))
    first = list(Invitation.objects.values_list("address", flat=True))
    for tab in asked[1:]:
        again(client, goes_to(tab))
    both = set(Invitation.objects.values_list("address", flat=True))
    Invitation.objects.all().delete()
    twice = client.get(again(client, goes_to(asked[0])).headers["Location"]).content.decode()

    assert f'name="next" value="{goes_to(asked[0])}"' in page
    assert first == ["kim@staff.example"]
    assert both == {"kim@staff.example", "eve@staff.example"}
    assert User.objects.get(pk=ada.pk).email == "king@staff.example"
    assert staff.role_of(User.objects.get(pk=bob.pk)) == "Admin"
    assert not Invitation.objects.exists()
    assert "Nothing was done just now" in twice


def test_nothing_that_lets_an_administrator_in_is_done_or_shown_without_the_password(client: Client, bob: User) -> None:
    now = datetime.now(UTC)
    for name, role in (("eve", "Admin"), ("kim", "Viewer")):
        Invitation.objects.create(address=f"{name}@staff.example", role=role, invited_by="ada", expires_at=now)
    admin, viewer = (Invitation.objects.get(role=role).pk for role in ("Admin", "Viewer"))
    staff.set_role(bob, "Admin")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    page = "/settings/staff/invitations/{}/"

    asked = [
        client.get(page.format(admin)),
        client.post(page.format(admin) + "send/"),
        client.post(f"/settings/staff/{bob.pk}/reopen/"),
    ]

    assert [answer.headers.get("Location", "")[:25] for answer in asked] == ["/accounts/reauthenticate/"] * 3
    assert not User.objects.get(pk=bob.pk).is_active
    assert not Invitation.objects.get(pk=admin).holds(now)
    assert client.get(page.format(viewer)).status_code == 200
    assert page.format(admin) in again(client, page.format(admin)).headers["Location"]
    assert client.get(page.format(admin)).status_code == 200


def test_a_sign_in_that_waits_for_its_code_ends_with_a_new_password_and_with_all_sessions(client: Client, ada: User) -> None:
    _, codes = set_up(client)
    halves = [signed_in(Client()), signed_in(Client()), signed_in(Client())]
    there = halves[0].get(ASKED).status_code

    ada.set_password("herbstregen am see")
    ada.save()
    late = halves[0].post(ASKED, {"code": codes[0]}, follow=True)
    accounts.end_sessions(ada)

    assert there == 200
    assert "The password of this account was changed a moment ago." in late.content.decode()
    assert not is_in(halves[0])
    assert halves[1].get(ASKED).status_code == 302
    assert not is_in(halves[2])


# --- passkeys ----------------------------------------------------------------------------------------------------------------

FORGED = [
    "{",
    "[]",
    "7",
    '"text"',
    "{}",
    json.dumps({"id": 5_000_000_000, "rawId": 5_000_000_000}),
    json.dumps({"id": "aa", "rawId": "aa", "type": "public-key", "response": {}}),
    json.dumps({"id": "aa", "response": {"userHandle": None, "clientDataJSON": "", "authenticatorData": "", "signature": ""}}),
    json.dumps(
        {
            "id": "YWE",
            "rawId": "YWE",
            "type": "public-key",
            "response": {"userHandle": "MQ", "clientDataJSON": "e30", "authenticatorData": "YWE", "signature": "YWE"},
        }
    ),
    json.dumps({"id": "é", "rawId": "é", "response": {"userHandle": "é", "clientDataJSON": "é"}}),
    "[" * 5_000,
    '{"a":' * 5_000,
    json.dumps({"id": "a" * 30_000}),
]


@pytest.mark.parametrize("forged", FORGED, ids=range(len(FORGED)))
def test_what_no_browser_sends_of_a_passkey_opens_nothing_and_breaks_nothing(client: Client, forged: str) -> None:
    set_up(client)
    stranger, half = Client(), signed_in(Client())
    stranger.get("/accounts/passkeys/login/", headers={"Accept": "application/json"})
    half.get(ASKED)
    again(client)
    client.get("/accounts/passkeys/add/")

    alone = stranger.post("/accounts/passkeys/login/", {"credential": forged})
    second = half.post(ASKED, {"credential": forged})
    added = client.post("/accounts/passkeys/add/", {"credential": forged, "name": "Mine"})
    third = client.post("/accounts/passkeys/reauthenticate/", {"credential": forged})

    assert [response.status_code for response in (alone, second, added)] == [302, 200, 200]
    assert third.status_code == 302
    assert not is_in(stranger)
    assert not is_in(half)
    assert not Authenticator.objects.filter(type="webauthn").exists()


def test_asking_for_a_passkey_is_counted_by_address(site: Store, db: None, settings: Any) -> None:
    settings.MFA_RATE_LIMITS = {"webauthn_login": "2/m/ip"}
    asking = {"X-Requested-With": "XMLHttpRequest"}

    answers = [Client().get("/accounts/passkeys/login/", headers=asking).status_code for _ in range(3)]
    elsewhere = Client(REMOTE_ADDR="192.0.2.9").get("/accounts/passkeys/login/", headers=asking)

    assert answers == [200, 200, 429]
    assert elsewhere.status_code == 200
    assert Session.objects.count() == 3


def test_a_stranger_who_asks_for_a_passkey_keeps_a_session_for_minutes_and_who_comes_in_for_days(site: Store, ada: User) -> None:
    invitation = invitations.invite(site, "kim@staff.example", "Viewer", actor=ada, now=datetime.now(UTC))
    browser = Client()

    browser.get("/accounts/passkeys/login/", headers={"X-Requested-With": "XMLHttpRequest"})
    asked = browser.session.get_expiry_age()
    typed = {"username": "kim", "fullName": "Kim Lund", "password": PASSWORD, "again": PASSWORD}
    browser.post(f"/accounts/invitation/{invitation.key}/", typed)

    assert asked == 600
    assert browser.get("/settings/").status_code == 200
    assert browser.session.get_expiry_age() > 24 * 3600


def test_a_passkey_of_others_is_as_if_it_were_not_there(client: Client) -> None:
    other = User.objects.create_user("eve")
    theirs = Authenticator.objects.create(user=other, type="webauthn", data={"name": "Theirs", "credential": {}})
    again(client)

    answers = [client.post(f"/accounts/passkeys/{theirs.pk}/{what}/", {"name": "Mine"}) for what in ("name", "remove")]

    assert [response.status_code for response in answers] == [404, 404]
    assert Authenticator.objects.get().data["name"] == "Theirs"


# --- of whom one is asked ----------------------------------------------------------------------------------------------------


def test_who_must_have_one_and_has_none_can_do_nothing_else(client: Client, sign_in: Callable[[str], Client]) -> None:
    set_up(client)
    again(client)
    viewer = sign_in("Viewer")

    saved = client.post(RULE, {"who": "everybody"}, follow=True)
    led = viewer.get("/people/")
    part = viewer.get("/people/", headers={"HX-Request": "true", "HX-Target": "people-table"})
    sent = viewer.post("/settings/", {"fullName": "Typed"})

    assert "Must have a second factor: everybody." in saved.content.decode()
    assert led.headers["Location"] == NEEDED
    assert part.headers["HX-Redirect"] == NEEDED
    assert sent.status_code == 403
    assert "What you typed is still here" in sent.content.decode()
    assert "One more thing" in viewer.get(NEEDED).content.decode()
    assert viewer.post("/accounts/logout/").headers["Location"] == "/accounts/login/"
    assert client.get("/people/").status_code == 200


def test_who_has_set_one_up_goes_on(client: Client, ada: User) -> None:
    second_factor.ask(Who.EVERYBODY)

    before = client.get("/people/")
    set_up(client)

    assert before.headers["Location"] == NEEDED
    assert client.get("/people/").status_code == 200
    assert client.get(NEEDED).headers["Location"] == OVERVIEW
    assert "Your administrator asks you to have one" in client.get(OVERVIEW).content.decode()


def test_a_form_that_waits_for_the_password_is_not_done_past_it(client: Client, ada: User) -> None:
    asked = client.post("/settings/", {**PROFILE, "email": "king@staff.example"})
    second_factor.ask(Who.EVERYBODY)

    back = again(client, goes_to(asked))

    assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
    assert back.headers["Location"] == goes_to(asked)
    assert client.get("/settings/").headers["Location"] == NEEDED
    assert User.objects.get(pk=ada.pk).email == "ada@staff.example"


def test_asked_of_administrators_it_is_not_asked_of_others(ada: User, client: Client, sign_in: Callable[[str], Client]) -> None:
    second_factor.ask(Who.ADMINISTRATORS)

    assert sign_in("Editor").get("/people/").status_code == 200
    assert client.get("/people/").headers["Location"] == NEEDED


def test_nobody_asks_of_others_what_they_do_not_have(client: Client, site: Store) -> None:
    refused = client.post(RULE, {"who": "everybody"})

    assert refused.status_code == 422
    assert "Set up your own second factor first" in refused.content.decode()
    assert second_factor.asked_of() is Who.NOBODY


def test_the_rule_takes_the_password(client: Client) -> None:
    set_up(client)

    asked = client.post(RULE, {"who": "everybody"})
    before = second_factor.asked_of()
    again(client, goes_to(asked))

    assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
    assert before is Who.NOBODY
    assert second_factor.asked_of() is Who.EVERYBODY


def test_the_rule_is_noted_when_it_changes(client: Client, site: Store) -> None:
    set_up(client)
    again(client)

    for who in ("administrators", "administrators", "nobody"):
        client.post(RULE, {"who": who})

    assert [entry.facts for entry in entries(site, "staff.second_factor_required")] == [{"who": "administrators"}]
    assert len(entries(site, "staff.second_factor_not_required")) == 1


# --- sessions ----------------------------------------------------------------------------------------------------------------


def key_of(client: Client) -> str:
    return str(client.cookies["sessionid"].value)


def test_a_session_gets_a_new_key_at_the_sign_in_and_at_each_step_of_it(client: Client) -> None:
    secret, _ = set_up(client)
    other = Client()

    signed_in(other)
    half = key_of(other)
    answer(other, code_of(secret, later=1))

    assert key_of(other) != half


def test_a_session_gets_a_new_key_with_a_new_password(client: Client) -> None:
    before = key_of(client)

    new = {"oldpassword": PASSWORD, "password1": "herbstnebel am see", "password2": "herbstnebel am see"}
    client.post("/accounts/password/change/", new)

    assert key_of(client) != before
    assert is_in(client)


def test_another_role_signs_nobody_out_however_many_requests_are_under_way(client: Client, ada: User) -> None:
    tabs = [Client(), Client(), Client()]
    for tab in tabs:
        tab.cookies["sessionid"] = key_of(client)

    staff.set_role(ada, "Editor")
    page = tabs[0].get("/people/")
    part = tabs[1].get("/settings/jobs/", headers={"HX-Request": "true", "HX-Target": "jobs"})
    sent = tabs[2].post("/settings/", {"fullName": "Ada King"})

    assert [page.status_code, part.status_code, sent.status_code] == [200, 200, 422]
    assert "HX-Redirect" not in part.headers
    assert [session.session_key for session in UserSession.objects.filter(user=ada)] == [key_of(client)]
    assert [key_of(tab) for tab in tabs] == [key_of(client)] * 3


def test_a_request_under_way_brings_no_ended_session_back(client: Client, ada: User, site: Store) -> None:
    birgit = User.objects.create_user("birgit")
    staff.set_role(birgit, "Admin")
    done: list[bool] = []

    def meanwhile(execute: Callable[..., Any], sql: str, *given: Any) -> Any:
        """What another administrator does after the session was read and before the page is made."""
        if "crm_profile" in sql and not done:
            done.append(True)
            accounts.change_role(site, ada.pk, "Editor", actor=birgit, now=datetime.now(UTC))
            accounts.sign_out(site, ada.pk, actor=birgit, now=datetime.now(UTC))
        return execute(sql, *given)

    with connection.execute_wrapper(meanwhile):
        client.get("/settings/")

    assert done
    assert not Session.objects.exists()
    assert not is_in(client)


def test_one_sees_where_one_is_signed_in_and_ends_the_others(client: Client, site: Store, ada: User) -> None:
    phone = signed_in(Client(headers={"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1) Safari/604.1"}))
    tablet = signed_in(Client(headers={"User-Agent": "Mozilla/5.0 (iPad; CPU OS 18_1) Safari/604.1"}))

    page = client.get("/settings/").content.decode()
    one = UserSession.objects.get(session_key=key_of(tablet))
    client.post("/settings/sessions/end/", {"session": one.pk})
    left = [is_in(phone), is_in(tablet)]
    client.post("/settings/sessions/end/", {"session": "others"})

    assert "Safari on an iPhone" in page
    assert left == [True, False]
    assert not is_in(phone)
    assert is_in(client)
    assert [entry.facts["sessions"] for entry in entries(site, "staff.sessions_ended")] == [1, 1]


def test_nobody_ends_a_session_of_others_or_their_own_by_this(client: Client, ada: User) -> None:
    other = User.objects.create_user("eve", password=PASSWORD)
    theirs = Client()
    theirs.force_login(other)
    is_in(theirs)

    for session in UserSession.objects.all():
        client.post("/settings/sessions/end/", {"session": session.pk})

    assert is_in(theirs)
    assert is_in(client)


# --- the profile -------------------------------------------------------------------------------------------------------------

PROFILE = {"fullName": "Ada King", "email": "ada@staff.example", "timeZone": ""}


def test_a_name_is_kept_and_shown(client: Client, ada: User, site: Store) -> None:
    client.post("/settings/", {**PROFILE, "fullName": "  Ludwig  van Beethoven "})

    ada.refresh_from_db()
    assert ada.get_full_name() == "Ludwig van Beethoven"
    assert "Ludwig van Beethoven" in client.get("/settings/").content.decode()
    assert [entry.facts for entry in entries(site, "staff.profile_edited")] == [{"changed": "fullName"}]


def test_another_address_takes_the_password_and_the_former_one_is_told(client: Client, ada: User) -> None:
    asked = client.post("/settings/", {**PROFILE, "email": "king@staff.example"})
    before = User.objects.get(pk=ada.pk).email
    again(client, goes_to(asked))

    assert asked.headers["Location"].startswith("/accounts/reauthenticate/")
    assert before == "ada@staff.example"
    assert User.objects.get(pk=ada.pk).email == "king@staff.example"
    assert [(message.to, message.subject) for message in mail.outbox] == [
        (["ada@staff.example"], "The e-mail address was changed")
    ]


def test_of_two_who_take_one_address_at_once_the_second_is_told(
    client: Client, ada: User, bob: User, site: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def second(store: Store) -> Iterator[None]:
        User.objects.filter(pk=bob.pk).update(email="team@staff.example")
        with accounts.one_at_a_time(store):
            yield

    again(client)
    monkeypatch.setattr("crm.web.settings.account.one_at_a_time", second)
    response = client.post("/settings/", {**PROFILE, "email": "Team@staff.example"})

    assert response.status_code == 422
    assert "Another account has this address." in response.content.decode()
    assert User.objects.get(pk=ada.pk).email == "ada@staff.example"
    assert not entries(site, "staff.profile_edited")


def test_nobody_takes_the_address_of_somebody_who_is_invited(client: Client, ada: User) -> None:
    Invitation.objects.create(address="kim@staff.example", role="Viewer", invited_by="ada", expires_at=datetime.now(UTC))
    again(client)

    response = client.post("/settings/", {**PROFILE, "email": "Kim@staff.example"})

    assert response.status_code == 422
    assert "Somebody is invited by this address" in response.content.decode()
    assert User.objects.get(pk=ada.pk).email == "ada@staff.example"


@pytest.mark.parametrize("error", [ConnectionRefusedError("away"), AnymailAPIError("refused")])
def test_a_password_is_changed_though_no_notice_can_be_mailed(
    client: Client, ada: User, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise error

    monkeypatch.setattr("django.core.mail.EmailMessage.send", away)
    new = {"oldpassword": PASSWORD, "password1": "herbstnebel am see", "password2": "herbstnebel am see"}
    answered = client.post("/accounts/password/change/", new)

    assert answered.headers["Location"] == "/settings/"
    assert User.objects.get(pk=ada.pk).check_password("herbstnebel am see")
    assert is_in(client)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"email": "EVE@staff.example"}, "Another account has this address."),
        ({"email": "no address"}, "Enter a valid email address."),
        ({"email": ""}, "Your account needs an address"),
        ({"timeZone": "Mars/Base"}, "Choose a zone from the list."),
        ({"fullName": "x" * 151}, "at most 150 characters"),
    ],
)
def test_what_can_not_be_is_said_beside_the_field_and_kept(client: Client, ada: User, typed: dict[str, str], said: str) -> None:
    User.objects.create_user("eve", "eve@staff.example")

    response = client.post("/settings/", {**PROFILE, **typed})

    assert response.status_code == 422
    assert said in response.content.decode()
    assert User.objects.get(pk=ada.pk).email == "ada@staff.example"
    assert not Profile.objects.exclude(time_zone="").exists()


def test_moments_are_shown_in_ones_own_zone_which_is_named(client: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(last_login=datetime(2026, 5, 4, 22, 30, tzinfo=UTC))
    UserSession.objects.update(created_at=datetime(2026, 5, 4, 22, 30, tzinfo=UTC))

    before = client.get("/settings/").content.decode()
    client.post("/settings/", {**PROFILE, "timeZone": "Asia/Tokyo"})
    after = client.get("/settings/").content.decode()

    assert "4 May 2026, 22:30 UTC" in before
    assert "5 May 2026, 07:30 JST" in after
