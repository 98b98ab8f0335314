"""Pages and calls over an engine that throttles, breaks, keeps silent or is gone: said plainly, and nothing typed is lost."""

import re
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from crm import wiring
from crm.domain.errors import StoreUnavailable
from crm.domain.filters import PeopleFilter
from crm.services import audit
from crm.services.verify import differences
from crm.staff import SCOPES, create_token
from crm.store import Store
from tests.factories import make_person
from tests.proxy import Proxy, Trouble, always, once, sometimes
from tests.web.filled import filled

SignIn = Callable[[str], Client]
TYPED = {"firstName": "Zoë", "lastName": "Ångström", "email": "zoe@example.org", "company": "Uppsala & Söner"}
FOR_GOOD = [Trouble.THROTTLED, Trouble.CONFLICT, Trouble.BROKEN, Trouble.SILENT, Trouble.GONE]
INVITATION = ("/settings/staff/invite/", {"address": "kim@community.example", "role": "Viewer"})
TOKEN = ("/settings/tokens/", {"name": "Website", "scopes": "people:read", "days": "30", "form": str(uuid.uuid4())})
PAGES = ["/", "/people/", "/people/?company=Acme", "/people/export.csv", "/events/", "/campaigns/", "/analytics/", "/segments/"]


@pytest.fixture
def far(site: Store, behind: Store) -> Iterator[Store]:
    """The site, with the proxy between it and the engine."""
    wiring.set_store(behind)
    yield behind
    wiring.set_store(site)


def _token() -> dict[str, str]:
    user = User.objects.get()
    return {"Authorization": f"Bearer {create_token(user, SCOPES, 'test')[1]}"}


def _typed_of(html: str) -> dict[str, str]:
    """What stands, unseen, in the form that sends it all again."""
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html)
    return {name: unescape(value) for name, value in hidden if name != "csrfmiddlewaretoken"}


@pytest.mark.parametrize("trouble", FOR_GOOD, ids=lambda trouble: trouble.value)
def test_a_form_sent_while_the_table_is_away_can_be_sent_again_and_acts_once(
    far: Store, proxy: Proxy, sign_in: SignIn, trouble: Trouble
) -> None:
    client = sign_in("Editor")
    form = filled(client.get("/people/new/").content.decode(), **TYPED)

    with proxy.troubled(always(trouble)):
        refused = client.post("/people/new/", form)
    again = _typed_of(refused.content.decode())
    accepted = client.post("/people/new/", again)

    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert "The database does not answer" in refused.content.decode()
    assert TYPED.items() <= again.items()
    assert accepted.status_code == 302
    assert [person.profile.email for person in far.people.walk(PeopleFilter())] == ["zoe@example.org"]
    far.stats.fold_all()
    assert differences(far) == []


@pytest.mark.parametrize(
    ("form_at", "address", "typed"),
    [
        ("/segments/new/?company=Acme", "/segments/new/", {"name": "Acme’s own"}),
        ("/settings/mail/", "/settings/mail/senders/", {"name": "Crew & “friends”", "address": "crew@example.org"}),
        ("/events/new/", "", {"title": "A gala <night>"}),
    ],
)
def test_whatever_the_form_what_was_typed_comes_back_to_be_sent_again(
    far: Store, proxy: Proxy, sign_in: SignIn, form_at: str, address: str, typed: dict[str, str]
) -> None:
    client = sign_in("Admin")
    shown = client.get(form_at).content.decode().partition("<main")[2].partition("</main>")[0]
    form, address = filled(f"<main{shown}</main>", **typed), address or re.findall(r'<form[^>]* action="([^"]+)"', shown)[-1]
    far.table.patience = 0.1

    with proxy.troubled(always(Trouble.THROTTLED)):
        refused = client.post(address, form)
    accepted = client.post(address, _typed_of(refused.content.decode()))

    assert refused.status_code == 503
    assert typed.items() <= _typed_of(refused.content.decode()).items()
    assert accepted.status_code == 302


@pytest.mark.parametrize("trouble", [Trouble.THROTTLED, Trouble.GONE], ids=lambda trouble: trouble.value)
@pytest.mark.parametrize("address", PAGES)
def test_a_page_says_that_the_table_is_away(far: Store, proxy: Proxy, sign_in: SignIn, address: str, trouble: Trouble) -> None:
    client = sign_in("Admin")
    far.table.patience = 0.1

    with proxy.troubled(always(trouble)):
        whole = client.get(address)
        part = client.get(address, headers={"HX-Request": "true", "HX-Target": "main"})

    assert (whole.status_code, part.status_code) == (503, 503)
    assert "The database does not answer" in whole.content.decode()
    assert part.headers["HX-Retarget"] == "#toasts"


def test_a_call_says_so_as_a_problem_and_when_to_come_back(far: Store, proxy: Proxy, sign_in: SignIn) -> None:
    sign_in("Admin")
    token = _token()
    far.table.patience = 0.1

    with proxy.troubled(always(Trouble.BROKEN)):
        read = Client().get("/api/users", headers=token)
        written = Client().post("/api/users", TYPED, content_type="application/json", headers=token)

    assert [(answer.status_code, answer.headers["Content-Type"]) for answer in (read, written)] == [
        (503, "application/problem+json"),
        (503, "application/problem+json"),
    ]
    assert read.headers["Retry-After"]
    assert read.json()["status"] == 503


def test_who_signs_in_needs_no_table_and_the_probes_tell_life_from_use(far: Store, proxy: Proxy, db: None) -> None:
    User.objects.create_user("ada", password="a long way to Uppsala")

    with proxy.troubled(always(Trouble.GONE)):
        signed_in = Client().post("/accounts/login/", {"login": "ada", "password": "a long way to Uppsala"})
        alive, ready = Client().get("/healthz"), Client().get("/readyz")

    assert signed_in.status_code == 302
    assert (alive.status_code, ready.status_code) == (200, 503)


@pytest.mark.parametrize("form", [INVITATION, TOKEN], ids=["invitation", "token"])
def test_who_changes_accounts_while_the_table_is_away_locks_nobody_out(
    far: Store, proxy: Proxy, sign_in: SignIn, form: tuple[str, dict[str, str]]
) -> None:
    client = sign_in("Admin")
    locked: list[object] = []

    def look(execute: Any, sql: str, *rest: Any) -> Any:
        locked.extend([sql] if connection.in_atomic_block and "crm_" in sql and sql.startswith("INSERT") else [])
        return execute(sql, *rest)

    with proxy.troubled(always(Trouble.THROTTLED)), connection.execute_wrapper(look):
        answer = client.post(*form)

    assert answer.status_code == 503
    assert locked == []


def test_an_entry_that_others_wait_for_is_tried_for_a_second_alone(far: Store, proxy: Proxy) -> None:
    far.table.patience = 8.0
    begun = time.monotonic()

    with proxy.troubled(always(Trouble.THROTTLED)), pytest.raises(StoreUnavailable):
        audit.note_at_once(far, "staff.sessions_ended", actor="ada", now=datetime.now(UTC))

    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("trouble", [Trouble.LOST, Trouble.GONE, Trouble.CONFLICT], ids=lambda trouble: trouble.value)
def test_a_write_whose_answer_is_lost_is_found_to_have_happened(
    far: Store, proxy: Proxy, sign_in: SignIn, trouble: Trouble
) -> None:
    client = sign_in("Editor")
    form = filled(client.get("/people/new/").content.decode(), **TYPED)

    with proxy.troubled(once(trouble, "TransactWriteItems")):
        answer = client.post("/people/new/", form)

    assert answer.status_code == 302
    assert proxy.met[trouble] == 1
    assert [person.profile.email for person in far.people.walk(PeopleFilter())] == ["zoe@example.org"]
    far.stats.fold_all()
    assert differences(far) == []


def test_every_fourth_request_in_trouble_is_not_noticed_by_who_works_with_the_pages(
    far: Store, site: Store, proxy: Proxy, sign_in: SignIn
) -> None:
    people = [site.people.create(make_person(company="Acme")) for _ in range(12)]
    client = sign_in("Admin")
    far.table.patience = 8.0
    troubles = (Trouble.THROTTLED, Trouble.CONFLICT, Trouble.BROKEN, Trouble.PARTLY, Trouble.GONE)

    with proxy.troubled(sometimes(0.25, *troubles)):
        listed = client.get("/people/?company=Acme")
        csv = client.get("/people/export.csv?company=Acme").getvalue()
        form = filled(client.get("/people/new/").content.decode(), **TYPED)
        made = client.post("/people/new/", form)
        others = ["/", "/events/", "/campaigns/", "/analytics/", f"/people/{people[0].id}/"]
        answers = {client.get(address).status_code for address in others}

    assert set(proxy.met) == set(troubles)
    assert [person.profile.email in listed.content.decode() for person in people] == [True] * 12
    assert csv.count(b"Acme") == 12
    assert (made.status_code, answers) == (302, {200})
    site.stats.fold_all()
    assert differences(site) == []
