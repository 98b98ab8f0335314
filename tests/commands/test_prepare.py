"""What must be there before web and worker start: the table, the staff database, the demo account and its data."""

import io
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from crm import wiring
from crm.management.commands import init_table, prepare
from crm.staff import role_of
from tests.engine import Engine, free_port


@pytest.fixture(autouse=True)
def fresh(settings: Settings, engine: Engine) -> Iterator[Settings]:
    """Settings that name a table which is not there yet."""
    settings.DYNAMODB_ENDPOINT_URL = engine.url
    settings.CRM_TABLE = f"Test{uuid.uuid4().hex}"
    wiring.set_store(None)
    yield settings
    wiring.set_store(None)


def said(command: str, **options: object) -> str:
    """What the command writes."""
    out = io.StringIO()
    call_command(command, stdout=out, **options)
    return out.getvalue()


def test_the_table_is_created_whole_and_a_second_time_left_alone() -> None:
    first = said("init_table")

    second = said("init_table")

    assert "created: table, GSI_ByCompany" in first
    assert "TTL" in first
    assert "is complete" in second
    assert "is complete" in said("init_table", check=True)


def test_an_index_that_is_missing_is_told_and_added() -> None:
    said("init_table")
    table = wiring.open_table()
    table.client.update_table(
        TableName=table.name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "GSI_EmailsByCampaign"}}]
    )

    with pytest.raises(CommandError, match="lacks: GSI_EmailsByCampaign"):
        said("init_table", check=True)

    assert "created: GSI_EmailsByCampaign" in said("init_table")
    assert table.missing() == []


def test_an_engine_that_is_away_is_told_in_a_sentence(fresh: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.DYNAMODB_ENDPOINT_URL = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setattr(init_table, "PATIENCE", 0.1)

    with pytest.raises(CommandError, match=r"No DynamoDB engine answers at http://127.0.0.1:\d+"):
        said("init_table", check=True)


@pytest.mark.django_db
def test_the_demo_account_is_made_once_and_keeps_a_password_of_its_own(fresh: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.DEBUG = True
    monkeypatch.setenv("DEMO_PASSWORD", "first words")
    said("prepare")
    demo = User.objects.get(username="demo")
    assert role_of(demo) == "Admin"
    assert prepare.sign_in_words() == "Sign in as demo with the password first words"
    demo.set_password("my own words")
    demo.save()

    said("prepare")

    assert User.objects.get(username="demo").check_password("my own words")
    assert "first words" not in prepare.sign_in_words()


@pytest.mark.django_db
def test_without_debug_there_is_no_demo_account(fresh: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.DEBUG = False
    monkeypatch.setenv("DEMO_PASSWORD", "first words")

    words = said("prepare")

    assert not User.objects.exists()
    assert "There is no staff account yet: `python manage.py create_staff" in words


@pytest.mark.django_db
def test_sessions_that_are_over_go_and_the_others_stay(fresh: Settings) -> None:
    for key, days in (("over", -1), ("open", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=timezone.now() + timedelta(days=days))

    said("prepare")

    assert [session.session_key for session in Session.objects.all()] == ["open"]


@pytest.mark.django_db
def test_demo_data_are_loaded_once_and_again_only_after_an_interruption(
    fresh: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loads: list[str] = []
    (tmp_path / "var").mkdir()
    fresh.BASE_DIR = tmp_path
    monkeypatch.setattr(prepare, "load_demo", lambda **options: loads.append("load"))

    said("prepare", demo_data=True)
    said("prepare", demo_data=True)
    assert loads == ["load"]
    (tmp_path / "var" / "crm.db.demo").write_text("loading")
    said("prepare", demo_data=True)

    assert loads == ["load", "load"]
