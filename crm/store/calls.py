"""One request to DynamoDB after the other, repeated while that can help; errors in the words of the domain."""

import math
import random
import time
from collections.abc import Callable, Sequence
from copy import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from crm.domain.errors import StoreUnavailable
from crm.store.cost import charge
from crm.store.looking import looking

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TRANSIENT = frozenset(
    [
        "TransactionConflictException",
        "TransactionInProgressException",
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
        "LimitExceededException",
    ]
)
TRANSIENT_REASONS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "InternalServerError"})


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


class Calls:
    """The requests of one table over one boto3 client.

    `patience` is how long, in seconds, a request is repeated while the engine is busy or away before StoreUnavailable. A write
    whose reply stayed away is repeated once at least, with its token, however long that took: it tells whether it happened.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        name: str,
        *,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = 5.0,
    ) -> None:
        self.client = client
        self.name = name
        self.clock = clock
        self.sleep = sleep
        self.patience = patience

    def within(self, seconds: float) -> Self:
        """Return the same table, whose requests are given up after so many seconds."""
        hurried = copy(self)
        hurried.patience = seconds
        return hurried

    def _call(
        self, operation: str, *, writes: bool, named: bool = True, metered: bool = True, **arguments: Any
    ) -> dict[str, Any]:
        if named:
            arguments["TableName"] = self.name
        if metered:
            arguments["ReturnConsumedCapacity"] = "TOTAL"
        if writes and (look := looking()) is not None:
            look.forget()
        deadline = time.monotonic() + self.patience
        attempt, lost = 0, False
        while True:
            try:
                answer: dict[str, Any] = getattr(self.client, operation)(**arguments)
            except ClientError as error:
                if metered and error.response["Error"]["Code"] == "ResourceNotFoundException":
                    raise StoreUnavailable(
                        f"The table {self.name} does not exist yet; `manage.py init_table` creates it."
                    ) from error
                if not _worth_a_repeat(error):
                    raise
                attempt = self._wait(attempt, deadline, error)
            except ParamValidationError:
                raise
            except BotoCoreError as error:
                attempt = self._wait(attempt, math.inf if writes and not lost else deadline, error)
                lost = True
            else:
                if metered:
                    charge(answer, writes=writes)
                return answer

    def _wait(self, attempt: int, deadline: float, error: Exception | None) -> int:
        pause = random.uniform(0.3, 1.0) * min(1.0, 0.02 * 2**attempt)
        if time.monotonic() + pause > deadline:
            raise StoreUnavailable(
                "The data store can't be reached just now. Nothing you typed is lost; try again in a minute."
            ) from error
        self.sleep(pause)
        return attempt + 1


class Cancelled(Exception):
    """A transaction of which some conditions failed."""

    def __init__(self, failed: Sequence[int]) -> None:
        super().__init__(f"conditions {list(failed)} failed")
        self.failed = tuple(failed)


def _worth_a_repeat(error: ClientError) -> bool:
    """Tell whether a repeat can help; raise Cancelled where a condition failed. The reasons count, not the message."""
    code = error.response["Error"]["Code"]
    if code == "TransactionCanceledException":
        reasons = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", ())]
        if failed := [position for position, reason in enumerate(reasons) if reason == "ConditionalCheckFailed"]:
            raise Cancelled(failed) from error
        return any(reason in TRANSIENT_REASONS for reason in reasons)
    return code in TRANSIENT or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500
