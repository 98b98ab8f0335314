"""A worker over a table whose indexes answer late: `python -m tests.jobs.late_worker`, set up by its environment."""

import os
import signal
import threading

import django


def main() -> None:
    """Work until told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmsite.settings")
    django.setup()

    from crm import wiring
    from crm.jobs.work import Work
    from crm.jobs.worker import Worker
    from crm.store import Store
    from tests.conftest import PAGE_KEY
    from tests.store.late import LateTable

    plain = wiring.open_table()
    table = LateTable(plain.client, plain.name, lag=1.5)
    store = Store(table, hashes=wiring.get_links().suppression_hashes, page_key=PAGE_KEY)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    parts = {"mailer": wiring.get_mailer(), "settings": wiring.send_settings(), "files": wiring.get_files()}
    Worker(Work(store=store, stopping=stopping, **parts)).run()


if __name__ == "__main__":
    main()
