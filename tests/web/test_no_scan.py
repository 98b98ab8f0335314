"""No page, CSV or call about e-mails reads the whole table: a client that knows no Scan serves all of them."""

import re
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any, cast
from urllib.parse import parse_qs, urldefrag, urljoin, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from crm.domain.hits import HitClass, HitKind
from crm.domain.metrics import QUERY_NAMES
from crm.domain.outcomes import Outcome
from crm.domain.people import EmailStatus
from crm.mail.port import Uncertain
from crm.services import hits
from crm.services.unsubscribe import unsubscribe
from crm.staff import SCOPES, create_token
from crm.store import Store
from tests.api.conftest import Script
from tests.conftest import Clock
from tests.factories import make_event
from tests.jobs.mailing import REFUSED, ToldMailer, accepted, crowd, drive, emails_of, make_work, suppress

OURS = re.compile(r"/($|analytics/|campaigns/)")
TELLING = {"by", "outcome", "status"}
BODY = "Hello {{ firstName }}, [one](https://a.example/one) or [two](https://a.example/two)"


class Scanless:
    """The client of the table, but for Scan."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        if name == "scan":
            raise AssertionError("the whole table would be read")
        return getattr(self._client, name)


@pytest.fixture
def busy(site: Store) -> Store:
    """A campaign that is out, with all that can become of an e-mail, one that waits, and a draft."""
    people, mailer, clock = crowd(site, 14), ToldMailer(), Clock(datetime.now(UTC) - timedelta(hours=1))
    suppress(site, crowd(site, 1)[0], EmailStatus.BOUNCED, clock.now)
    mailer.tell(people[0].profile.email, REFUSED)
    mailer.tell(people[1].profile.email, Uncertain("lost"))
    sent = accepted(site, clock.now, subject="Spring", body=BODY, tracking=True)
    drive(make_work(site, mailer, clock))
    out = [email for email in emails_of(site, sent) if email.sent_at]
    for number, email in enumerate(out[:4]):
        kind, link = (HitKind.CLICK, 1) if number else (HitKind.OPEN, None)
        hit_class = HitClass.PERSON if number < 2 else HitClass.SCANNER
        hits.record(site, email.id, kind=kind, hit_class=hit_class, link=link, at=clock.now, now=clock.now)
    unsubscribe(site, out[1].id, out[1].user_id, now=clock.now)
    now = datetime.now(UTC)
    accepted(site, now, subject="Autumn", send_at=now + timedelta(days=1))
    site.events.create(make_event(start_at=now + timedelta(days=3)), [], [], now=now)
    site.table.client = cast(Any, Scanless(site.table.client))
    return site


def test_the_client_of_these_tests_refuses_to_scan(busy: Store) -> None:
    with pytest.raises(AssertionError, match="whole table"):
        next(busy.table.scan())


def test_no_page_and_no_csv_about_e_mails_scans(sign_in: Callable[[str], Client], busy: Store) -> None:
    browser = sign_in("Admin")
    seen: set[str] = set()
    answers: dict[str, int] = {}

    waiting = deque(["/", "/analytics/", "/campaigns/", "/campaigns/new/", *asked_otherwise()])
    while waiting:
        address = waiting.popleft()
        if new := features(address) - seen:
            seen |= new
            text, answers[address] = opened(browser, address)
            waiting += links(text, address)

    assert {address for address, status in answers.items() if status != 200} == set()
    told = " ".join(answers)
    names = ("emails.csv", "series.csv", "breakdown.csv?by=domain", "recipients.csv", "recipients/?outcome=", "/report/")
    assert [name for name in names if name not in told] == []


def asked_otherwise() -> list[str]:
    """Lists by what no link of these e-mails leads to."""
    queries = ("outcome=bounced", "outcome=not_opened", "domain=other", "utm_medium=%28none%29", "start_date=2020-01-01")
    return [f"/analytics/?{query}" for query in queries] + ["/analytics/emails.csv?outcome=opened&domain=example.org"]


def opened(browser: Client, address: str) -> tuple[str, int]:
    """The text of an answer, a download too, and its status."""
    response = browser.get(address)
    parts = response.streaming_content if response.streaming else [response.content]  # type: ignore[attr-defined]
    return b"".join(parts).decode(), response.status_code


def links(page: str, address: str) -> list[str]:
    """Where a page leads, of what is tested here; what a click on a button does is something else."""
    found = [urljoin(address, urldefrag(unescape(link)).url) for link in re.findall(r'href="([^"]+)"', page)]
    return [link for link in dict.fromkeys(found) if OURS.match(link)]


def features(address: str) -> set[str]:
    """What makes an address worth a look: its path, and names and values that lead to something else to be read."""
    parts = urlsplit(address)
    kind = re.sub("[0-9a-f]{32}", "id", parts.path)
    asked = {name: values for name, values in parse_qs(parts.query).items() if name == "by" or not kind.endswith(".csv")}
    values = {f"{kind} {name}={value}" for name in TELLING & set(asked) for value in asked[name]}
    return {parts.path, *(f"{kind} {name}" for name in asked), *values}


def test_no_call_of_the_api_scans(busy: Store, db: None) -> None:
    owner = User.objects.create_user("script")
    owner.groups.add(Group.objects.get(name="Admin"))
    script = Script(create_token(owner, tuple(SCOPES), "test")[1])
    campaign = script.get("/campaigns")[1]["items"][0]["id"]
    person = script.get("/users?limit=1")[1]["items"][0]["id"]
    event = script.get("/events")[1]["items"][0]["id"]
    segment = script.post("/segments", {"name": "One", "filter": {"company": "Acme"}})[1]["id"]
    known = {"{campaign_id}": campaign, "{user_id}": person, "{event_id}": event, "{segment_id}": segment}

    paths = [path for path, calls in script.get("/openapi.json")[1]["paths"].items() if "get" in calls]
    addresses = [re.sub(r"\{\w+\}", lambda name: known[name[0]], path.removeprefix("/api")) for path in paths]
    for name in sorted(QUERY_NAMES - {"status", "outcome", "start_date", "end_date"}):
        addresses += [f"/emails/analytics?{name}=other", f"/emails/analytics/summary?{name}=other"]
    addresses += [f"/emails/analytics?status=sent&outcome={outcome}&limit=2" for outcome in Outcome]

    assert {address: status for address in addresses if (status := script.get(address)[0]) != 200} == {}
