"""Work in the background over an engine that throttles, cancels, breaks, loses replies and goes: it goes on when that is over."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from crm.domain.campaigns import CampaignStatus
from crm.domain.emails import EmailState
from crm.domain.filters import PeopleFilter
from crm.domain.imports import ImportStatus, Kind
from crm.domain.tasks import TaskAction, TaskStatus
from crm.jobs.work import Work
from crm.jobs.worker import Worker
from crm.services import tasks
from crm.services.files import FolderFiles
from crm.store import Store
from crm.store.calls import utc_now
from crm.store.keys import LANES
from tests.jobs.importing import assert_sound, begun, csv_of
from tests.jobs.mailing import EVERYBODY, ToldMailer, accepted, crowd, emails_of, make_work
from tests.jobs.processes import wait_for
from tests.proxy import Proxy, Trouble, always, sometimes

PEOPLE, ROWS, WINDOW = 120, 160, 10
EVERY = (Trouble.THROTTLED, Trouble.CONFLICT, Trouble.BROKEN, Trouble.LOST, Trouble.GONE, Trouble.PARTLY)


@contextmanager
def working(work: Work) -> Iterator[None]:
    """A worker beside the test."""
    thread = threading.Thread(target=Worker(work).run)
    thread.start()
    try:
        yield
    finally:
        work.stopping.set()
        thread.join(30)


@pytest.mark.slow
def test_mail_an_import_and_a_task_come_to_their_end_through_every_trouble(
    store: Store, behind: Store, proxy: Proxy, tmp_path: Path
) -> None:
    people, files, mailer = crowd(store, PEOPLE), FolderFiles(tmp_path), ToldMailer()
    rows = [["First name", "Last name", "Email"], *[["Ada", f"No{number}", f"ada{number}@new.example"] for number in range(ROWS)]]
    imported = begun(store, files, csv_of(rows))
    task = tasks.start(store, TaskAction.TAG, EVERYBODY, subject="spring", actor="zoe", now=utc_now(), at_once=0)
    campaign = accepted(store, utc_now())
    work = replace(make_work(behind, mailer, rate=60.0, lease_seconds=4.0, window=WINDOW), files=files)

    with working(work):
        with proxy.troubled(sometimes(0.2, *EVERY, seed=7)):
            wait_for(lambda: len(mailer.sent) > PEOPLE // 4, 60)
        for trouble in (Trouble.GONE, Trouble.THROTTLED, Trouble.SILENT):
            with proxy.troubled(always(trouble)):
                threading.Event().wait(2.0)
        wait_for(lambda: store.campaigns.get(campaign.id).status is CampaignStatus.DONE, 60)
        wait_for(lambda: store.imports.get(imported.id).status is ImportStatus.DONE, 60)
        wait_for(lambda: store.tasks.get(task.id).status is TaskStatus.DONE, 60)

    assert set(proxy.met) == {*EVERY, Trouble.SILENT}
    became = Counter(email.status for email in emails_of(store, campaign))
    assert sorted(set(mailer.sent)) == sorted(mailer.sent)
    assert became.keys() <= {EmailState.SENT, EmailState.UNCERTAIN}
    assert became.total() == PEOPLE
    assert became[EmailState.SENT] <= len(mailer.sent)
    assert became[EmailState.UNCERTAIN] <= LANES * WINDOW
    tagged = {person.id for person in store.people.walk(PeopleFilter(tag=("spring",)))}
    assert tagged == {person.id for person in people}
    assert store.imports.get(imported.id).counts[Kind.NEW] == ROWS
    assert store.people.count(PeopleFilter()) == PEOPLE + ROWS
    assert_sound(store)
