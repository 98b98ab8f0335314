"""Accounts of staff: roles, closing, signing out everywhere, and that somebody who manages staff is always left."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm import accounts, invitations, staff
from crm.domain.audit import AuditEntry
from crm.domain.errors import RuleViolation
from crm.models import ApiToken, Invitation
from crm.store import Store
from crm.wiring import set_store
from tests.web.filled import text_of

SignIn = Callable[[str], Client]
NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def jonas() -> User:
    """An editor with an address."""
    user = User.objects.create_user("jonas", "jonas@community.example", first_name="Jonas Berg")
    staff.set_role(user, "Editor")
    return user


@pytest.fixture
def admin() -> User:
    """Somebody who manages staff."""
    user = User.objects.create_user("astrid")
    staff.set_role(user, "Admin")
    return user


def _browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _is_in(client: Client) -> bool:
    return client.get("/settings/").status_code == 200


def _written(store: Store) -> list[AuditEntry]:
    return list(store.audit.of_month(f"{datetime.now(UTC):%Y-%m}"))


def _away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no entry of the audit log be written."""
    from crm.domain.errors import StoreUnavailable

    def refuse(entry: AuditEntry, **_: float) -> None:
        raise StoreUnavailable("The table does not answer.")

    monkeypatch.setattr(store.audit, "note", refuse)


# --- the list, and one account


def test_the_list_says_who_has_which_role_and_a_second_factor(sign_in: SignIn, jonas: User) -> None:
    Authenticator.objects.create(user=jonas, type=Authenticator.Type.TOTP, data={})
    User.objects.create_user("ended", is_active=False)

    text = text_of(sign_in("Admin").get("/settings/staff/").content)

    assert "Jonas Berg jonas · jonas@community.example Editor never Yes Open" in text
    assert "ended ended none never No Closed" in text


def test_the_list_asks_the_database_no_more_for_more_people(sign_in: SignIn, jonas: User) -> None:
    client = sign_in("Admin")

    with CaptureQueriesContext(connection) as few:
        client.get("/settings/staff/")
    for number in range(12):
        staff.set_role(User.objects.create_user(f"one-{number}"), "Viewer")
    with CaptureQueriesContext(connection) as many:
        client.get("/settings/staff/")

    assert len(many) <= len(few)


def test_a_word_of_a_name_or_an_address_finds_the_account(sign_in: SignIn, jonas: User) -> None:
    client = sign_in("Admin")

    pages = [text_of(client.get("/settings/staff/", {"q": q}).content) for q in ("berg JON", "jonas@", "berg\x00", "berg kim")]

    assert ["jonas@community.example" in page for page in pages] == [True, True, True, False]
    assert "No account found" in pages[3]


def test_a_role_finds_those_who_have_it_and_no_others(sign_in: SignIn, jonas: User) -> None:
    User.objects.create_superuser("root")
    client = sign_in("Admin")

    editors, admins = (text_of(client.get("/settings/staff/", {"role": role}).content) for role in ("Editor", "Admin"))

    assert "Admin · Sign out" in editors
    assert ("jonas@community" in editors, "root" in editors) == (True, False)
    assert ("jonas@community" in admins, "root" in admins) == (False, True)


def test_fifty_accounts_are_a_page_and_lead_on_and_back(sign_in: SignIn) -> None:
    client = sign_in("Admin")
    User.objects.bulk_create(User(username=f"zoe-{number:03}") for number in range(120))

    first = client.get("/settings/staff/?q=zoe").content.decode()
    second = client.get("/settings/staff/" + _link(first, "next")).content.decode()
    third = client.get("/settings/staff/" + _link(second, "next")).content.decode()
    back = client.get("/settings/staff/" + _link(third, "prev")).content.decode()
    beyond = client.get("/settings/staff/?q=zoe&nextToken=9000&at=9001").content.decode()

    assert [_shown(page) for page in (first, second, third, back, beyond)] == [
        ("1–50 of 120", "zoe-000", "zoe-049"),
        ("51–100 of 120", "zoe-050", "zoe-099"),
        ("101–120 of 120", "zoe-100", "zoe-119"),
        ("51–100 of 120", "zoe-050", "zoe-099"),
        ("101–120 of 120", "zoe-100", "zoe-119"),
    ]


def _link(page: str, rel: str) -> str:
    [found] = re.findall(rf'rel="{rel}" href="([^"]+)"', page)
    return html.unescape(found)


def _shown(page: str) -> tuple[str, str, str]:
    """What the pager says, the first and the last account of a page."""
    names = re.findall(r">(zoe-\d{3})</a>", page)
    [pager] = re.findall(r'<span class="note">(\d[^<]*)</span>', page)
    return pager, names[0], names[-1]


def test_htmx_gets_the_accounts_alone(sign_in: SignIn) -> None:
    part = sign_in("Admin").get("/settings/staff/?q=x", headers={"HX-Request": "true", "HX-Target": "accounts"}).content.decode()

    assert part.lstrip().startswith('<div id="accounts"')


def test_what_an_account_page_offers_leads_somewhere(sign_in: SignIn, jonas: User) -> None:
    client = sign_in("Admin")

    pages = [
        client.get(f"/settings/staff/{jonas.pk}/{name}") for name in ("", "close/", "reopen/", "sign-out/", "second-factor/")
    ]

    assert [page.status_code for page in pages] == [200] * 5
    assert "Close the account of Jonas Berg?" in pages[1].content.decode()


def test_an_account_and_what_the_log_says_of_it_lead_to_each_other(sign_in: SignIn, jonas: User) -> None:
    client = sign_in("Admin")
    client.post(f"/settings/staff/{jonas.pk}/sign-out/")

    shown = client.get(f"/settings/staff/{jonas.pk}/").content.decode()
    log = client.get(f"/settings/audit/?object=staff%3A{jonas.pk}").content.decode()

    assert f'href="/settings/audit/?object=staff%3A{jonas.pk}"' in shown
    assert f'href="/settings/staff/{jonas.pk}/"' in log


# --- roles


def test_a_new_role_holds_from_the_next_request_on_and_is_noted(sign_in: SignIn, site: Store, jonas: User) -> None:
    theirs, client = _browser(jonas), sign_in("Admin")
    before = theirs.get("/settings/suppression/").status_code

    answer = client.post(f"/settings/staff/{jonas.pk}/role/", {"role": "Marketer"})

    assert answer.headers["Location"] == f"/settings/staff/{jonas.pk}/"
    assert staff.role_of(User.objects.get(pk=jonas.pk)) == "Marketer"
    assert (before, theirs.get("/settings/suppression/").status_code) == (403, 200)
    assert [(one.action, one.subject, one.facts) for one in _written(site)] == [
        ("staff.role_changed", f"staff:{jonas.pk}", {"from": "Editor", "to": "Marketer"})
    ]


def test_the_same_role_again_is_no_change(sign_in: SignIn, site: Store, jonas: User) -> None:
    sign_in("Admin").post(f"/settings/staff/{jonas.pk}/role/", {"role": "Editor"})

    assert _written(site) == []


@pytest.mark.parametrize("role", ["", "Emperor"])
def test_an_unknown_role_is_refused_beside_the_field(sign_in: SignIn, jonas: User, role: str) -> None:
    answer = sign_in("Admin").post(f"/settings/staff/{jonas.pk}/role/", {"role": role})

    assert answer.status_code == 422
    assert "Choose" in answer.content.decode()
    assert staff.role_of(User.objects.get(pk=jonas.pk)) == "Editor"


def test_who_could_do_everything_without_a_role_can_no_more(site: Store, admin: User) -> None:
    root = User.objects.create_superuser("root")

    accounts.change_role(site, root.pk, "Viewer", actor=admin, now=NOW)

    assert not User.objects.get(pk=root.pk).has_perm("crm.edit_people")
    assert staff.role_of(User.objects.get(pk=root.pk)) == "Viewer"


# --- somebody who manages staff is left


def test_nobody_locks_themselves_out(site: Store, admin: User) -> None:
    other = User.objects.create_user("birgit")
    staff.set_role(other, "Admin")
    client = _browser(admin)

    answers = [
        client.post(f"/settings/staff/{admin.pk}/role/", {"role": "Viewer"}),
        client.post(f"/settings/staff/{admin.pk}/close/"),
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert all("by another administrator" in answer.content.decode() for answer in answers)
    assert staff.role_of(User.objects.get(pk=admin.pk)) == "Admin"
    assert User.objects.get(pk=admin.pk).is_active
    assert _written(site) == []


def test_of_two_who_take_each_others_role_the_second_has_no_right_any_more(site: Store, admin: User) -> None:
    other = User.objects.create_user("birgit")
    staff.set_role(other, "Admin")
    assert other.has_perm("crm.manage_staff")  # as the request of the second saw it when it began

    accounts.change_role(site, other.pk, "Viewer", actor=admin, now=NOW)
    with pytest.raises(RuleViolation, match="took the right to manage staff from you"):
        accounts.change_role(site, admin.pk, "Viewer", actor=other, now=NOW)

    assert staff.role_of(User.objects.get(pk=admin.pk)) == "Admin"


def test_the_only_one_who_may_sign_in_and_manages_staff_stays_so(site: Store, admin: User) -> None:
    closed = User.objects.create_user("birgit", is_active=False)
    staff.set_role(closed, "Admin")

    with pytest.raises(RuleViolation, match="Nobody else manages staff"), accounts.one_at_a_time():
        accounts.keep_an_administrator(admin, "Viewer")
    with pytest.raises(CommandError, match="Nobody else manages staff"):
        call_command("create_staff", "astrid", "--role", "Door", "--generate")

    assert staff.role_of(User.objects.get(pk=admin.pk)) == "Admin"


# --- closing


def _invited(client: Client, address: str) -> str:
    client.post("/settings/staff/invite/", {"address": address, "role": "Viewer"})
    return invitations.url_of(Invitation.objects.get(address=address)).removeprefix(django_settings.PUBLIC_URL)


@pytest.mark.parametrize("change", ["close", "role"])
def test_links_that_an_administrator_knows_open_nothing_once_they_are_none(site: Store, admin: User, change: str) -> None:
    other = User.objects.create_user("birgit")
    staff.set_role(other, "Admin")
    theirs, own = _invited(_browser(other), "kim@community.example"), _invited(_browser(admin), "eva@community.example")
    client = _browser(admin)
    question = client.get(f"/settings/staff/{other.pk}/").content.decode()

    client.post(f"/settings/staff/{other.pk}/{change}/", {"role": "Viewer"})

    stranger, left = Client(), Invitation.objects.get()
    anew = invitations.url_of(left).removeprefix(django_settings.PUBLIC_URL)
    assert [stranger.get(link).status_code for link in (theirs, own, anew)] == [404, 404, 200]
    assert (left.address, left.sent_at) == ("eva@community.example", None)
    assert _written(site)[0].facts == {**_written(site)[0].facts, "invitationsWithdrawn": 1, "invitationsRenewed": 1}
    assert "invitations they sent that nobody used yet are withdrawn" in question


def test_a_closed_account_is_out_everywhere_and_its_tokens_open_nothing(sign_in: SignIn, site: Store, jonas: User) -> None:
    theirs, (_, secret) = _browser(jonas), staff.create_token(jonas, ["people:read"], "Website")

    sign_in("Admin").post(f"/settings/staff/{jonas.pk}/close/")

    assert not _is_in(theirs)
    assert staff.authenticate_token(secret) is None
    assert [(one.action, one.subject) for one in _written(site)] == [("staff.closed", f"staff:{jonas.pk}")]


def test_opening_it_again_lets_no_old_browser_in(sign_in: SignIn, site: Store, jonas: User) -> None:
    theirs, client = _browser(jonas), sign_in("Admin")
    _, secret = staff.create_token(jonas, ["people:read"], "Website")
    client.post(f"/settings/staff/{jonas.pk}/close/")
    while_closed = _browser(jonas)

    client.post(f"/settings/staff/{jonas.pk}/reopen/")

    assert (_is_in(theirs), _is_in(while_closed)) == (False, False)
    assert _is_in(_browser(User.objects.get(pk=jonas.pk)))
    assert staff.authenticate_token(secret)
    assert [one.action for one in _written(site)] == ["staff.reopened", "staff.closed"]


def test_where_the_log_cant_be_written_nothing_is_changed(
    sign_in: SignIn, site: Store, jonas: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, client = _browser(jonas), sign_in("Admin")
    _away(site, monkeypatch)
    address = f"/settings/staff/{jonas.pk}"

    answers = [
        client.post(f"{address}/close/"),
        client.post(f"{address}/sign-out/"),
        client.post(f"{address}/role/", {"role": "Admin"}),
        client.post("/settings/staff/invite/", {"address": "kim@community.example", "role": "Admin"}),
        client.post("/settings/tokens/", {"name": "Website", "scopes": ["people:read"], "days": "30"}),
    ]

    assert [answer.status_code for answer in answers] == [503] * 5
    assert _is_in(theirs)
    assert staff.role_of(User.objects.get(pk=jonas.pk)) == "Editor"
    assert not ApiToken.objects.exists()


# --- signing out everywhere, and second factors


def test_signing_out_everywhere_ends_every_session_of_that_account_alone(sign_in: SignIn, site: Store, jonas: User) -> None:
    first, second, client = _browser(jonas), _browser(jonas), sign_in("Admin")

    client.post(f"/settings/staff/{jonas.pk}/sign-out/")

    assert (_is_in(first), _is_in(second), _is_in(client)) == (False, False, True)
    assert Session.objects.count() == 1
    assert not UserSession.objects.filter(user=jonas).exists()
    assert [(one.action, one.facts) for one in _written(site)] == [("staff.sessions_ended", {"sessions": 2})]


def test_sessions_that_are_over_are_not_looked_into(admin: User, jonas: User, site: Store) -> None:
    _browser(jonas)
    Session.objects.update(expire_date=datetime(2020, 1, 1, tzinfo=UTC))

    _, ended = accounts.sign_out(site, jonas.pk, actor=admin, now=NOW)

    assert ended == 0


def test_of_ones_own_sessions_the_one_at_hand_stays(admin: User, site: Store) -> None:
    here, there = _browser(admin), _browser(admin)

    here.post(f"/settings/staff/{admin.pk}/sign-out/")

    assert (_is_in(here), _is_in(there)) == (True, False)


def test_a_lost_second_factor_is_taken_away(sign_in: SignIn, site: Store, jonas: User) -> None:
    Authenticator.objects.create(user=jonas, type=Authenticator.Type.TOTP, data={})
    client = sign_in("Admin")

    client.post(f"/settings/staff/{jonas.pk}/second-factor/")
    client.post(f"/settings/staff/{jonas.pk}/second-factor/")

    assert not Authenticator.objects.filter(user=jonas).exists()
    assert [(one.action, one.subject) for one in _written(site)] == [("staff.second_factor_reset", f"staff:{jonas.pk}")]


# --- the command line


@pytest.mark.usefixtures("jonas")
def test_the_command_writes_who_came_and_who_changed(site: Store, admin: User) -> None:
    call_command("create_staff", "kim", "--role", "Door", "--generate")
    call_command("create_staff", "jonas", "--role", "Viewer", "--generate")

    actions = [(one.action, one.facts) for one in reversed(_written(site))]

    assert actions[0] == ("staff.added", {"role": "Door"})
    assert sorted(action for action, _ in actions[1:]) == ["staff.password_changed", "staff.role_changed"]


def test_the_command_helps_the_only_administrator_who_lost_the_second_factor(site: Store, admin: User) -> None:
    Authenticator.objects.create(user=admin, type=Authenticator.Type.TOTP, data={})

    call_command("create_staff", "astrid", "--role", "Admin", "--generate")
    before = Authenticator.objects.count()
    call_command("create_staff", "astrid", "--role", "Admin", "--generate", "--reset-second-factor")

    assert (before, Authenticator.objects.count()) == (1, 0)
    assert "staff.second_factor_reset" in [one.action for one in _written(site)]


def test_the_command_keeps_the_role_where_none_is_given(
    site: Store, admin: User, jonas: User, capsys: pytest.CaptureFixture[str]
) -> None:
    staff.set_role(jonas, "Admin")
    Invitation.objects.create(address="kim@community.example", role="Viewer", invited_by="jonas", expires_at=datetime.now(UTC))

    call_command("create_staff", "jonas", "--generate", "--email", "jonas@new.example")
    call_command("create_staff", "new", "--generate")

    assert [staff.role_of(User.objects.get(username=name)) for name in ("jonas", "new")] == ["Admin", "Viewer"]
    assert "jonas may sign in as Admin." in capsys.readouterr().err
    assert Invitation.objects.exists()
    assert "staff.role_changed" not in [one.action for one in _written(site)]


def test_the_command_makes_no_account_whose_name_differs_in_case_alone(admin: User) -> None:
    with pytest.raises(CommandError, match="There is the account astrid already"):
        call_command("create_staff", "Astrid", "--role", "Viewer", "--generate")
    call_command("create_staff", "ASTRID", "--generate", "--keep")

    assert [user.username for user in User.objects.all()] == ["astrid"]


def test_an_account_can_be_made_before_there_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    set_store(None)

    call_command("create_staff", "kim", "--role", "Admin", "--generate")

    assert User.objects.filter(username="kim").exists()
    assert "not in the audit log" in capsys.readouterr().err
