"""The page of the background work: what runs, waits and failed, who may start it again, and workers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from crm.domain.workers import WorkerSeen
from crm.jobs.kinds import STEPS
from crm.jobs.work import Held
from crm.store import Store
from crm.store.cost import metered
from crm.store.jobs import JobKey
from crm.web.settings.jobs import WHAT
from tests.factories import make_event
from tests.jobs.mailing import ToldMailer, accepted, crowd, make_work
from tests.web.filled import text_of

SignIn = Callable[[str], Client]
PAGE, AGAIN, ALL = "/settings/jobs/", "/settings/jobs/restart/", "/settings/jobs/restart-all/"


def now() -> datetime:
    return datetime.now(UTC)


def put(site: Store, name: str = "PROMOTE", owner: str = "EVENT#1", *, minutes: int = 0) -> JobKey:
    key = JobKey(owner=owner, name=name)
    site.table.write([site.jobs.put(key, due_at=now() + timedelta(minutes=minutes))])
    return key


def broken(site: Store, key: JobKey) -> None:
    held = Held.take(make_work(site, ToldMailer()), key, "one")
    assert held is not None
    held.break_down("KeyError", "crm/jobs/events.py:7")


def alive(site: Store, *, seconds: int = 0) -> None:
    seen_at = now() - timedelta(seconds=seconds)
    site.workers.tell(
        WorkerSeen(
            name="one", host="box", pid=7, version="1", threads=8, in_hand=2, sent=1284, started_at=seen_at, seen_at=seen_at
        )
    )


def test_every_kind_of_work_has_words() -> None:
    assert WHAT.keys() == STEPS.keys()


def test_the_page_says_what_failed_runs_waits_and_comes_later(site: Store, sign_in: SignIn) -> None:
    event = site.events.create(make_event(title="Gala & ball"), [], [], now=now())
    owner = f"EVENT#{event.id}"
    broken(site, put(site, "PROMOTE", owner))
    site.jobs.lease(put(site, "ATTENDEES", owner), "box-7-abc", seconds=60, now=now())
    put(site, "EVENTDELETE", owner, minutes=-5)
    put(site, "NOSHOW", owner, minutes=90)
    alive(site)

    text = text_of(sign_in("Editor").get(PAGE).content)

    failed, _, rest = text.partition("Running")
    assert "Gala &amp; ball Giving free seats to the waitlist KeyError at crm/jobs/events.py:7, once" in failed
    assert "within a minute Try again" in failed
    running, _, rest = rest.partition("Waiting for a worker")
    assert "Adding the first attendees Working box-7-abc" in running
    waiting, _, later = rest.partition("Later")
    assert "Deleting the event 5 minutes ago" in waiting
    assert "Marking no-shows in 1 hour" in later
    assert "box process 7, version 1 Alive just now 2 of 8 1,284" in later


def test_a_campaign_leads_to_its_page(site: Store, sign_in: SignIn) -> None:
    crowd(site, 1)
    campaign = accepted(site, now(), send_at=now() + timedelta(days=1))

    page = sign_in("Marketer").get(PAGE).content.decode()

    assert f'<a class="who" href="/campaigns/{campaign.id}/"><bdi>Spring</bdi></a>' in page


def test_try_again_makes_it_due_and_says_so(site: Store, sign_in: SignIn) -> None:
    key = put(site)
    broken(site, key)
    client = sign_in("Admin")

    answer = client.post(AGAIN, {"owner": key.owner, "kind": key.kind}, follow=True)

    job = site.jobs.get(key)
    assert job is not None
    assert job.due_at is not None
    assert job.due_at <= now()
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "It is tried again now" in text_of(answer.content)


def test_all_that_failed_is_tried_again_at_one_go(site: Store, sign_in: SignIn) -> None:
    keys = [put(site, "PROMOTE", f"EVENT#{number}") for number in range(3)]
    for key in keys:
        broken(site, key)
    client = sign_in("Admin")

    page, answer, again = client.get(PAGE).content.decode(), client.post(ALL, follow=True), client.post(ALL, follow=True)

    assert "Try all again" in text_of(page.encode())
    assert "3 jobs are tried again now" in text_of(answer.content)
    assert "Try all again" not in text_of(answer.content)
    assert not any(job.failing for job in site.jobs.get_many(keys).values())
    assert "Nothing was started again" in text_of(again.content)


def test_one_failure_alone_has_one_button_and_says_on_a_phone_when_it_goes_on(site: Store, sign_in: SignIn) -> None:
    broken(site, put(site))

    page = sign_in("Admin").get(PAGE).content.decode()

    assert "Try all again" not in page
    assert '<span class="sub narrow">Tried again within a minute</span>' in page


@pytest.mark.parametrize("typed", [{}, {"owner": "EVENT#2", "kind": "PROMOTE"}, {"owner": "x", "kind": "y"}])
def test_what_is_not_there_any_more_is_said(site: Store, sign_in: SignIn, typed: dict[str, str]) -> None:
    answer = sign_in("Admin").post(AGAIN, typed, follow=True)

    assert "Nothing was started again" in text_of(answer.content)


def test_who_may_not_start_it_again_sees_the_button_and_why(site: Store, sign_in: SignIn) -> None:
    key = put(site)
    broken(site, key)
    editor = sign_in("Editor")

    page, refused = editor.get(PAGE).content.decode(), editor.post(AGAIN, {"owner": key.owner, "kind": key.kind})

    assert 'aria-disabled="true" title="Your role, Editor, may not start again what failed in the background. Admin may."' in page
    assert refused.status_code == 403
    job = site.jobs.get(key)
    assert job is not None
    assert job.failing


def test_who_may_not_see_it_sees_the_tab_and_why(sign_in: SignIn) -> None:
    viewer = sign_in("Viewer")

    assert viewer.get(PAGE).status_code == 403
    assert "may not see what is done in the background" in viewer.get("/settings/").content.decode()


def test_that_no_worker_runs_is_said(site: Store, sign_in: SignIn) -> None:
    client = sign_in("Admin")
    none = text_of(client.get(PAGE).content)
    alive(site, seconds=60)
    quiet = text_of(client.get(PAGE).content)
    alive(site)

    assert "No worker is running." in none
    assert "No worker is running." in quiet
    assert "Nothing heard" in quiet
    assert "No worker is running." not in text_of(client.get(PAGE).content)


def test_htmx_gets_the_part_alone(site: Store, sign_in: SignIn) -> None:
    part = sign_in("Admin").get(PAGE, headers={"HX-Request": "true", "HX-Target": "jobs"}).content.decode()

    assert part.lstrip().startswith('<div id="jobs" hx-get="/settings/jobs/"')


def test_the_page_costs_few_requests(site: Store, sign_in: SignIn) -> None:
    crowd(site, 1)
    accepted(site, now())
    for number in range(30):
        put(site, "NOSHOW", f"EVENT#{number}", minutes=number + 1)
    client = sign_in("Admin")

    with metered() as cost:
        client.get(PAGE)

    assert cost.requests <= 5
