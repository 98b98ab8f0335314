"""What all tests share: one engine in memory per process, a fresh table per test, a clock that stands still."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from django.contrib.auth.models import Group, User
from django.test import Client
from hypothesis import HealthCheck, settings

from crm import wiring
from crm.domain.links import Links
from crm.services import tasks
from crm.store import Store
from crm.store.table import Table
from tests.engine import Engine
from tests.proxy import Proxy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
"""How long an example takes tells of the machine, not of the code."""

LINK_KEYS = ["a link key for tests alone"]
PAGE_KEY = b"a page key for tests alone"


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    now: datetime = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> datetime:
        """Go on by so many seconds=, minutes=, days= …"""
        self.now += timedelta(**span)
        return self.now


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done at once gets the time it needs: how much fits into a few seconds tells of the machine."""
    monkeypatch.setattr(tasks, "PATIENCE", 60.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def open_client(url: str, *, seconds: float = 60.0) -> "DynamoDBClient":
    """A client of the local engine, without boto3's own repeats; it waits so long for an answer."""
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=64,
            connect_timeout=seconds,
            read_timeout=seconds,
        ),
    )


@pytest.fixture(scope="session")
def dynamodb(engine: Engine) -> "DynamoDBClient":
    return open_client(engine.url)


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> Iterator[Table]:
    """A fresh table with its indexes; it is dropped afterwards."""
    table = Table(dynamodb, f"Test{uuid.uuid4().hex}")
    table.create_missing()
    yield table
    dynamodb.delete_table(TableName=table.name)


def store_over(table: Table) -> Store:
    """All repositories over a table, with the keys of the tests."""
    links = Links(LINK_KEYS, "http://testserver")
    return Store(table, hashes=links.suppression_hashes, page_key=PAGE_KEY)


@pytest.fixture
def store(table: Table) -> Store:
    return store_over(table)


@pytest.fixture
def proxy(engine: Engine) -> Iterator[Proxy]:
    """The engine with trouble, once it is told to have some."""
    with Proxy(engine.url) as proxy:
        yield proxy


@pytest.fixture
def behind(proxy: Proxy, table: Table) -> Store:
    """The store of the test as one sees it who is patient for a second and a half, through the proxy."""
    return store_over(Table(open_client(proxy.url, seconds=0.4), table.name, patience=1.5))


@pytest.fixture
def site(store: Store) -> Iterator[Store]:
    """The same store behind the pages and the API of this process."""
    wiring.set_store(store)
    yield store
    wiring.set_store(None)


@pytest.fixture
def sign_in(site: Store, db: None) -> Callable[[str], Client]:
    """Give a browser in which somebody with that role is signed in."""

    def signed_in(role: str = "Admin") -> Client:
        user = User.objects.create_user(f"{role.lower()}-{uuid.uuid4().hex[:6]}", email=f"{uuid.uuid4().hex[:8]}@staff.example")
        user.groups.add(Group.objects.get(name=role))
        client = Client()
        client.force_login(user)
        return client

    return signed_in
