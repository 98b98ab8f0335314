"""An engine that has trouble: a proxy in front of the real one that throttles, cancels, breaks, keeps silent or hangs up."""

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

PREFIX = "com.amazonaws.dynamodb.v20120810#"


class Trouble(Enum):
    """What can become of a request. Of LOST ones the engine hears, and nobody hears its answer; PARTLY is of a batch alone."""

    THROTTLED = "throttled"
    CONFLICT = "conflict"
    BROKEN = "broken"
    SILENT = "silent"
    LOST = "lost"
    GONE = "gone"
    PARTLY = "partly"


ERRORS = {
    Trouble.THROTTLED: (400, "ProvisionedThroughputExceededException", "The level of configured throughput was exceeded."),
    Trouble.CONFLICT: (400, "TransactionConflictException", "Transaction is ongoing for the item."),
    Trouble.BROKEN: (500, "InternalServerError", "The request processing has failed."),
}
Choice = Callable[[str], Trouble | None]


class Proxy:
    """`with Proxy(engine.url) as proxy`: as the engine at `proxy.url`, until `troubled` says otherwise."""

    def __init__(self, url: str) -> None:
        self.engine = urlsplit(url).netloc
        self.met: Counter[Trouble] = Counter()
        self._choice: Choice = _none
        self._healed = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def troubled(self, choice: Choice) -> Iterator[None]:
        """Let `choice` say of each request, by its operation such as `Query`, what trouble it has, while the block lasts."""
        self._healed.clear()
        self._choice = choice
        try:
            yield
        finally:
            self._choice = _none
            self._healed.set()

    def trouble(self, operation: str) -> Trouble | None:
        """What becomes of a request of this operation."""
        found = self._choice(operation)
        if found is not None:
            self.met[found] += 1
        return found

    def wait(self) -> None:
        """Return when the trouble is over, or nobody waits any more."""
        self._healed.wait(5)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._healed.set()
        self._server.shutdown()
        self._server.server_close()


def always(trouble: Trouble) -> Choice:
    """Every request."""
    return lambda operation: trouble


def sometimes(share: float, *troubles: Trouble, seed: int = 1) -> Choice:
    """That share of the requests, each with one of these troubles."""
    chance, lock = random.Random(seed), threading.Lock()

    def choose(operation: str) -> Trouble | None:
        with lock:
            return chance.choice(troubles) if chance.random() < share else None

    return choose


def once(trouble: Trouble, operation: str) -> Choice:
    """The first request of this operation."""
    left, lock = [trouble], threading.Lock()

    def choose(asked: str) -> Trouble | None:
        with lock:
            return left.pop() if left and asked == operation else None

    return choose


def _none(operation: str) -> None:
    return None


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            self.behind = HTTPConnection(proxy.engine, timeout=30)

        def finish(self) -> None:
            self.behind.close()
            with suppress(OSError):
                super().finish()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].partition(".")[2]
            trouble = proxy.trouble(operation)
            if trouble in ERRORS:
                self._refuse(trouble, operation, body)
            elif trouble is Trouble.GONE:
                self.close_connection = True
            elif trouble in (Trouble.SILENT, Trouble.LOST):
                if trouble is Trouble.LOST:
                    self._ask(body)
                proxy.wait()
                self.close_connection = True
            elif trouble is Trouble.PARTLY and operation == "BatchGetItem":
                self._answer_half(body)
            else:
                status, headers, content = self._ask(body)
                self._answer(status, content, headers)

        def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            for attempt in (1, 2):
                try:
                    self.behind.request("POST", "/", body, {**self.headers, "Content-Length": str(len(body))})
                    answer = self.behind.getresponse()
                    kept = {
                        name: value for name, value in answer.getheaders() if name.lower().startswith(("x-amz", "content-type"))
                    }
                    return answer.status, kept, answer.read()
                except (HTTPException, OSError):  # an engine closes a connection that was idle
                    self.behind.close()
                    if attempt == 2:
                        raise
            raise AssertionError("twice is all")

        def _refuse(self, trouble: Trouble, operation: str, body: bytes) -> None:
            status, code, message = ERRORS[trouble]
            answer: dict[str, Any] = {"__type": PREFIX + code, "message": message}
            if operation == "TransactWriteItems" and trouble is not Trouble.BROKEN:
                reason = "TransactionConflict" if trouble is Trouble.CONFLICT else "ProvisionedThroughputExceeded"
                reasons = [{"Code": "None"} for _ in json.loads(body)["TransactItems"]]
                answer = {
                    "__type": PREFIX + "TransactionCanceledException",
                    "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
                    "CancellationReasons": [*reasons[1:], {"Code": reason, "Message": message}],
                }
            self._answer(status, json.dumps(answer).encode(), {"Content-Type": "application/x-amz-json-1.0"})

        def _answer_half(self, body: bytes) -> None:
            request = json.loads(body)
            ((table, wanted),) = request["RequestItems"].items()
            half = len(wanted["Keys"]) // 2
            left = {**wanted, "Keys": wanted["Keys"][half:]}
            wanted["Keys"] = wanted["Keys"][:half]
            status, content = 200, b'{"Responses": {}}'
            if half:
                status, _, content = self._ask(json.dumps(request).encode())
            answer = {**json.loads(content), "UnprocessedKeys": {table: left}}
            self._answer(status, json.dumps(answer).encode(), {"Content-Type": "application/x-amz-json-1.0"})

        def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            with suppress(OSError):  # nobody waits any more
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *words: object) -> None:
            """Nothing."""

    return Handler
