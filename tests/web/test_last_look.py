"""The last look before a campaign goes out: at which moment, by whose clocks, and what stops it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client

from crm.domain.campaigns import CampaignStatus
from crm.store import Store
from tests.jobs.mailing import crowd
from tests.web.letters import id_of, written

SignIn = Callable[[str], Client]


@pytest.fixture
def marketer(sign_in: SignIn) -> Client:
    return sign_in("Marketer")


@pytest.fixture
def letter(marketer: Client, site: Store) -> str:
    """The address of a draft to one person."""
    crowd(site, 1)
    return written(marketer)


def at(when: str, zone: str = "", **more: str) -> dict[str, str]:
    return {"when": "at", "sendAt": when, "zone": zone, "expected": "1", **more}


@pytest.mark.parametrize(
    ("when", "zone", "moment"),
    [
        ("2099-05-01T10:00", "America/New_York", datetime(2099, 5, 1, 14, tzinfo=UTC)),
        ("2099-05-01T10:00", "", datetime(2099, 5, 1, 10, tzinfo=UTC)),
        ("2099-05-01 10:00:30", "Asia/Kolkata", datetime(2099, 5, 1, 4, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_one_of_the_zone_that_is_chosen(
    marketer: Client, site: Store, letter: str, when: str, zone: str, moment: datetime
) -> None:
    page = marketer.post(f"{letter}send/", at(when, zone), follow=True).content.decode()

    assert site.campaigns.get(id_of(letter)).send_at == moment
    assert "It goes out at 10:00 on 1 May 2099" in page


@pytest.mark.parametrize(
    ("when", "zone", "words"),
    [
        ("2098-03-30T02:30", "Europe/Berlin", "does not exist"),
        ("2098-10-26T02:30", "Europe/Berlin", "02:30 comes twice in Europe/Berlin"),
        ("2099-05-01T10:00", "Europe/Nowhere", "Use the name of a zone"),
        ("tomorrow", "Europe/Berlin", "is not a day"),
        ("2099-05-01", "Europe/Berlin", "is not a time"),
        ("9999-05-01T10:00", "Europe/Berlin", "can’t be meant"),
    ],
)
def test_a_time_that_is_none_or_two_is_told_and_stays_typed(
    marketer: Client, site: Store, letter: str, when: str, zone: str, words: str
) -> None:
    response = marketer.post(f"{letter}send/", at(when, zone))

    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert f'value="{when}"' in page
    assert f'value="{zone}"' in page
    assert site.campaigns.get(id_of(letter)).status is CampaignStatus.DRAFT


@pytest.mark.parametrize(("turn", "hour"), [("first", 0), ("second", 1)])
def test_of_a_time_that_comes_twice_one_says_which(marketer: Client, site: Store, letter: str, turn: str, hour: int) -> None:
    asked = marketer.post(f"{letter}send/", at("2098-10-26T02:30", "Europe/Berlin")).content.decode()

    marketer.post(f"{letter}send/", at("2098-10-26T02:30", "Europe/Berlin", turn=turn))

    assert re.findall(r'name="turn" value="(\w+)"', asked) == ["first", "second"]
    assert site.campaigns.get(id_of(letter)).send_at == datetime(2098, 10, 26, hour, 30, tzinfo=UTC)


def test_what_is_typed_for_later_does_not_matter_now(marketer: Client, site: Store, letter: str) -> None:
    marketer.post(f"{letter}send/", {"when": "now", "sendAt": "no time at all", "zone": "Europe/Nowhere", "expected": "1"})

    assert site.campaigns.get(id_of(letter)).status is CampaignStatus.SCHEDULED


def test_a_letter_from_an_address_that_is_not_verified_is_stopped(marketer: Client, site: Store) -> None:
    crowd(site, 1)
    letter = written(marketer, sender="Else <else@example.com>")

    question = marketer.get(f"{letter}send/").content.decode()
    response = marketer.post(f"{letter}send/", {"when": "now", "expected": "1"})

    assert f'href="{letter}#id_sender"' in question
    assert 'type="button" aria-disabled="true" aria-describedby="checks"' in question
    assert response.status_code == 422
    assert "First mend what is marked in the list." in response.content.decode()
    assert site.campaigns.get(id_of(letter)).status is CampaignStatus.DRAFT


def test_warnings_stand_on_the_last_look_and_stop_nothing(marketer: Client, site: Store) -> None:
    crowd(site, 1)
    letter = written(marketer, subject="A subject that is longer than what phones show of it")

    question = marketer.get(f"{letter}send/").content.decode()
    marketer.post(f"{letter}send/", {"when": "now", "expected": "1"})

    assert "phones show about 40" in question
    assert site.campaigns.get(id_of(letter)).status is CampaignStatus.SCHEDULED
