"""Where it is measured: an engine of our own in memory, and a fresh table for each thing that is measured."""

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from bench.meter import Meter
from crm.domain.links import Links
from crm.store import Store
from crm.store.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LINKS = Links(["a link key for benches alone"], "http://bench.example")
PAGE_KEY = b"a page key for benches alone"
PATIENCE = 60.0
"""Seconds that a busy engine is waited for: a slow machine must not break a run."""


def open_client(url: str) -> "DynamoDBClient":
    """Return a client of the local engine, without boto3's own repeats."""
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        config=Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            parameter_validation=False,  # as in crm/wiring.py
            max_pool_connections=64,
        ),
    )


def open_store(client: "DynamoDBClient", table: str) -> Store:
    """Return the repositories over that table."""
    return Store(Table(client, table, patience=PATIENCE), hashes=LINKS.suppression_hashes, page_key=PAGE_KEY)


class Place:
    """One engine, one client, and the meter that counts what passes between them.

    `file` is what somebody wants to see used, `seed` of what happens by chance; None where it is all the same.
    """

    def __init__(self, url: str, file: Path | None = None, seed: int | None = None) -> None:
        self.url = url
        self.file = file
        self.seed = seed
        self.client = open_client(url)
        self.meter = Meter(self.client)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Give a store over a fresh table, which is gone afterwards."""
        store = open_store(self.client, f"Bench{uuid.uuid4().hex}")
        store.table.create_missing()
        try:
            yield store
        finally:
            self.client.delete_table(TableName=store.table.name)


def tell(text: str) -> None:
    """Say what is being done: tables go to standard output, this does not."""
    print(f"… {text}", file=sys.stderr, flush=True)
