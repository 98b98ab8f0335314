"""Tokens: made on the command line, good for their scopes and their owner's rights, and no longer than both."""

import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from crm import staff
from crm.models import ApiToken

pytestmark = pytest.mark.django_db


@pytest.fixture
def jonas() -> User:
    """An editor."""
    user = User.objects.create_user("jonas")
    staff.set_role(user, "Editor")
    return user


def make(*arguments: str) -> str:
    """The last line of what the command prints."""
    out = io.StringIO()
    call_command("create_api_token", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue().splitlines()[-1]


def test_the_last_line_is_the_token_alone_with_all_scopes_its_owner_may_use(jonas: User) -> None:
    secret = make("jonas")

    use = staff.authenticate_token(secret)
    assert use
    assert secret.split() == [secret]
    assert use.scopes == set(staff.SCOPES) - {"emails:send"}
    assert use.can("crm.edit_people")
    assert not use.can("crm.send_campaigns")
    assert not use.can("crm.export_analytics")
    assert not use.can("crm.manage_staff")


def test_scopes_narrow_what_the_owner_may(jonas: User) -> None:
    use = staff.authenticate_token(make("jonas", "--scopes", "people:read", "events:read"))

    assert use
    assert use.permissions == {"crm.view_people", "crm.view_events"}


def test_scopes_may_stand_in_one_word(jonas: User) -> None:
    use = staff.authenticate_token(make("jonas", "--scopes", "people:read,people:write"))

    assert use
    assert use.scopes == {"people:read", "people:write"}


@pytest.mark.parametrize("arguments", [["nobody"], ["jonas", "--scopes", "people:fly"], ["jonas", "--scopes", ","]])
def test_what_can_not_be_is_said_and_makes_nothing(jonas: User, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match=r"Nobody has|No such scope"):
        make(*arguments)

    assert not ApiToken.objects.exists()


def test_a_token_may_no_more_than_its_owner_may_now(jonas: User) -> None:
    secret = make("jonas", "--scopes", "people:read", "people:write")

    staff.set_role(jonas, "Viewer")

    use = staff.authenticate_token(secret)
    assert use
    assert use.scopes == {"people:read"}
    assert use.permissions == {"crm.view_people"}


def test_a_token_of_a_closed_account_is_worth_nothing(jonas: User) -> None:
    secret = make("jonas")

    User.objects.filter(pk=jonas.pk).update(is_active=False)

    assert staff.authenticate_token(secret) is None


def test_a_token_with_one_character_changed_is_worth_nothing(jonas: User) -> None:
    secret = make("jonas")

    changed = secret[:-1] + ("A" if secret[-1] != "A" else "B")

    assert staff.authenticate_token(changed) is None
    assert staff.authenticate_token("") is None


def test_a_token_ends_when_it_was_meant_to(jonas: User) -> None:
    _, over = staff.create_token(jonas, ["people:read"], "old", expires_at=timezone.now() - timedelta(seconds=1))
    _, good = staff.create_token(jonas, ["people:read"], "new", expires_at=timezone.now() + timedelta(minutes=1))

    assert staff.authenticate_token(over) is None
    assert staff.authenticate_token(good)


def test_only_a_hash_is_kept_and_two_tokens_differ(jonas: User) -> None:
    first, second = make("jonas"), make("jonas")

    kept = str(list(ApiToken.objects.values()))
    assert first != second
    assert len(first) >= 40
    assert first not in kept
    assert ApiToken.objects.filter(prefix=first[:12]).exists()


def test_the_time_of_use_is_written_at_most_once_a_minute(jonas: User, django_assert_num_queries: object) -> None:
    secret = make("jonas")

    staff.authenticate_token(secret)
    first = ApiToken.objects.get().last_used_at
    staff.authenticate_token(secret)
    again = ApiToken.objects.get().last_used_at
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    staff.authenticate_token(secret)
    later = ApiToken.objects.get().last_used_at

    assert first
    assert again == first
    assert later
    assert later >= first


def test_set_up_makes_an_account_once_and_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def create(*arguments: str, typed: str = "") -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        call_command("create_staff", "demo", "--role", "Admin", *arguments, stdout=io.StringIO(), stderr=io.StringIO())

    create("--password-stdin", "--allow-weak", "--keep", typed="demo\n")
    create("--password-stdin", "--allow-weak", "--keep", typed="other\n")

    user = User.objects.get()
    assert user.check_password("demo")
    assert staff.role_of(user) == "Admin"
    with pytest.raises(CommandError, match="too short"):
        create("--password-stdin", typed="demo\n")
    with pytest.raises(CommandError, match="empty"):
        create("--password-stdin", "--allow-weak", typed="")


def test_a_generated_password_is_printed_alone_and_works() -> None:
    out = io.StringIO()

    call_command("create_staff", "anna", "--role", "Door", "--generate", stdout=out, stderr=io.StringIO())

    assert User.objects.get().check_password(out.getvalue().strip())


def test_two_accounts_can_not_share_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create_user("anna", "anna@community.example")

    with pytest.raises(CommandError, match="Another account has the address"):
        call_command("create_staff", "anna2", "--generate", "--email", "Anna@community.example")
    with pytest.raises(CommandError, match="valid email"):
        call_command("create_staff", "anna2", "--generate", "--email", "no address")
