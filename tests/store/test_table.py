"""The door to the engine: what it repeats, and how."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from crm import wiring
from crm.domain.errors import StoreUnavailable
from crm.store import schema
from crm.store.expressions import absent
from crm.store.requests import Put
from crm.store.table import Table
from tests.factories import NOW

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ITEM = {"PK": "X", "SK": "Y", "entityType": "x"}


class Deaf:
    """A client whose first replies to writes and reads are lost after the engine did its work."""

    def __init__(self, client: "DynamoDBClient", replies: int) -> None:
        self._client = client
        self.left = replies
        self.tokens: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_item(self, **request: Any) -> Any:
        return self._heard(self._client.get_item(**request))

    def transact_write_items(self, **request: Any) -> Any:
        self.tokens.append(request["ClientRequestToken"])
        return self._heard(self._client.transact_write_items(**request))

    def _heard(self, answer: Any) -> Any:
        if self.left:
            self.left -= 1
            raise ReadTimeoutError(endpoint_url="http://engine")
        return answer


def impatient(table: Table, replies: int) -> tuple[Table, Deaf]:
    """The table, with no time left when a reply was waited for in vain."""
    client = Deaf(table.client, replies)
    return Table(client, table.name, patience=0.0), client  # type: ignore[arg-type]


def test_a_write_whose_reply_took_all_the_time_is_repeated_with_its_token(table: Table) -> None:
    deaf, client = impatient(table, 1)

    deaf.write([Put(item=ITEM, expect=[absent()])])

    assert len(client.tokens) == 2
    assert len(set(client.tokens)) == 1
    assert table.get({"PK": "X", "SK": "Y"}) == ITEM


def test_a_write_is_not_repeated_for_ever(table: Table) -> None:
    deaf, client = impatient(table, 9)

    with pytest.raises(StoreUnavailable):
        deaf.write([Put(item=ITEM, expect=[absent()])])

    assert len(client.tokens) == 2


def test_a_read_is_not_repeated_when_the_time_is_up(table: Table) -> None:
    deaf, _ = impatient(table, 1)

    with pytest.raises(StoreUnavailable):
        deaf.get(schema.key("user", id="u"))


def test_a_hurried_table_gives_up_sooner_and_is_the_same_otherwise(table: Table) -> None:
    client = Deaf(table.client, 1)
    earlier = Table(client, table.name, clock=lambda: NOW - timedelta(hours=1))  # type: ignore[arg-type]
    expiring = {**ITEM, schema.TTL_ATTRIBUTE: int(NOW.timestamp())}
    table.write([Put(item=expiring)])

    with pytest.raises(StoreUnavailable):
        earlier.within(0.0).get({"PK": "X", "SK": "Y"})

    assert earlier.within(0.0).get({"PK": "X", "SK": "Y"}) == expiring
    assert earlier.patience == 5.0


def test_a_page_waits_for_several_replies_and_answers_in_about_ten_seconds() -> None:
    table = wiring.open_table()
    waits = table.client.meta.config.read_timeout  # type: ignore[attr-defined]

    assert 2 * waits < table.patience
    assert table.patience + waits <= 11
