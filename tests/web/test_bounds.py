"""What is refused before it is looked at: who asks too often, and more than a page takes."""

import io
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpResponseBase
from django.test import Client
from django.test.client import FakePayload
from pytest_django import Settings

from crm import limits
from crm.limits import Limiter
from crm.staff import SCOPES, create_token
from crm.store import Store
from crm.wiring import get_links
from tests.conftest import Clock

SignIn = Callable[[str], Client]
GIGABYTE = 1_000_000_000
EDGE = "----edge"
MANY_TAGS = b",".join(b'"tag %d"' % number for number in range(100_000))
OPEN = ("/o/x.gif", "/calendar/x.ics", "/accounts/login/", "/healthz")


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Buckets that no other test has drunk from."""
    limits._limiter.cache_clear()
    yield
    limits._limiter.cache_clear()


# --- how often


def test_a_bucket_gives_its_rate_and_after_a_pause_a_burst(clock: Clock) -> None:
    limiter = Limiter(10, 20, clock=lambda: clock().timestamp())

    first = [limiter.take("script") for _ in range(21)]
    clock.pass_(seconds=1)
    second = [limiter.take("script") for _ in range(11)]
    clock.pass_(hours=1)
    third = [limiter.take("script") for _ in range(21)]

    assert first == [0] * 20 + [1]
    assert second == [0] * 10 + [1]
    assert third == [0] * 20 + [1]


def test_each_asker_has_a_bucket_and_the_longest_silent_are_forgotten(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEPT", 2)
    limiter = Limiter(0.1, 1, clock=lambda: clock().timestamp())

    waits = [limiter.take(key) for key in ("a", "a", "b", "c", "a", "c")]

    assert waits == [0, 10, 0, 0, 0, 10]


def test_a_script_is_told_how_long_to_wait_and_others_are_not_kept_from_theirs(
    site: Store, settings: Settings, sign_in: SignIn
) -> None:
    settings.CRM_API_RATE = 1
    user = sign_in("Admin").get("/").wsgi_request.user
    busy, calm = ({"Authorization": f"Bearer {create_token(user, SCOPES, name)[1]}"} for name in ("busy", "calm"))

    answers = [Client().get("/api/users/count", headers=busy) for _ in range(3)]
    other = Client().get("/api/users/count", headers=calm)

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "1"
    assert answers[2].headers["Content-Type"] == "application/problem+json"
    assert "1 times a second" in answers[2].json()["detail"]
    assert other.status_code == 200


def test_guessing_tokens_ends_for_the_address_but_not_for_good_tokens_behind_it(
    site: Store, settings: Settings, sign_in: SignIn
) -> None:
    settings.CRM_PUBLIC_RATE = 0.2
    user = sign_in("Admin").get("/").wsgi_request.user
    good = {"Authorization": f"Bearer {create_token(user, SCOPES, 'good')[1]}"}

    guesses = [Client().get("/api/users/count", headers={"Authorization": f"Bearer crm_{number}"}) for number in range(3)]

    assert [answer.status_code for answer in guesses] == [401, 401, 429]
    assert Client().get("/api/users/count", headers=good).status_code == 200


def test_an_address_that_asks_without_end_is_told_to_wait_but_can_always_unsubscribe(site: Store, settings: Settings) -> None:
    settings.CRM_PUBLIC_RATE = 0.2
    link = f"/u/{get_links().unsubscribe_token('test', 'test')}/"

    answers = [Client().get("/c/nothing/") for _ in range(3)]
    late = {path: Client().get(path).status_code for path in (link, *OPEN)}
    unsubscribed = Client().post(link, {"List-Unsubscribe": "One-Click"})

    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert answers[2].headers["Retry-After"] == "5"
    assert "Wait a moment" in answers[2].content.decode()
    assert late == {"/o/x.gif": 429, link: 429, "/calendar/x.ics": 429, "/accounts/login/": 429, "/healthz": 200}
    assert unsubscribed.status_code == 200


def test_other_addresses_are_not_kept_waiting(site: Store, settings: Settings) -> None:
    settings.CRM_PUBLIC_RATE = 0.1

    statuses = [Client(REMOTE_ADDR=address).get("/c/nothing/").status_code for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2")]
    neighbours = [Client(REMOTE_ADDR=f"2001:db8::{number}").get("/c/nothing/").status_code for number in (1, 2)]

    assert statuses == [404, 429, 404]
    assert neighbours == [404, 429]


def test_staff_are_not_counted(settings: Settings, sign_in: SignIn) -> None:
    settings.CRM_PUBLIC_RATE = 0.1
    client = sign_in("Viewer")

    assert {client.get("/people/").status_code for _ in range(5)} == {200}


# --- how much


class Flood(FakePayload):
    """A form with one file of so many bytes, made as it is read."""

    def __init__(self, size: int) -> None:
        name = 'Content-Disposition: form-data; name="file"; filename="people.csv"'
        self._head = io.BytesIO(f"--{EDGE}\r\n{name}\r\n\r\nEmail,Name\r\n".encode())
        self._tail = io.BytesIO(f"\r\n--{EDGE}--\r\n".encode())
        self._left = size
        self.length = size + len(self._head.getvalue()) + len(self._tail.getvalue())
        self.given = 0

    def read(self, size: int | None = None) -> bytes:
        size = 1 << 16 if size is None or size < 0 else size
        piece = self._head.read(size)
        if not piece and self._left:
            piece = b"x" * min(size, self._left)
            self._left -= len(piece)
        piece = piece or self._tail.read(size)
        self.given += len(piece)
        return piece


def sent(client: Client, path: str, flood: Flood) -> HttpResponseBase:
    """The answer to a form that goes on and on."""
    kind = f"multipart/form-data; boundary={EDGE}"
    body = {"wsgi.input": flood, "CONTENT_LENGTH": str(flood.length), "CONTENT_TYPE": kind}
    return client.generic("POST", path, **body)


@contextmanager
def flat(most: int) -> Iterator[None]:
    """Hold the memory that is taken inside to so many bytes."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("path", ["/accounts/login/", "/people/import/", "/u/abc/", "/hooks/ses/", "/api/users"])
def test_a_stranger_can_not_fill_the_disk(site: Store, db: None, path: str) -> None:
    large, small = Flood(2 * GIGABYTE), Flood(1_000_000)

    with flat(8_000_000):
        statuses = [sent(Client(), path, flood).status_code for flood in (large, small)]

    assert statuses[0] == 413
    assert large.given == 0
    assert statuses[1] in {400, 401, 403, 404, 413}
    assert small.given < 500_000 or path in {"/hooks/ses/", "/api/users"}  # these read a body of bytes, within its own bound


def test_staff_who_send_two_gigabytes_see_an_answer_and_nothing_of_it_is_kept(sign_in: SignIn) -> None:
    client, flood = sign_in("Admin"), Flood(2 * GIGABYTE)

    with flat(8_000_000):
        answer = sent(client, "/people/import/", flood)

    assert answer.status_code == 413
    assert "too much at once" in answer.content.decode()  # type: ignore[attr-defined]
    assert flood.given == flood.length


def test_a_page_that_takes_small_files_keeps_no_more_than_its_bound(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    client, flood, kept = sign_in("Admin"), Flood(7_000_000), []
    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", lambda _self, piece, _start: kept.append(len(piece)))

    answer = sent(client, "/settings/mail/", flood)

    assert answer.status_code == 413
    assert 4_000_000 < sum(kept) <= 5_000_000


def test_a_file_of_one_endless_line_is_refused_in_words_with_flat_memory(sign_in: SignIn) -> None:
    client = sign_in("Admin")
    sent(client, "/people/import/", Flood(1_000_000))  # what is loaded once

    with flat(15_000_000):
        answer = sent(client, "/people/import/", Flood(80_000_000))

    assert answer.status_code == 422
    assert "has more than 500,000 characters" in answer.content.decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 200_000, 400),
        (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, 400),
        (b'{"limit": ' + b"9" * 10_000 + b"}", 400),
        (b'{"firstName": "' + b"x" * 2_600_000 + b'"}', 413),
        (b'{"userIds": [' + b'"x",' * 400_000 + b'"x"]}', 422),
        (b'{"firstName": "\\ud800"}', 400),
        (b'{"firstName": "a", "lastName": "b", "email": "c@x.example", "tags": [' + MANY_TAGS + b"]}", 422),
    ],
    ids=["deep list", "deep object", "long number", "long text", "long list", "half a character", "many tags"],
)
def test_a_hostile_body_is_refused_with_a_problem(sign_in: SignIn, body: bytes, status: int) -> None:
    user = sign_in("Admin").get("/").wsgi_request.user
    headers = {"Authorization": f"Bearer {create_token(user, SCOPES, 'test')[1]}"}

    answer = Client().generic("POST", "/api/users", body, content_type="application/json", headers=headers)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
