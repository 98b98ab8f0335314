"""Mail as files: one `.eml` per message in a folder, and how to read them back."""

import heapq
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from itertools import count
from pathlib import Path
from time import monotonic

from crm.domain.errors import DeliveryFailed, NotFound
from crm.mail.port import Accepted, OutgoingMessage

NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


class FilesMailer:
    """Writes each message to `folder` as `<email id>.eml`; a second one of the same id stands beside it as `<email id>-2.eml`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: OutgoingMessage, *, deadline: float) -> Accepted:
        """Write the message: it is there whole or not at all, also after a crash. DeliveryFailed when it can't be written."""
        until = monotonic() + deadline
        if not NAME.fullmatch(message.email_id):
            raise ValueError("an e-mail id has letters, digits, - and _ only")
        try:
            return Accepted(self._write(message, until))
        except OSError as error:
            text = f"The outbox folder can't be written: {error.strerror or 'error'}."
            raise DeliveryFailed(text, permanent=False, whole_provider=True) from error

    def close(self) -> None:
        """Nothing is open."""

    def _write(self, message: OutgoingMessage, until: float) -> str:
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(message.data)
                file.flush()
                os.fsync(file.fileno())
            if monotonic() > until:
                raise DeliveryFailed("Writing to the outbox folder took too long.", permanent=False)
            return self._publish(Path(temporary), message.email_id)
        finally:
            os.unlink(temporary)

    def _publish(self, temporary: Path, email_id: str) -> str:
        """Give the file its name: a hard link fails where the name is taken, so nothing is ever overwritten."""
        for name in _names(email_id):
            try:
                os.link(temporary, self.folder / name)
            except FileExistsError:
                continue
            return name
        raise AssertionError("unreachable: names never end")


def _names(email_id: str) -> Iterator[str]:
    yield f"{email_id}.eml"
    yield from (f"{email_id}-{number}.eml" for number in count(2))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """One written message as a line of a list. `date` is when it was written, aware UTC; `size` in bytes."""

    name: str
    to: str
    subject: str
    date: datetime
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """One written message, read: its headers in order, both bodies, and the file as it is."""

    entry: OutboxEntry
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    raw: bytes


class Outbox:
    """Reads the folder that a FilesMailer writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def count(self) -> int:
        """Return how many messages there are."""
        return len(self._files())

    def newest(self, limit: int = 50) -> list[OutboxEntry]:
        """Return the last written messages, newest first."""
        newest = heapq.nlargest(limit, self._files().items(), key=lambda item: (item[1].st_mtime_ns, item[0]))
        return [_entry(name, stat, _parsed(self.folder / name)) for name, stat in newest]

    def read(self, name: str) -> OutboxMessage:
        """Return one message by its file name; NotFound when there is none."""
        path = self.folder / name
        if not re.fullmatch(rf"{NAME.pattern}\.eml", name) or not path.is_file():
            raise NotFound("There is no such message in the outbox.")
        raw = path.read_bytes()
        message = _parsed_bytes(raw)
        return OutboxMessage(
            entry=_entry(name, path.stat(), message),
            headers=tuple((key, str(value)) for key, value in message.items()),
            text=_body(message, "plain"),
            html=_body(message, "html"),
            raw=raw,
        )

    def _files(self) -> Mapping[str, os.stat_result]:
        if not self.folder.is_dir():
            return {}
        with os.scandir(self.folder) as entries:
            return {entry.name: entry.stat() for entry in entries if entry.name.endswith(".eml") and entry.name[0] != "."}


def _parsed(path: Path) -> EmailMessage:
    return _parsed_bytes(path.read_bytes())


def _parsed_bytes(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=modern)


def _entry(name: str, stat: os.stat_result, message: EmailMessage) -> OutboxEntry:
    return OutboxEntry(
        name=name,
        to=str(message.get("To", "")),
        subject=str(message.get("Subject", "")),
        date=datetime.fromtimestamp(stat.st_mtime, UTC),
        size=stat.st_size,
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part else ""
