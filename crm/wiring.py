"""Puts the parts together from Django's settings: the only place that knows all of them."""

import hashlib
import tempfile
import threading
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from crm.domain.errors import NotFound
from crm.domain.links import Links
from crm.jobs.work import SendSettings
from crm.mail import open_mailer
from crm.mail.port import Mailer
from crm.services.files import GONE, Files
from crm.store import Store
from crm.store.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONNECTIONS = 32
PATIENCE, READ_TIMEOUT = 8.0, 3.0
"""Seconds: a request is sent three times before a page gives up, after 9 of them, 11 at the most."""
HURRIED = 0.5
"""Seconds that a request which others wait for waits for its answer."""


def open_table(*, patience: float = PATIENCE) -> Table:
    """Return the table over new boto3 clients: 51 ms, so once per process, after the fork.

    boto3's own repeats are off, because only our own keep the request token; so is its look through each request, which takes a
    quarter of the time of a write and finds what the types and the engine find.
    """
    client, hurried = _open_client(2, READ_TIMEOUT), _open_client(HURRIED, HURRIED)
    return Table(client, settings.CRM_TABLE, patience=patience, hurried=hurried)


def _open_client(connect_timeout: float, read_timeout: float) -> "DynamoDBClient":
    return boto3.client(
        "dynamodb",
        region_name=settings.AWS_REGION,
        endpoint_url=settings.DYNAMODB_ENDPOINT_URL or None,
        config=Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            parameter_validation=False,
            max_pool_connections=CONNECTIONS,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            tcp_keepalive=True,
        ),
    )


@cache
def get_links() -> Links:
    """Return the signer of links in e-mails."""
    return Links(settings.LINK_KEYS, settings.PUBLIC_URL)


def open_store(*, patience: float = PATIENCE) -> Store:
    """Return the repositories over a table of their own."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    page_key, *old = [hashlib.sha256(b"page tokens" + secret.encode()).digest() for secret in secrets]
    table, hashes = open_table(patience=patience), get_links().suppression_hashes
    return Store(table, hashes=hashes, page_key=page_key, old_page_keys=old)


_store: Store | None = None
_lock = threading.Lock()


def get_store() -> Store:
    """Return the store of this process, opened at the first call."""
    global _store
    with _lock:
        if _store is None:
            _store = open_store()
        return _store


def set_store(store: Store | None) -> None:
    """Let `get_store` return this one, or a new one after None: for tests."""
    global _store
    with _lock:
        _store = store


class StoredFiles:
    """Files in Django's default storage: a folder, or S3 and its like."""

    def open(self, name: str) -> BinaryIO:
        """As in Files."""
        try:
            return cast(BinaryIO, default_storage.open(name).file)
        except FileNotFoundError:
            raise NotFound(GONE) from None

    def save(self, name: str, content: Iterable[bytes]) -> None:
        """As in Files; it passes a temporary file on disk, because a storage wants to read and seek."""
        with tempfile.TemporaryFile() as passing:
            passing.writelines(content)
            passing.seek(0)
            saved = default_storage.save(name, File(passing))
        if saved != name:  # under this name there was a file already
            default_storage.delete(saved)
            raise FileExistsError(name)

    def list(self, folder: str) -> list[str]:
        """As in Files."""
        try:
            folders, names = default_storage.listdir(folder)
        except FileNotFoundError:
            return []
        return sorted([*folders, *names])

    def delete(self, name: str) -> None:
        """As in Files."""
        default_storage.delete(name)

    def written_at(self, name: str) -> datetime | None:
        """As in Files."""
        return default_storage.get_modified_time(name) if default_storage.exists(name) else None


def get_files() -> Files:
    """Return where uploaded files are kept."""
    return StoredFiles()


def get_mailer() -> Mailer:
    """Return a new mailer as EMAIL_URL says; the caller closes it."""
    return open_mailer(settings.EMAIL_URL, region=settings.AWS_REGION)


def send_settings() -> SendSettings:
    """Return how mail is sent, as the environment says; ValueError where a value can't be."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    return SendSettings(
        rate=settings.CRM_SEND_RATE,
        lease_seconds=settings.CRM_LEASE_SECONDS,
        window=settings.CRM_WINDOW,
        retry_seconds=settings.CRM_RETRY_SECONDS,
        sender=settings.DEFAULT_FROM_EMAIL,
        organisation=settings.CRM_ORGANISATION,
        list_id=f"mailings.{host}",
        links=get_links(),
    )
