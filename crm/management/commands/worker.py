"""`manage.py worker`: the background work, in the foreground."""

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.domain.errors import StoreUnavailable
from crm.jobs.work import Work
from crm.jobs.worker import Worker
from crm.store import Store
from crm.wiring import get_files, get_mailer, get_store, send_settings


class Command(BaseCommand):
    """Runs one worker; any number of them share the work."""

    help = "Does the background work: sends campaigns, finishes imports and events, folds counters. Ctrl-C ends it cleanly."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="work until nothing is due, then end")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        try:
            mailer, wanted = get_mailer(), send_settings()
        except ValueError as error:
            raise CommandError(str(error)) from error
        store = get_store()
        if once:
            _must_answer(store)
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        work = Work(store=store, mailer=mailer, settings=wanted, files=get_files(), stopping=stopping)
        worker = Worker(work, sweeps=bool(settings.DYNAMODB_ENDPOINT_URL))
        try:
            worker.run_once() if once else worker.run()
        finally:
            mailer.close()


def _must_answer(store: Store) -> None:
    """CommandError where the table is away: a worker that stays waits for it, one that ends must say why nothing was done."""
    try:
        store.table.ping()
    except StoreUnavailable as error:
        raise CommandError(error.message) from error
