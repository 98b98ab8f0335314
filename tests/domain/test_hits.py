"""Whose an open or click is, by what asked for it and when."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.domain.emails import EmailState
from crm.domain.hits import ANY, HOUR, PERSONS, Hit, HitClass, HitKind, burst, classify, counted, too_soon
from tests.factories import NOW
from tests.mailings import make_email

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    "user_agent",
    [
        IPHONE,
        CHROME,
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.2.0",
        "Mozilla/5.0 (Linux; Android 9; CUBOT P30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Trident/7.0; ms-office; MSOffice 16)",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP2A)",
    ],
)
def test_mail_programs_browsers_and_proxies_that_fetch_on_opening_are_people(user_agent: str) -> None:
    assert classify(user_agent=user_agent) is HitClass.PERSON


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        "   ",
        "curl/8.5.0",
        "python-requests/2.32.3",
        "Go-http-client/2.0",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Barracuda Sentinel (EE)",
        "Mozilla/5.0 (compatible; proofpoint)",
        "WhatsApp/2.23.20.0",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Microsoft Office Existence Discovery",
        CHROME.replace("Chrome", "HeadlessChrome"),
    ],
)
def test_what_says_that_it_is_a_program_or_nothing_is_a_scanner(user_agent: str) -> None:
    assert classify(user_agent=user_agent) is HitClass.SCANNER


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender", "preview", "Prefetch"])
def test_what_says_that_it_fetches_ahead_does(purpose: str) -> None:
    assert classify(user_agent=CHROME, purpose=f" {purpose}  ") is HitClass.PREFETCH


def test_a_browser_that_says_no_more_is_apples_privacy_protection() -> None:
    assert [classify(user_agent=one) for one in ("Mozilla/5.0", "mozilla/5.0")] == [HitClass.PREFETCH] * 2


def test_who_asks_for_headers_alone_is_a_scanner() -> None:
    assert classify(user_agent=CHROME, method="HEAD") is HitClass.SCANNER


@given(user_agent=st.text(max_size=300), purpose=st.text(max_size=50))
@settings(max_examples=50)
def test_whatever_is_sent_has_a_class(user_agent: str, purpose: str) -> None:
    assert classify(user_agent=user_agent, purpose=purpose) in HitClass


@pytest.mark.parametrize(
    ("kind", "seconds", "soon"),
    [
        (HitKind.OPEN, -1, True),
        (HitKind.OPEN, 1.9, True),
        (HitKind.OPEN, 2, False),
        (HitKind.CLICK, 4.9, True),
        (HitKind.CLICK, 5, False),
    ],
)
def test_nobody_reads_an_email_in_no_time(kind: HitKind, seconds: float, soon: bool) -> None:
    at = NOW + timedelta(seconds=seconds)

    assert too_soon(make_email(sent_at=NOW), kind, at) is soon
    assert too_soon(make_email(status=EmailState.UNCERTAIN, uncertain_at=NOW), kind, at) is soon


def test_what_is_still_in_hand_was_read_by_nobody() -> None:
    assert too_soon(make_email(status=EmailState.QUEUED), HitKind.OPEN, NOW + timedelta(hours=1))
    assert not too_soon(make_email(status=EmailState.FAILED, failed_at=NOW), HitKind.OPEN, NOW)


def click(number: int, seconds: float, hit_class: HitClass = HitClass.PERSON, kind: HitKind = HitKind.CLICK) -> Hit:
    at = NOW + timedelta(seconds=seconds)
    return Hit(id=f"h{number}-{seconds}", email_id="e", kind=kind, hit_class=hit_class, at=at, link=number)


@pytest.mark.parametrize(
    ("earlier", "close"),
    [
        ([], 0),
        ([(0, -1)], 0),  # the same link, tapped twice
        ([(1, -1.5)], 1),
        ([(1, 1.5)], 1),  # the other one was noted first
        ([(1, -5)], 0),
        ([(1, -5), (2, -9)], 2),
        ([(1, -5), (1, -6), (0, -3)], 0),
        ([(1, -11), (2, -9)], 0),
    ],
)
def test_several_links_at_once_are_followed_by_no_person(earlier: list[tuple[int, float]], close: int) -> None:
    assert len(burst(click(0, 0), [click(*one) for one in earlier])) == close


def test_opens_and_links_that_are_not_known_are_no_burst() -> None:
    opened = Hit(id="o", email_id="e", kind=HitKind.OPEN, hit_class=HitClass.PERSON, at=NOW)

    assert burst(click(0, 0), [opened]) == []
    assert burst(opened, [click(0, 0), click(1, 0)]) == []


hits = st.lists(
    st.builds(
        Hit,
        id=st.uuids().map(str),
        email_id=st.just("e"),
        kind=st.sampled_from(HitKind),
        hit_class=st.sampled_from(HitClass),
        at=st.integers(0, 9).map(lambda number: NOW + timedelta(seconds=number)),
        link=st.none() | st.integers(0, 2),
        counts=st.lists(st.sampled_from([HOUR, PERSONS, ANY]), unique=True, max_size=3).map(tuple),
    ),
    max_size=8,
)


@given(kept=hits)
@settings(max_examples=50)
def test_everything_that_happened_counts_once(kept: list[Hit]) -> None:
    after = counted(kept)

    assert sorted((one.kind, one.hit_class) for one in after if HOUR in one.counts) == sorted(
        {(one.kind, one.hit_class) for one in kept}
    )
    clicks = [one for one in after if one.kind is HitKind.CLICK and one.link is not None]
    assert sorted(str(one.link) for one in after if ANY in one.counts) == sorted({str(one.link) for one in clicks})
    persons = {str(one.link) for one in clicks if one.hit_class is HitClass.PERSON}
    assert sorted(str(one.link) for one in after if PERSONS in one.counts) == sorted(persons)
    assert counted(after) == after
