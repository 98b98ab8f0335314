"""A worker that notes down which e-mails it has in hand: `python -m tests.jobs.chaos_worker NOTES [--late]`.

One line when a window begins (`began` is from before its people were read) and one when its outcomes are written. So whoever
kills it knows what was in its hands. With `--late` its indexes answer late. The rest is set up by the environment.
"""

import argparse
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import django


class Notes:
    """Lines in a file that several workers write to, each whole."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._opened: dict[str, tuple[float, list[str]]] = {}

    def note(self, **values: object) -> None:
        """Write one line."""
        os.write(self._descriptor, (json.dumps(values) + "\n").encode())

    def watch(self) -> None:
        """Let the sender of this process be noted."""
        from crm.jobs import send

        plain, write_down, write_outcomes = send.open_window, send._write_down, send.write_outcomes

        def open_window(work: Any, chunk: Any) -> Any:
            began = time.time()
            window = plain(work, chunk)
            self._opened[chunk.sort_key] = began, list(window.emails)
            return window

        def noted(work: Any, held: Any, chunk: Any) -> None:
            began, ids = self._opened.pop(chunk.sort_key)
            self.note(window=chunk.sort_key, began=began, ids=ids)
            write_down(work, held, chunk)

        def written(work: Any, held: Any, window: Any, **values: Any) -> None:
            write_outcomes(work, held, window, **values)
            self.note(written=window.chunk.sort_key)

        send.open_window, send._write_down, send.write_outcomes = open_window, noted, written


def main() -> None:
    """Work until told to stop, which may be before it has begun."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notes", type=Path)
    parser.add_argument("--late", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmsite.settings")
    django.setup()

    from crm import wiring
    from crm.jobs.work import Work
    from crm.jobs.worker import Worker
    from crm.store import Store
    from tests.conftest import PAGE_KEY
    from tests.store.late import LateTable

    Notes(options.notes).watch()
    table = wiring.open_table()
    if options.late:
        table = LateTable(table.client, table.name, lag=1.5)
    store = Store(table, hashes=wiring.get_links().suppression_hashes, page_key=PAGE_KEY)
    parts = {"mailer": wiring.get_mailer(), "settings": wiring.send_settings(), "files": wiring.get_files()}
    Worker(Work(store=store, stopping=stopping, **parts)).run()


if __name__ == "__main__":
    main()
