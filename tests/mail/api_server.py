"""A provider's API on this machine: it notes what it is asked, and answers, stalls or breaks as it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BREAK, STALL = "break", "stall"


@dataclass
class ApiServer:
    """`answer` is (status, body), BREAK (hang up after reading the request) or STALL (say nothing until the end).

    `hangs_up`: after an answer too, without having said so.
    """

    answer: tuple[int, Any] | str = (200, {})
    hangs_up: bool = False
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@contextmanager
def api_server() -> Iterator[ApiServer]:
    """Serve until the block ends."""
    told = ApiServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told.requests.append((self.path, dict(self.headers), body))
            if told.answer == STALL:
                told.over.wait(10)
            if isinstance(told.answer, str):
                self.close_connection = True
                return
            status, data = told.answer
            text = data.encode() if isinstance(data, str) else json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(text)
            self.close_connection = told.hangs_up

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.over.set()
        server.shutdown()
        server.server_close()
