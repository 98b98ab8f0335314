"""Commands in the name of a member of staff: what docs/permissions.md says is what happens, and the audit log names them."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.utils import timezone

from crm.domain.filters import PeopleFilter
from crm.services import segments
from crm.staff import ROLES, set_role
from crm.store import Store
from tests.factories import make_person
from tests.permissions import rows

COMMANDS = rows("command")
IN_A_NAME = [row for row in COMMANDS if row.cells[1] != "–"]


@pytest.fixture(autouse=True)
def _storage(settings: Any, tmp_path: Path) -> None:
    """Uploads of a test stay with the test."""
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}}


def member(role: str) -> str:
    """The user name of somebody with that role; empty gives none."""
    user = User.objects.create_user("ingrid")
    if role:
        set_role(user, role)
    return user.username


def arguments(command: str, folder: Path) -> list[str]:
    """What the command needs besides a name."""
    file = folder / "people.csv"
    file.write_text("name,email\nAda King,ada@x.example\n")
    return {"import_people": [str(file)], "export_people": ["--columns", "email"]}[command]


def audited(store: Store) -> list[tuple[str, str]]:
    return [(entry.action, entry.actor) for entry in store.audit.of_month(f"{timezone.now():%Y-%m}")]


def test_every_command_stands_in_the_table() -> None:
    ours = {name for name, place in get_commands().items() if place == "crm"}
    written = {row.name for row in COMMANDS}

    assert not ours - written, f"docs/permissions.md lacks the commands {sorted(ours - written)}"
    assert not written - ours, f"docs/permissions.md has commands that are no longer there: {sorted(written - ours)}"


def test_the_commands_that_take_a_name_are_those_of_the_table() -> None:
    taking = {
        row.name
        for row in COMMANDS
        if "--as" in load_command_class("crm", row.name).create_parser("manage.py", row.name)._option_string_actions
    }

    assert taking == {row.name for row in IN_A_NAME}


@pytest.mark.django_db
@pytest.mark.parametrize("role", [*ROLES, ""])
@pytest.mark.parametrize("row", IN_A_NAME, ids=lambda row: row.name)
def test_a_command_does_what_the_member_may_and_the_audit_log_names_them(
    site: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], row: Any, role: str
) -> None:
    name = member(role)

    if role in row.roles:
        call_command(row.name, *arguments(row.name, tmp_path), "--as", name)

        assert {actor for _, actor in audited(site)} == {name}
    else:
        with pytest.raises(CommandError, match=f"in the name of {name}: .* may not .* may\\."):
            call_command(row.name, *arguments(row.name, tmp_path), "--as", name)

        assert audited(site) == []
        assert site.people.totals().total == 0
        assert capsys.readouterr().out == ""


@pytest.mark.django_db
@pytest.mark.parametrize("row", IN_A_NAME, ids=lambda row: row.name)
def test_without_a_name_the_command_line_acts(site: Store, tmp_path: Path, row: Any) -> None:
    call_command(row.name, *arguments(row.name, tmp_path))

    assert {actor for _, actor in audited(site)} == {""}


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "words"), [("nobody", "Nobody has the user name"), ("", "Nobody has"), ("gone", "is closed")])
def test_a_name_that_nobody_has_or_whose_account_is_closed_does_nothing(
    site: Store, tmp_path: Path, name: str, words: str
) -> None:
    set_role(User.objects.create_user("gone", is_active=False), "Admin")

    with pytest.raises(CommandError, match=words):
        call_command("import_people", *arguments("import_people", tmp_path), "--as", name)

    assert site.people.totals().total == 0


@pytest.mark.django_db
def test_an_import_in_a_name_is_shown_as_that_members(site: Store, tmp_path: Path) -> None:
    name = member("Marketer")

    call_command("import_people", *arguments("import_people", tmp_path), "--as", name)

    assert [one.owner for one in site.imports.recent()] == [name]


@pytest.mark.django_db
def test_a_file_in_a_name_does_not_look_into_somebody_elses_segment(site: Store, capsys: pytest.CaptureFixture[str]) -> None:
    site.people.create(make_person(company="Acme"))
    hers = segments.save(site, "Hers", PeopleFilter(company=("Acme",)), owner="grace", now=timezone.now())
    name = member("Editor")

    with pytest.raises(CommandError, match="There is no such segment"):
        call_command("export_people", "--within", f"segment:{hers.id}", "--as", name)

    assert capsys.readouterr().out == ""
