"""API tokens in the settings: the secret is shown once, what they open ends with them, and both are noted."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from crm import staff
from crm.models import ApiToken
from crm.store import Store
from tests.web.filled import filled, text_of

pytestmark = pytest.mark.django_db
PAGE = "/settings/tokens/"
TYPED = {"name": "Website", "scopes": ["people:read", "emails:send"], "days": "30"}


@pytest.fixture
def ingrid() -> User:
    """A marketer."""
    user = User.objects.create_user("ingrid")
    staff.set_role(user, "Marketer")
    return user


@pytest.fixture
def client(site: Store, ingrid: User) -> Client:
    browser = Client()
    browser.force_login(ingrid)
    return browser


def _written(store: Store) -> list[tuple[str, str, str]]:
    return [(one.action, one.subject, one.actor) for one in store.audit.of_month(f"{datetime.now(UTC):%Y-%m}")]


def test_a_token_is_made_and_its_secret_shown_once(client: Client, ingrid: User, site: Store) -> None:
    response = client.post(PAGE, TYPED)

    shown = re.search(r'<code class="secret">(crm_\S+)</code>', response.content.decode())
    assert shown
    use = staff.authenticate_token(shown[1])
    assert use
    assert use.owner == ingrid
    assert use.scopes == {"people:read", "emails:send"}
    assert "no-store" in response.headers["Cache-Control"]
    assert shown[1] not in client.get(PAGE).content.decode()
    assert not ApiToken.objects.filter(digest=shown[1]).exists()
    assert _written(site) == [("token.created", f"token:{use.token_id}", "ingrid")]


def test_the_same_form_sent_twice_makes_one_token(client: Client) -> None:
    form = filled(client.get(PAGE).content.decode(), name="Website", scopes=["people:read"])

    first, second = client.post(PAGE, form), client.post(PAGE, form)

    assert (first.status_code, second.status_code) == (200, 409)
    assert "has made its token already" in second.content.decode()
    assert 'class="secret"' not in second.content.decode()
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"scopes": []}, "Choose at least one."),
        ({"scopes": ["people:fly"]}, "Select a valid choice"),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"days": "7"}, "Select a valid choice"),
    ],
)
def test_what_cant_be_is_refused_beside_the_field(client: Client, typed: dict[str, object], words: str) -> None:
    response = client.post(PAGE, {**TYPED, **typed})

    assert response.status_code == 422
    assert words in response.content.decode()
    assert not ApiToken.objects.exists()


def test_revoking_asks_once_and_a_revoked_token_opens_nothing_any_more(client: Client, ingrid: User, site: Store) -> None:
    token, secret = staff.create_token(ingrid, ["people:read"], "Website")

    asked = client.get(f"{PAGE}{token.pk}/revoke/")
    good = staff.authenticate_token(secret)
    response = client.post(f"{PAGE}{token.pk}/revoke/", follow=True)
    client.post(f"{PAGE}{token.pk}/revoke/")

    assert "Revoke Website?" in asked.content.decode()
    assert good
    assert "Website opens nothing any more." in response.content.decode()
    assert staff.authenticate_token(secret) is None
    assert _written(site) == [("token.revoked", f"token:{token.pk}", "ingrid")]


def test_nobody_but_who_manages_staff_sees_or_ends_a_token_of_others(client: Client) -> None:
    other = User.objects.create_user("jonas")
    token, secret = staff.create_token(other, ["people:read"], "Of Jonas")

    listed, refused = client.get(PAGE), client.post(f"{PAGE}{token.pk}/revoke/")

    assert "Of Jonas" not in listed.content.decode()
    assert refused.status_code == 404
    staff.set_role(User.objects.get(username="ingrid"), "Admin")
    assert "Of Jonas" in client.get(PAGE).content.decode()
    client.post(f"{PAGE}{token.pk}/revoke/")
    assert staff.authenticate_token(secret) is None


def test_the_list_says_when_a_token_was_used_last_and_that_its_time_is_over(client: Client, ingrid: User) -> None:
    _, secret = staff.create_token(ingrid, ["people:read"], "Busy")
    staff.create_token(ingrid, ["people:read"], "Old", expires_at=datetime(2026, 1, 2, tzinfo=UTC))

    staff.authenticate_token(secret)

    text = text_of(client.get(PAGE).content)
    assert re.search(r"Busy crm_\S+ of ingrid, made just now people:read just now it is revoked Revoke …", text)
    assert re.search(r"Old crm_\S+ of ingrid, made just now people:read never 2 January 2026, 00:00 UTC Expired", text)


def test_a_command_that_makes_a_token_is_noted(site: Store, ingrid: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_api_token", "ingrid", "--scopes", "people:read")

    assert _written(site) == [("token.created", f"token:{ApiToken.objects.get().pk}", "")]


def test_somebody_without_the_right_gets_no_token(sign_in: Callable[[str], Client]) -> None:
    assert sign_in("Viewer").post(PAGE, TYPED).status_code == 403
