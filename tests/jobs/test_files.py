"""Both places for files keep what the port promises: a folder, and Django's storage."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crm.domain.errors import NotFound
from crm.services.files import Files, FolderFiles, remove_folder
from crm.store.calls import utc_now
from crm.wiring import get_files


@pytest.fixture(params=["folder", "storage"])
def files(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> Files:
    if request.param == "folder":
        return FolderFiles(tmp_path)
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}}
    return get_files()


def test_what_is_saved_in_pieces_is_read_as_a_whole_and_sought_in(files: Files) -> None:
    files.save("imports/a/source", (piece for piece in (b"one,", b"two")))

    with files.open("imports/a/source") as file:
        assert file.read(3) == b"one"
        file.seek(0)
        assert file.read() == b"one,two"
    age = utc_now() - (files.written_at("imports/a/source") or utc_now())
    assert timedelta(seconds=-1) < age < timedelta(minutes=1)


def test_nothing_is_written_over(files: Files) -> None:
    files.save("imports/a/source", [b"first"])

    with pytest.raises(FileExistsError):
        files.save("imports/a/source", [b"second"])

    with files.open("imports/a/source") as file:
        assert file.read() == b"first"
    assert files.list("imports/a") == ["source"]


def test_a_folder_lists_what_is_in_it_and_goes_with_all_of_it(files: Files) -> None:
    for name in ("imports/a/source", "imports/a/part-2", "imports/a/part-1", "imports/b/source"):
        files.save(name, [b"x"])

    remove_folder(files, "imports/a", last="source")

    assert (files.list("imports"), files.list("imports/a"), files.list("imports/b")) == (["b"], [], ["source"])
    remove_folder(files, "imports/a", last="source")
    assert files.written_at("imports/a/source") is None
    with pytest.raises(NotFound, match="30 days"):
        files.open("imports/a/source")
