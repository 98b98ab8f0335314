"""Invitations: mailed, used once, over after a week, withdrawn, forged, and where no mail goes."""

import email
import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from crm import invitations, staff
from crm.domain.audit import AuditEntry
from crm.domain.errors import NotFound, StoreUnavailable
from crm.invitations import Newcomer
from crm.mail.files import FilesMailer
from crm.models import Invitation
from crm.store import Store
from tests.jobs.mailing import ToldMailer
from tests.web.filled import text_of

SignIn = Callable[[str], Client]
INVITE = "/settings/staff/invite/"
TYPED = {"fullName": "Kim  Lund", "username": "kim", "password": "sommerregen am see", "again": "sommerregen am see"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the links that are mailed end up."""
    monkeypatch.setattr("crm.web.settings.inviting.get_mailer", lambda: FilesMailer(tmp_path))
    return tmp_path


def _messages(outbox: Path) -> list[email.message.EmailMessage]:
    return [email.message_from_bytes(path.read_bytes(), policy=default) for path in sorted(outbox.glob("**/*.eml"))]


def _link(invitation: Invitation | None = None) -> str:
    return urlsplit(invitations.url_of(invitation or Invitation.objects.get())).path


def _invite(client: Client, address: str = "kim@community.example", role: str = "Editor") -> str:
    """Invite, and return the path of the link."""
    assert client.post(INVITE, {"address": address, "role": role}).status_code == 302
    return _link(Invitation.objects.get(address=address))


def _actions(store: Store) -> list[tuple[str, str]]:
    return [(one.action, one.actor) for one in reversed(list(store.audit.of_month(f"{datetime.now(UTC):%Y-%m}")))]


def test_who_gets_the_letter_joins_with_it_and_is_in(sign_in: SignIn, site: Store, outbox: Path) -> None:
    _invite(sign_in("Admin"))
    letter = _messages(outbox)[0]
    link = re.search(r"http://testserver(/accounts/invitation/\S+/)", letter.get_content())
    browser = Client()

    assert link
    shown = browser.get(link[1])
    joined = browser.post(link[1], TYPED)

    user = User.objects.get(username="kim")
    assert (letter["To"], "invites you to" in letter["Subject"]) == ("kim@community.example", True)
    assert "You are invited as Editor , with the address kim@community.example" in text_of(shown.content)
    assert joined.headers["Location"] == "/"
    assert browser.get("/settings/").status_code == 200
    assert (user.email, user.get_full_name(), staff.role_of(user)) == ("kim@community.example", "Kim Lund", "Editor")
    assert user.check_password(TYPED["password"])
    assert ("staff.joined", "kim") in _actions(site)
    assert "kim@" not in str([vars_of(one) for one in site.audit.of_month(f"{datetime.now(UTC):%Y-%m}")])


def vars_of(entry: Any) -> tuple[Any, ...]:
    """All that an entry of the log holds."""
    return tuple(getattr(entry, name) for name in entry.__slots__)


@pytest.mark.usefixtures("outbox")
def test_the_list_says_on_which_day_a_link_ends(sign_in: SignIn) -> None:
    client = sign_in("Admin")
    _invite(client)
    Invitation.objects.update(expires_at=datetime.now(UTC) + timedelta(days=7) - timedelta(seconds=1))
    day = timezone.localtime(Invitation.objects.get().expires_at)

    text = text_of(client.get("/settings/staff/").content)

    assert f"Not used yet works until {day:%-d} {day:%b %Y}" in text


@pytest.mark.usefixtures("outbox")
def test_a_link_works_once(sign_in: SignIn) -> None:
    link = _invite(sign_in("Admin"))
    Client().post(link, TYPED)

    again = Client().post(link, {**TYPED, "username": "eve"})
    opened = Client().get(link)

    assert (again.status_code, opened.status_code) == (404, 404)
    assert "somebody joined with it, it was withdrawn" in opened.content.decode()
    assert not User.objects.filter(username="eve").exists()


@pytest.mark.usefixtures("outbox")
def test_who_comes_second_with_the_same_link_finds_it_used(sign_in: SignIn, site: Store) -> None:
    _invite(sign_in("Admin"))
    key, now = Invitation.objects.get().key, datetime.now(UTC)
    invitations.join(site, key, Newcomer(username="kim", full_name="Kim", password="sommerregen am see"), now=now)

    with pytest.raises(NotFound, match="not open"):
        invitations.join(site, key, Newcomer(username="eve", full_name="Eve", password="sommerregen am see"), now=now)

    assert not User.objects.filter(username="eve").exists()


@pytest.mark.usefixtures("outbox")
@pytest.mark.parametrize(
    "forge",
    [lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"), lambda key: key.partition(".")[0], str.swapcase, lambda _: "x.y"],
)
def test_a_forged_key_opens_nothing(sign_in: SignIn, forge: Callable[[str], str]) -> None:
    _invite(sign_in("Admin"))
    key = forge(Invitation.objects.get().key)

    answers = [Client().get(f"/accounts/invitation/{key}/"), Client().post(f"/accounts/invitation/{key}/", TYPED)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert not User.objects.filter(username="kim").exists()


@pytest.mark.usefixtures("outbox")
def test_after_a_week_it_opens_nothing_until_it_is_sent_again(sign_in: SignIn) -> None:
    client = sign_in("Admin")
    link = _invite(client)
    Invitation.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))

    over, listed = Client().post(link, TYPED), text_of(client.get("/settings/staff/").content)
    client.post(f"/settings/staff/invitations/{Invitation.objects.get().pk}/send/")

    assert over.status_code == 404
    assert "good for a week" in over.content.decode()
    assert "kim@community.example Editor Over" in listed
    assert Client().post(link, TYPED).status_code == 302


@pytest.mark.usefixtures("outbox")
def test_a_withdrawn_invitation_opens_nothing_and_its_address_can_be_invited_anew(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Admin")
    link = _invite(client)
    address = f"/settings/staff/invitations/{Invitation.objects.get().pk}/withdraw/"

    asked = client.get(address)
    client.post(address)

    assert "Withdraw the invitation of" in asked.content.decode()
    assert Client().get(link).status_code == 404
    assert client.post(address).status_code == 404
    assert _invite(client) != link
    assert [action for action, _ in _actions(site)] == ["staff.invited", "staff.invitation_withdrawn", "staff.invited"]


@pytest.mark.usefixtures("outbox")
@pytest.mark.parametrize(
    ("address", "role", "words"),
    [
        ("Jonas@Community.example", "Viewer", "The account jonas has this address already"),
        ("ended@community.example", "Viewer", "had this address, and is closed: it can be opened again"),
        ("KIM@community.example", "Viewer", "is invited already"),
        ("Kim <kim2@community.example>", "Viewer", "one plain address"),
        ("kim2@community.example\nBcc: eve@evil.example", "Viewer", "one plain address"),
        ("küm@community.example", "Viewer", "one plain address"),
        ("kim..2@community.example", "Viewer", "one plain address"),
        ("", "Viewer", "required"),
        ("kim2@community.example", "Emperor", "Choose one of the roles"),
    ],
)
def test_whom_one_cant_invite_is_said_and_what_was_typed_is_kept(sign_in: SignIn, address: str, role: str, words: str) -> None:
    User.objects.create_user("jonas", "jonas@community.example")
    User.objects.create_user("ended", "ended@community.example", is_active=False)
    client = sign_in("Admin")
    _invite(client)

    answer = client.post(INVITE, {"address": address, "role": role})

    text = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert words in text
    assert address.partition("\n")[0] in text
    assert Invitation.objects.count() == 1


@pytest.mark.usefixtures("outbox")
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"username": "JONAS"}, "Somebody else has this user name"),
        ({"username": "kim@community.example"}, "Leave the @ out"),
        ({"username": "kim lund"}, "Enter a valid username"),
        ({"password": "short", "again": "short"}, "at least 10 characters"),
        ({"password": "passwordpassword1", "again": "another one 123"}, "The two passwords differ"),
        ({"fullName": ""}, "required"),
        ({"fullName": "x" * 151}, "at most 150 characters"),
    ],
)
def test_what_a_newcomer_cant_be_called_is_said_beside_the_field(sign_in: SignIn, typed: dict[str, str], words: str) -> None:
    User.objects.create_user("jonas")
    link = _invite(sign_in("Admin"))

    answer = Client().post(link, {**TYPED, **typed})

    text = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert words in text
    assert 'aria-invalid="true"' in text
    assert TYPED["password"] not in text
    assert Invitation.objects.count() == 1


@pytest.mark.usefixtures("outbox")
def test_who_got_an_account_meanwhile_is_told_to_sign_in(sign_in: SignIn) -> None:
    link = _invite(sign_in("Admin"))
    User.objects.create_user("kimberly", "Kim@community.example")

    answer = Client().post(link, TYPED)

    assert answer.status_code == 409
    assert "already: sign in with it" in answer.content.decode()


@pytest.mark.usefixtures("outbox")
def test_who_is_signed_in_does_not_become_somebody_else(sign_in: SignIn) -> None:
    client = sign_in("Admin")
    link = _invite(client)

    opened, sent = client.get(link), client.post(link, TYPED)

    assert "sign out first" in opened.content.decode()
    assert sent.status_code == 409
    assert not User.objects.filter(username="kim").exists()


@pytest.mark.usefixtures("outbox")
def test_where_the_table_is_away_nobody_joins_and_the_link_stays_good(
    sign_in: SignIn, site: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = _invite(sign_in("Admin"))

    with monkeypatch.context() as away:
        away.setattr(site.audit, "note", _refuse)
        refused = Client().post(link, TYPED)
    nobody = not User.objects.filter(username="kim").exists()

    assert (refused.status_code, nobody) == (503, True)
    assert TYPED["password"] not in refused.content.decode()
    assert Client().post(link, TYPED).status_code == 302


def _refuse(entry: AuditEntry, **_: float) -> None:
    raise StoreUnavailable("The table does not answer.")


def test_where_the_mail_server_is_away_the_link_is_shown_to_be_handed_over(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("crm.web.settings.inviting.get_mailer", lambda: ToldMailer(down=True))
    client = sign_in("Admin")

    page = client.post(INVITE, {"address": "kim@community.example", "role": "Editor"}, follow=True)
    listed = text_of(client.get("/settings/staff/").content)
    monkeypatch.setattr("crm.web.settings.inviting.get_mailer", lambda: FilesMailer(tmp_path))
    client.post(f"/settings/staff/invitations/{Invitation.objects.get().pk}/send/")

    assert "The link was not sent to kim@community.example" in page.content.decode()
    assert _link() in page.content.decode()
    assert "kim@community.example Editor Not mailed" in listed
    assert len(_messages(tmp_path)) == 1
    assert "kim@community.example Editor Not used yet" in text_of(client.get("/settings/staff/").content)


def test_where_mail_is_switched_off_the_page_says_so(sign_in: SignIn, settings: Any) -> None:
    settings.MAIL_LEAVES = False

    page = sign_in("Admin").post(INVITE, {"address": "kim@community.example", "role": "Editor"}, follow=True)

    assert "Mail is switched off here" in page.content.decode()
    assert _link() in page.content.decode()


@pytest.mark.usefixtures("outbox")
def test_a_link_outlives_a_change_of_the_secret_key(sign_in: SignIn, settings: Any) -> None:
    link = _invite(sign_in("Admin"))
    old = settings.SECRET_KEY

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key for tests alone", [old]
    kept = Client().get(link).status_code
    settings.SECRET_KEY_FALLBACKS = []

    assert (kept, Client().get(link).status_code) == (200, 404)
