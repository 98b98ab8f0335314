"""Where uploaded files are kept: the port, and a folder behind it. Django's storage stands behind it in crm/wiring.py."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from crm.domain.errors import NotFound

GONE = "The file is not there any more; files are kept for 30 days. Choose it again."


class Readable(Protocol):
    """What can be read piece by piece: an open file, an upload."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""


class Files(Protocol):
    """Files under names such as `imports/<id>/source`. Nothing is held in memory whole."""

    def open(self, name: str) -> BinaryIO:
        """Return the file, to be read from its beginning; it can be sought in. Raises NotFound."""

    def save(self, name: str, content: Iterable[bytes]) -> None:
        """Write a file of this name from its pieces; no file of this name may be there."""

    def list(self, folder: str) -> list[str]:
        """Return the names of what is in a folder, without it, in order; none where there is no such folder."""

    def delete(self, name: str) -> None:
        """Remove a file, or a folder in which nothing is; it may be gone already."""

    def written_at(self, name: str) -> datetime | None:
        """Return when the file was written; None where there is none."""


class FolderFiles:
    """Files in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, name: str) -> BinaryIO:
        """As in Files."""
        try:
            return cast(BinaryIO, (self._root / name).open("rb"))
        except FileNotFoundError:
            raise NotFound(GONE) from None

    def save(self, name: str, content: Iterable[bytes]) -> None:
        """As in Files."""
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.writelines(content)

    def list(self, folder: str) -> list[str]:
        """As in Files."""
        path = self._root / folder
        return sorted(child.name for child in path.iterdir()) if path.is_dir() else []

    def delete(self, name: str) -> None:
        """As in Files."""
        path = self._root / name
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)

    def written_at(self, name: str) -> datetime | None:
        """As in Files."""
        path = self._root / name
        return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None


class NoFiles:
    """A place that keeps nothing: for work that has to do with no files."""

    def open(self, name: str) -> BinaryIO:
        """Raise NotFound."""
        raise NotFound(GONE)

    def save(self, name: str, content: Iterable[bytes]) -> None:
        """Refuse: what is saved must be found again."""
        raise OSError("there is no place for files here")

    def list(self, folder: str) -> list[str]:
        """Return nothing."""
        return []

    def delete(self, name: str) -> None:
        """Do nothing."""

    def written_at(self, name: str) -> datetime | None:
        """Return None."""
        return None


def remove_folder(files: Files, folder: str, *, last: str = "") -> None:
    """Delete all files of a folder, `last` after the others, and the folder; a repeat goes on."""
    names = files.list(folder)
    for name in sorted(names, key=lambda name: (name == last, name)):
        files.delete(f"{folder}/{name}")
    files.delete(folder)
