"""Files of people for tests of pages, and the worker that imports them."""

import io
from collections.abc import Sequence
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import Workbook

from crm.jobs.work import SendSettings, Work
from crm.jobs.worker import Worker
from crm.mail.null import NullMailer
from crm.store import Store
from crm.wiring import get_files
from tests.jobs.mailing import LINKS


def upload(client: Client, data: bytes, name: str = "members.csv") -> Any:
    """Send a file as the first step does."""
    return client.post("/people/import/", {"file": SimpleUploadedFile(name, data)})


def work_off(store: Store) -> None:
    """What `worker --once` does, with the files of the site."""
    Worker(Work(store=store, mailer=NullMailer(), settings=SendSettings(links=LINKS), files=get_files())).run_once()


def workbook(rows: Sequence[Sequence[object]]) -> bytes:
    """A sheet of Excel."""
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
