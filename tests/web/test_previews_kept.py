"""Previews are kept for their frames, beside what limits signing in, and push none of it out."""

import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.test import Client

from crm.jobs.render import Rendered
from crm.web.campaigns import preview

FRAME = "/campaigns/preview/{key}/html/"


def keep(number: int) -> str:
    return preview._keep(Rendered(subject="Hello", html=f"<p>Letter {number}</p>", text="Letter"))


@pytest.mark.django_db
def test_many_previews_leave_the_counts_of_failed_sign_ins_alone() -> None:
    counters = [f"allauth:rl:login_failed:{number}" for number in range(5)]
    for counter in counters:
        cache.set(counter, [1.0], 300)

    for number in range(400):
        keep(number)

    assert [cache.get(counter) for counter in counters] == [[1.0]] * 5


def test_four_hundred_people_who_write_at_once_all_see_their_letters(sign_in: Any) -> None:
    marketer: Client = sign_in("Marketer")

    keys = [keep(number) for number in range(400)]

    assert [marketer.get(FRAME.format(key=key)).status_code for key in (keys[0], keys[200], keys[-1])] == [200, 200, 200]


def test_where_there_are_too_many_previews_the_oldest_go(sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    marketer: Client = sign_in("Marketer")
    caches["previews"].clear()  # what live servers kept before stands there still
    monkeypatch.setattr(caches["previews"], "_max_entries", 30)
    times = (datetime(2026, 5, 4, 9, 0, second, tzinfo=UTC) for second in range(60))
    monkeypatch.setattr(preview, "datetime", SimpleNamespace(now=lambda zone: next(times)))

    keys = [keep(number) for number in range(33)]

    kept = [re.findall(r"Letter \d+", marketer.get(FRAME.format(key=key)).content.decode()) for key in keys]
    assert kept[0] == []
    assert kept[-15:] == [[f"Letter {number}"] for number in range(18, 33)]


def test_the_cache_that_all_share_holds_what_limits_count() -> None:
    assert caches["default"]._max_entries >= 100_000
