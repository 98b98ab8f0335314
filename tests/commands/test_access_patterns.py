"""The page about the table says what the code does."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from crm.store.schema import ENTITIES, INDEXES


def test_the_page_in_the_repository_is_up_to_date() -> None:
    call_command("access_patterns", "--check")


def test_the_page_names_every_item_and_every_index(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    settings.BASE_DIR = tmp_path

    call_command("access_patterns")

    page = (tmp_path / "docs" / "access-patterns.md").read_text()
    assert [entity.name for entity in ENTITIES if f"\n| {entity.name} |" not in page] == []
    assert [index.name for index in INDEXES if f"\n### {index.name}\n" not in page] == []


def test_a_page_that_is_out_of_date_is_told(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "access-patterns.md").write_text("# Long ago")
    settings.BASE_DIR = tmp_path

    with pytest.raises(CommandError, match="out of date"):
        call_command("access_patterns", "--check")
