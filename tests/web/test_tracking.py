"""The picture and the links of a tracked e-mail: where they lead, whom they count, and that none can be led astray."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default as modern
from html import unescape
from typing import Any

import pytest
from django.test import Client

from crm.domain.campaigns import Campaign, Utm
from crm.domain.emails import Email
from crm.domain.errors import StoreUnavailable
from crm.domain.links import Links
from crm.jobs.clicks import destination
from crm.mail.port import Delivery, OutgoingMessage
from crm.services import people
from crm.store import Store
from crm.wiring import get_links
from tests.conftest import Clock
from tests.jobs.mailing import ToldMailer, accepted, assert_sound, crowd, drive, emails_of, make_work

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BODY = """Come to [our party](https://a.example/{{ city }}?x=1#top), write to [us](mailto:us@a.example)
or [leave]({{ unsubscribeUrl }}).

{% if company %}[For you](https://b.example/){% endif %}
"""


class KeepingMailer(ToldMailer):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[OutgoingMessage] = []

    def send(self, message: OutgoingMessage, *, deadline: float) -> Delivery:
        self.messages.append(message)
        return super().send(message, deadline=deadline)


class Mailing:
    """A campaign that went out an hour ago to one person, and what they got."""

    def __init__(self, store: Store, **letter: Any) -> None:
        clock, mailer = Clock(datetime.now(UTC) - timedelta(hours=1)), KeepingMailer()
        (self.person,) = crowd(store, 1, city="Göteborg")
        self.campaign: Campaign = accepted(store, clock(), **{"body": BODY, "tracking": True, **letter})
        links = get_links()
        work = make_work(store, mailer, clock)
        drive(replace(work, settings=replace(work.settings, links=links)))
        self.email: Email = emails_of(store, self.campaign)[0]
        message = message_from_bytes(mailer.messages[0].data, policy=modern)
        self.html: str = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
        self.text: str = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]

    @property
    def links(self) -> list[str]:
        """Every address of the HTML part, the foot's included."""
        return [unescape(address) for address in re.findall(r'<a [^>]*href="([^"]*)"', self.html)]

    @property
    def clicks(self) -> list[str]:
        """The paths of those that count."""
        return [link.removeprefix(get_links().public_url) for link in self.links if "/c/" in link]

    @property
    def picture(self) -> str:
        """The path of the picture."""
        found = re.findall(r'<img src="([^"]*)" width="1"', self.html)
        assert len(found) == 1
        return str(found[0]).removeprefix(get_links().public_url)


@pytest.fixture
def reader() -> Client:
    """Somebody with a browser."""
    return Client(headers={"user-agent": FIREFOX})


def seen(store: Store, mailing: Mailing) -> tuple[bool, bool, bool, bool]:
    email = store.emails.get(mailing.email.id)
    return tuple(  # type: ignore[return-value]
        time is not None for time in (email.opened_at, email.clicked_at, email.opened_any_at, email.clicked_any_at)
    )


def test_each_web_link_counts_and_no_other(site: Store) -> None:
    mailing = Mailing(site)

    kinds = ["count" if "/c/" in link else link.partition(":")[0] if "mailto" in link else link[-5:] for link in mailing.links]
    unsubscribe = get_links().unsubscribe_url(mailing.email.id, mailing.person.id)
    assert kinds == ["count", "mailto", unsubscribe[-5:], "count", unsubscribe[-5:]]
    assert re.search(r'\.gif" width="1"[^>]*>\s*</body>\s*</html>\s*$', mailing.html)
    assert "https://a.example/G%C3%B6teborg?x=1&utm_source=newsletter" in mailing.text
    assert "/c/" not in mailing.text
    assert "example.org" not in "".join(mailing.clicks)


def test_a_letter_without_tracking_has_none_of_it(site: Store) -> None:
    mailing = Mailing(site, tracking=False)

    assert mailing.clicks == []
    assert "/o/" not in mailing.html
    assert mailing.links[0].startswith("https://a.example/G%C3%B6teborg?x=1&utm_source=newsletter")


def test_a_click_leads_on_with_what_is_known_of_the_person_and_counts(site: Store, reader: Client) -> None:
    mailing = Mailing(site)

    answer = reader.get(mailing.clicks[0])

    assert answer.status_code == 302
    assert answer.headers["Location"] == (
        "https://a.example/G%C3%B6teborg?x=1&utm_source=newsletter&utm_medium=email&utm_campaign=spring#top"
    )
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert not answer.cookies
    assert seen(site, mailing) == (True, True, True, True)
    assert [hit.link for hit in site.hits.of(mailing.email.id)] == [0]
    assert_sound(site)


def test_a_link_that_lost_its_last_slash_leads_on(site: Store, reader: Client) -> None:
    assert reader.get(Mailing(site).clicks[0].rstrip("/")).status_code == 302


def test_the_picture_counts_when_a_person_fetches_it(site: Store, reader: Client) -> None:
    mailing = Mailing(site)

    answer = reader.get(mailing.picture)

    assert (answer.status_code, answer.headers["Content-Type"], answer.content[:6]) == (200, "image/gif", b"GIF89a")
    assert answer.headers["Cache-Control"] == "no-store"
    assert seen(site, mailing) == (True, False, True, False)
    assert_sound(site)


@pytest.mark.parametrize(
    ("ask", "person", "anybody"),
    [
        (lambda client, path: client.head(path), False, True),
        (lambda client, path: client.get(path, headers={"user-agent": ""}), False, True),
        (lambda client, path: client.get(path, headers={"user-agent": "Mozilla/5.0"}), False, True),
        (lambda client, path: client.get(path, headers={"sec-purpose": "prefetch;prerender"}), False, True),
        (lambda client, path: client.post(path), False, False),
    ],
)
def test_what_is_no_person_is_led_on_and_not_taken_for_one(
    site: Store, reader: Client, ask: Callable[[Client, str], Any], person: bool, anybody: bool
) -> None:
    mailing = Mailing(site)

    answer = ask(reader, mailing.clicks[0])

    assert answer.status_code == (302 if anybody else 405)
    assert seen(site, mailing) == (False, False, False, anybody)
    assert_sound(site)


def test_what_follows_several_links_at_once_was_no_person_after_all(site: Store, reader: Client) -> None:
    mailing = Mailing(site, body="[a](https://a.example/) [b](https://b.example/) [c](https://c.example/)")

    for path in mailing.clicks:
        reader.get(path)

    figures = site.campaigns.figures(mailing.campaign.id)
    assert (figures.opened, figures.clicked, figures.clicked_any) == (0, 0, 1)
    assert_sound(site)


def test_a_click_of_who_was_taken_out_leads_where_it_leads_for_nobody(site: Store, reader: Client) -> None:
    mailing = Mailing(site)
    people.remove(site, mailing.person.id, now=datetime.now(UTC))

    answer = reader.get(mailing.clicks[0])

    assert answer.headers["Location"].startswith("https://a.example/?x=1&utm_source=newsletter")
    assert_sound(site)


def test_a_link_that_the_letter_would_not_have_any_more_still_leads_on(site: Store, reader: Client) -> None:
    mailing = Mailing(site)
    kept = site.people.get(mailing.person.id)
    people.edit(site, kept.id, replace(kept.profile, company=""), version=kept.version, now=datetime.now(UTC), actor="ada")

    answer = reader.get(mailing.clicks[1])

    assert answer.headers["Location"].startswith("https://b.example/?utm_source=newsletter")


def test_no_value_of_a_person_leads_a_link_elsewhere(site: Store, reader: Client) -> None:
    mailing = Mailing(site)
    kept = site.people.get(mailing.person.id)
    evil = replace(kept.profile, city="../../@evil.example/?#")
    people.edit(site, kept.id, evil, version=kept.version, now=datetime.now(UTC), actor="ada")

    answer = reader.get(mailing.clicks[0])

    assert answer.headers["Location"].startswith("https://a.example/..%2F..%2F%40evil.example%2F%3F%23?x=1&")


def test_a_letter_of_two_hundred_links_leads_to_each_of_them(site: Store) -> None:
    body = "\n".join(f"[{number}](https://a.example/{number})" for number in range(200))
    mailing = Mailing(site, body=body, utm=Utm())
    links = get_links()

    found = [destination(site, links, *links.read_click(path.split("/")[2])) for path in mailing.clicks[::20]]

    assert len(set(mailing.clicks)) == 200
    assert found == [f"https://a.example/{number}" for number in range(0, 200, 20)]


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1],
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "Q"),
        lambda token: "x" + token[1:],
        lambda token: "https:evil.example",
        lambda token: "0",
    ],
)
def test_a_changed_token_leads_to_a_page_that_says_what_to_do(site: Store, reader: Client, change: Callable[[str], str]) -> None:
    mailing = Mailing(site)
    token = mailing.clicks[0].split("/")[2]

    answer = reader.get(f"/c/{change(token)}/")

    assert answer.status_code == 404
    assert "copy the whole link" in answer.content.decode()
    assert seen(site, mailing) == (False, False, False, False)


def test_a_token_of_another_kind_or_key_leads_nowhere(site: Store, reader: Client) -> None:
    mailing, links = Mailing(site), get_links()
    picture = mailing.picture.removeprefix("/o/").removesuffix(".gif")
    tokens = [
        picture,
        links.unsubscribe_token(mailing.email.id, mailing.person.id),
        links.feed_token(mailing.email.id),
        Links(["another key"], "").click_url(mailing.email.id, 0).split("/")[2],
    ]

    assert [reader.get(f"/c/{token}/").status_code for token in tokens] == [404] * 4
    assert reader.get(f"/o/{mailing.clicks[0].split('/')[2]}.gif").status_code == 404
    assert seen(site, mailing) == (False, False, False, False)


@pytest.mark.parametrize("number", [2, 199, 65535])
def test_a_number_that_the_letter_does_not_have_leads_nowhere(site: Store, reader: Client, number: int) -> None:
    mailing = Mailing(site)

    answer = reader.get(get_links().click_url(mailing.email.id, number).removeprefix(get_links().public_url))

    assert answer.status_code == 404


def test_a_link_of_an_email_that_is_unknown_leads_nowhere(site: Store, reader: Client) -> None:
    path = get_links().click_url("f" * 32, 0).removeprefix(get_links().public_url)

    assert reader.get(path).status_code == 404
    assert reader.get(f"/o/{get_links().open_url('f' * 32).rpartition('/')[2]}").status_code == 200


def test_one_is_led_on_where_nothing_can_be_kept_of_it(
    site: Store, reader: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mailing = Mailing(site)
    tried: list[int] = []

    def away(*_: object, **__: object) -> None:
        tried.append(1)
        raise StoreUnavailable("away")

    monkeypatch.setattr(site.table, "write", away)

    assert reader.get(mailing.clicks[0]).status_code == 302
    assert reader.get(mailing.picture).status_code == 200
    assert [record.getMessage() for record in caplog.records].count("hit not recorded") == 1
    assert len(tried) == 1, "a table that is away is given a rest, for each try keeps a thread of the server"


def test_what_is_kept_is_written_after_the_answer(site: Store, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    mailing = Mailing(site)
    kept: list[str] = []
    monkeypatch.setattr("crm.web.public.tracking.hits.record", lambda *_, **__: kept.append("kept"))
    answered: list[int] = []
    plain = reader.handler.get_response

    def noted(request: Any) -> Any:
        answered.append(len(kept))
        response = plain(request)
        answered.append(len(kept))
        return response

    monkeypatch.setattr(reader.handler, "get_response", noted)

    reader.get(mailing.clicks[0])

    assert (answered, kept) == ([0, 0], ["kept"])


def test_without_the_table_a_page_says_to_try_again(site: Store, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    mailing = Mailing(site)

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(site.table, "get", away)

    answer = reader.get(mailing.clicks[0])

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "in a minute" in answer.content.decode()
    assert reader.get(mailing.picture).status_code == 200


def test_a_person_s_fields_are_never_in_what_is_kept(site: Store, reader: Client) -> None:
    mailing = Mailing(site)

    reader.get(mailing.clicks[0], REMOTE_ADDR="192.0.2.77")

    [item] = [item for item in site.table.scan() if item["entityType"] == "hit"]
    assert "192.0.2.77" not in str(item)
    assert "Firefox" not in str(item)
    assert int(item["expiresAt"]) > (datetime.now(UTC) + timedelta(days=399)).timestamp()
