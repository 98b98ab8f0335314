"""`manage.py export_people`: chosen columns, and what can't be."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from crm.store import Store
from tests.factories import make_person


@pytest.mark.parametrize("words", [["company", "email"], ["company,email"]])
def test_columns_are_written_as_told(site: Store, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    site.people.create(make_person(email="ada@x.example", company="Tech Corp"))

    call_command("export_people", "--columns", *words)

    assert capsys.readouterr().out.splitlines() == ["Company,Email", "Tech Corp,ada@x.example"]


def test_an_unknown_column_is_told_before_anything_is_written(site: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="There is no column “secret”"):
        call_command("export_people", "--columns", "email", "secret")

    assert capsys.readouterr().out == ""


def test_an_export_by_hand_is_noted_too(site: Store, capsys: pytest.CaptureFixture[str]) -> None:
    site.people.create(make_person(created_at=datetime(2026, 5, 4, tzinfo=UTC)))

    call_command("export_people", "--city", "Lund", "--columns", "email")

    (entry,) = site.audit.of_month(f"{timezone.now():%Y-%m}")
    assert (entry.action, entry.actor, dict(entry.facts)) == ("people.exported", "", {"filter": "city", "columns": 1})
