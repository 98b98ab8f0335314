"""A back-up is made while the site is at work, and what is restored from it adds up."""

import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from crm.domain.campaigns import CampaignStatus
from crm.domain.filters import Order, PeopleFilter
from crm.domain.people import Person
from crm.management.commands import backup
from crm.services.verify import repair
from crm.store import Store, schema
from crm.store.calls import utc_now
from crm.store.table import Table
from tests.conftest import open_client, store_over
from tests.engine import Engine
from tests.factories import make_person
from tests.jobs.mailing import accepted, assert_sound, crowd


def opened(engine: Engine) -> Store:
    """The store in that engine, with its table."""
    table = Table(open_client(engine.url), "CommunityApp")
    table.create_missing()
    return store_over(table)


def by_name(store: Store) -> list[Person]:
    """Everybody, as the index by name has them."""
    return list(store.people.page(PeopleFilter(), order=Order.NAME, limit=200).items)


@pytest.mark.django_db
def test_a_copy_that_is_made_while_people_come_in_can_be_restored_and_adds_up(tmp_path: Path, settings: LazySettings) -> None:
    settings.CRM_FILES = tmp_path / "files"
    settings.CRM_FILES.mkdir()
    (settings.CRM_FILES / "upload.csv").write_text("firstName\n")
    with Engine(tmp_path / "crm.db") as engine:
        store = opened(engine)
        known = {person.id for person in crowd(store, 60)}
        done = threading.Event()
        coming = threading.Thread(target=lambda: [crowd(store, 5) for _ in iter(done.is_set, True)])
        coming.start()

        call_command("backup", str(tmp_path / "copy"), file=tmp_path / "crm.db")

        done.set()
        coming.join()
        crowd(store, 20)
    assert (tmp_path / "copy" / "files" / "upload.csv").exists()
    shutil.copy(tmp_path / "copy" / "crm.db", tmp_path / "restored.db")
    with Engine(tmp_path / "restored.db") as engine:
        restored = opened(engine)
        assert known <= {item["id"] for item in restored.table.scan() if item.get("entityType") == "user"}
        assert restored.people.count(PeopleFilter()) >= 60
        assert_sound(restored)


def test_a_back_up_overwrites_nothing_and_says_where_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "crm.db").touch()

    with pytest.raises(CommandError, match="never overwrites"):
        call_command("backup", str(tmp_path / "copy"), file=tmp_path / "crm.db")
    with pytest.raises(CommandError, match="nothing of a local engine to copy"):
        call_command("backup", str(tmp_path / "new"), file=tmp_path / "gone.db")

    assert not (tmp_path / "new").exists()


def test_where_the_table_is_elsewhere_accounts_and_uploads_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    accounts = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "staff.sqlite3"}}
    elsewhere = SimpleNamespace(DYNAMODB_ENDPOINT_URL="", DATABASES=accounts, CRM_FILES=tmp_path / "files")
    monkeypatch.setattr(backup, "settings", elsewhere)
    (tmp_path / "staff.sqlite3").touch()

    call_command("backup", str(tmp_path / "copy"))

    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["staff.sqlite3"]
    assert "The table is elsewhere: back it up there." in capsys.readouterr().out


def test_where_the_accounts_are_elsewhere_that_is_said_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    accounts = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "crm"}}
    elsewhere = SimpleNamespace(DYNAMODB_ENDPOINT_URL="", DATABASES=accounts, CRM_FILES=tmp_path / "files")
    monkeypatch.setattr(backup, "settings", elsewhere)

    call_command("backup", str(tmp_path / "copy"))

    assert "The accounts of staff are elsewhere, with their tokens and sessions: back them up there." in capsys.readouterr().out


def test_what_cannot_be_copied_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "crm.db").write_bytes(b"no database" * 100)

    with pytest.raises(CommandError, match="nothing is left of it"):
        call_command("backup", str(tmp_path / "copy"), file=tmp_path / "crm.db")

    assert [path.name for path in tmp_path.iterdir()] == ["crm.db"]


def test_whatever_waits_or_runs_stands_still_before_a_worker_meets_a_restored_table(site: Store, capsys: Any) -> None:
    crowd(site, 2)
    now = accepted(site, utc_now())
    paused = accepted(site, utc_now())

    call_command("pause_campaigns")
    call_command("pause_campaigns")

    assert {site.campaigns.state(one.id).status for one in (now, paused)} == {CampaignStatus.PAUSED}
    assert capsys.readouterr().out.splitlines()[2:] == [
        "2 paused. Resume or cancel each under Campaigns.",
        "0 paused. Resume or cancel each under Campaigns.",
    ]


def test_an_index_that_a_new_version_adds_to_a_full_table_is_filled_by_repair(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(dynamodb, "Upgraded")
    with monkeypatch.context() as older:
        older.setattr(schema, "INDEXES", tuple(index for index in schema.INDEXES if index.name != "GSI_ByName"))
        table.create_missing()
        people = crowd(store_over(table), 120)
    store = store_over(table)

    assert table.create_missing() == ["GSI_ByName"]
    newcomer = store.people.create(make_person())
    assert [person.id for person in by_name(store)] == [newcomer.id], "who was there before is not in it yet"
    repair(store)

    assert {person.id for person in by_name(store)} == {newcomer.id, *(person.id for person in people)}
    assert_sound(store)
    dynamodb.delete_table(TableName=table.name)
