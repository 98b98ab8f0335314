"""Puts the parts together from Django's settings: the only place that knows all of them."""

import hashlib
import threading
from functools import cache
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from django.conf import settings

from crm.domain.links import Links
from crm.jobs.work import SendSettings
from crm.mail import open_mailer
from crm.mail.port import Mailer
from crm.store import Store
from crm.store.table import Table

CONNECTIONS = 32
PATIENCE, READ_TIMEOUT = 8.0, 3.0
"""Seconds: a request is sent three times before a page gives up, after 9 of them, 11 at the most."""


def open_table(*, patience: float = PATIENCE) -> Table:
    """Return the table over a new boto3 client: 51 ms, so once per process, after the fork.

    boto3's own repeats are off, because only our own keep the request token; so is its look through each request, which takes a
    quarter of the time of a write and finds what the types and the engine find.
    """
    client = boto3.client(
        "dynamodb",
        region_name=settings.AWS_REGION,
        endpoint_url=settings.DYNAMODB_ENDPOINT_URL or None,
        config=Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            parameter_validation=False,
            max_pool_connections=CONNECTIONS,
            connect_timeout=2,
            read_timeout=READ_TIMEOUT,
            tcp_keepalive=True,
        ),
    )
    return Table(client, settings.CRM_TABLE, patience=patience)


@cache
def get_links() -> Links:
    """Return the signer of links in e-mails."""
    return Links(settings.LINK_KEYS, settings.PUBLIC_URL)


def open_store(*, patience: float = PATIENCE) -> Store:
    """Return the repositories over a table of their own."""
    page_key = hashlib.sha256(b"page tokens" + settings.SECRET_KEY.encode()).digest()
    return Store(open_table(patience=patience), hashes=get_links().suppression_hashes, page_key=page_key)


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


def get_mailer() -> Mailer:
    """Return a new mailer as EMAIL_URL says; the caller closes it."""
    return open_mailer(settings.EMAIL_URL)


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
