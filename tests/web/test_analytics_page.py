"""The analytics page: its numbers and the lists behind them, the breakdowns, whose hits count, and the CSV of each table."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html import unescape
from itertools import cycle

import pytest
from django.http import QueryDict
from django.test import Client

from crm.domain.campaigns import Utm
from crm.domain.emails import Email, EmailState
from crm.domain.keeping import Keeping
from crm.domain.mail_domains import OTHER
from crm.store import Store
from crm.store.cost import metered
from crm.store.stats import StatsRepository
from crm.web.analytics.filters import presets
from crm.web.analytics.links import Links
from tests.factories import make_campaign
from tests.mailings import keep_emails, make_email

SignIn = Callable[[str], Client]
FIRST = datetime(2026, 5, 1, 9, tzinfo=UTC)


@pytest.fixture
def marketer(sign_in: SignIn) -> Client:
    return sign_in("Marketer")


def history(store: Store) -> list[Email]:
    """Two campaigns on two days: one opened by people and programs, with all that can happen; one without any UTM value."""
    spring, autumn = (store.campaigns.create(make_campaign(subject=subject)) for subject in ("Spring", "Autumn"))
    utm, later = Utm(campaign="spring", source="newsletter", medium="email"), FIRST + timedelta(hours=1)
    happened: list[dict[str, object]] = [
        {"opened_at": later, "clicked_at": later, "delivered_at": later, "unsubscribed_at": later},
        {"opened_at": later, "delivered_at": later},
        {"opened_any_at": later, "clicked_any_at": later, "bounced_at": later},
        {"status": EmailState.FAILED},
        {"status": EmailState.UNCERTAIN},
    ]
    hosts = [("one.example", ""), ("two.example", ""), ("three.example", OTHER)]
    emails = [
        make_email(campaign_id=spring.id, created_at=FIRST, utm=utm, email=f"a@{host}", domain=domain, **values)
        for (host, domain), values in zip(cycle(hosts), happened, strict=False)
    ]
    emails += [
        make_email(campaign_id=autumn.id, created_at=FIRST + timedelta(days=1), email="b@one.example", **values)
        for values in ({"opened_at": later + timedelta(days=1)}, {"status": EmailState.QUEUED}, {"status": EmailState.SKIPPED})
    ]
    keep_emails(store, emails)
    return emails


def text(client: Client, address: str) -> str:
    return unescape(client.get(address).content.decode())


def lines(client: Client, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    body = b"".join(answer).decode("utf-8-sig")  # type: ignore[call-overload]
    return list(csv.DictReader(io.StringIO(body)))


def links(page: str) -> set[tuple[str, int]]:
    """Every link to a list, with its number."""
    plain = re.findall(r'href="(\?[^"]*)#emails">(?:Show all )?([\d,]+)<', page)
    tiles = re.findall(r'href="(\?[^"]*)#emails"><span class="fig-label">\w+</span><span class="fig-value[^"]*">([\d,]+)<', page)
    return {(query, int(number.replace(",", ""))) for query, number in plain + tiles}


def names(page: str) -> list[str]:
    """What the rows of the breakdown are about, from top to bottom."""
    table = page.partition('id="breakdown"')[2].partition("</table>")[0]
    return re.findall(r'<th scope="row"><a class="who" href="[^"]+"><bdi>([^<]+)<', table)


@pytest.mark.parametrize("query", ["by=domain", "by=utm_source&hits=all&status=sent&status=failed"])
def test_every_number_leads_to_a_list_of_just_so_many(marketer: Client, site: Store, query: str) -> None:
    history(site)

    found = links(text(marketer, f"/analytics/?{query}"))
    lists = {(link, len(lines(marketer, f"/analytics/emails.csv{link}"))) for link, _ in found}

    assert len(found) >= 18
    assert lists == found


def test_a_list_by_outcome_says_what_it_holds_and_leads_back(marketer: Client, site: Store) -> None:
    history(site)

    page = text(marketer, "/analytics/?outcome=opened&utm_source=newsletter")

    assert ">2 e-mails opened by people<" in page
    assert "1–2 of 2" in page
    assert 'href="?utm_source=newsletter#emails">Show all 5<' in page
    assert "CSV of all 2 e-mails" in page


@pytest.mark.parametrize(
    ("outcome", "number"), [("sent", 5), ("not_opened", 2), ("not_clicked", 4), ("opened_any", 4), ("bounced", 1), ("failed", 1)]
)
def test_a_list_has_as_many_as_its_heading_says(marketer: Client, site: Store, outcome: str, number: int) -> None:
    history(site)

    page = text(marketer, f"/analytics/?outcome={outcome}")

    assert f"1–{number} of {number}<" in page


def test_an_outcome_among_some_states_is_listed_without_a_number(marketer: Client, site: Store) -> None:
    history(site)

    page = text(marketer, "/analytics/?outcome=opened&status=sent")

    assert ">E-mails opened by people<" in page
    assert "1–3<" in page.replace(" of ", " ?")


@pytest.mark.parametrize(
    ("query", "opened", "clicked", "checked"),
    [("", 3, 1, True), ("?hits=all", 4, 2, False), ("?hits=all&hits=people", 3, 1, True), ("?hits=people", 3, 1, True)],
)
def test_the_switch_says_whose_hits_count(
    marketer: Client, site: Store, query: str, opened: int, clicked: int, checked: bool
) -> None:
    history(site)

    page = text(marketer, f"/analytics/{query}")

    tiles = dict(re.findall(r'fig-label">(\w+)</span><span class="fig-value[^"]*">([\d,]+)<', page))
    assert (tiles["Opened"], tiles["Clicked"]) == (str(opened), str(clicked))
    assert bool(re.search(r'role="switch" id="hits" name="hits" value="people" checked', page)) is checked


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("campaign_id", ["Spring", "Autumn"]),
        ("utm_campaign", ["spring", "None"]),
        ("utm_source", ["newsletter", "None"]),
        ("utm_medium", ["email", "None"]),
        ("domain", ["one.example", "two.example", "All other domains"]),
    ],
)
def test_e_mails_are_broken_down_by_each_tab(marketer: Client, site: Store, by: str, rows: list[str]) -> None:
    history(site)

    assert names(text(marketer, f"/analytics/?by={by}")) == rows


@pytest.mark.parametrize(
    ("sort", "first", "way"),
    [
        ("", "Spring", "descending"),
        ("-sent", "Autumn", "ascending"),
        ("value", "Autumn", "ascending"),
        ("-value", "Spring", "descending"),
        ("share", "Autumn", "descending"),
        ("opened", "Spring", "descending"),
        ("day", "Autumn", "descending"),
        ("nonsense", "Spring", "descending"),
    ],
)
def test_a_heading_sorts_the_breakdown(marketer: Client, site: Store, sort: str, first: str, way: str) -> None:
    history(site)

    page = text(marketer, f"/analytics/?sort={sort}")

    assert names(page)[0] == first
    assert re.findall(r'aria-sort="(\w+)"', page) == [way]


def test_a_second_click_on_a_heading_turns_the_order(marketer: Client, site: Store) -> None:
    history(site)

    page = text(marketer, "/analytics/?sort=opened")

    assert re.search(r'id="sort-opened" href="\?sort=-opened#breakdown"', page)
    assert re.search(r'id="sort-failed" href="\?sort=failed#breakdown"', page)


def test_a_long_breakdown_shows_its_first_rows_and_all_of_them_when_asked(marketer: Client, site: Store) -> None:
    keep_emails(
        site, [make_email(campaign_id=f"{n:032x}", utm=Utm(source=f"source {n:02}"), created_at=FIRST) for n in range(30)]
    )

    page = text(marketer, "/analytics/?by=utm_source")
    whole = text(marketer, "/analytics/?by=utm_source&rows=all")

    assert "The first 25 of 30; the CSV has all." in page
    assert 'href="?by=utm_source&rows=all#breakdown"' in page
    assert (len(names(page)), len(names(whole))) == (25, 30)


def test_the_csv_of_a_breakdown_has_the_rows_of_the_page_in_its_order(marketer: Client, site: Store) -> None:
    history(site)

    rows = lines(marketer, "/analytics/breakdown.csv?by=campaign_id&sort=-sent&hits=all")

    assert [(row["subject"], row["created"], row["sent"], row["opened_any"]) for row in rows] == [
        ("Autumn", "3", "1", "1"),
        ("Spring", "5", "3", "3"),
    ]


def test_the_csv_of_the_chart_has_its_steps(marketer: Client, site: Store) -> None:
    history(site)

    days = lines(marketer, "/analytics/series.csv?start_date=2026-04-30&end_date=2026-05-02")
    weeks = lines(marketer, "/analytics/series.csv?start_date=2026-04-27&end_date=2026-05-10&step=week")

    assert [(row["first_date"], row["created"], row["opened"]) for row in days] == [
        ("2026-04-30", "0", "0"),
        ("2026-05-01", "5", "2"),
        ("2026-05-02", "3", "1"),
    ]
    assert [(row["first_date"], row["last_date"], row["created"]) for row in weeks] == [
        ("2026-04-27", "2026-05-03", "8"),
        ("2026-05-04", "2026-05-10", "0"),
    ]


def test_numbers_of_a_range_that_cuts_a_day_stay_within_it(marketer: Client, site: Store) -> None:
    keep_emails(site, [make_email(created_at=FIRST + timedelta(hours=hours)) for hours in (0, 2, 4, 30)])

    found = links(text(marketer, "/analytics/?start_date=2026-05-01T11:00:00Z&end_date=2026-05-02T15:00:00Z"))

    assert {number for _, number in found} == {1, 2, 3}
    assert {(query, len(lines(marketer, f"/analytics/emails.csv{query}"))) for query, _ in found} == found


@pytest.mark.parametrize("query", ["by=colour", "hits=robots", "outcome=lost"])
def test_what_is_no_such_word_is_said(marketer: Client, query: str) -> None:
    name = query.partition("=")[0]

    page = marketer.get(f"/analytics/?{query}&utm_source=partner")

    assert page.status_code == 422
    assert f"{name} must be one of" in page.content.decode()
    assert 'value="partner"' in page.content.decode()
    if name != "outcome":
        assert marketer.get(f"/analytics/breakdown.csv?{query}").status_code == 422


@pytest.mark.parametrize("name", ["emails", "series", "breakdown"])
def test_no_table_is_taken_away_by_those_who_may_only_look(sign_in: SignIn, site: Store, name: str) -> None:
    history(site)
    viewer = sign_in("Viewer")

    page = viewer.get("/analytics/").content.decode()

    assert viewer.get(f"/analytics/{name}.csv").status_code == 403
    assert f"/analytics/{name}.csv" not in page
    assert page.count('aria-disabled="true" title="') >= 3


def test_old_e_mails_that_are_gone_are_told_of(marketer: Client, site: Store) -> None:
    old = datetime.now(UTC) - timedelta(days=500)
    until = Keeping(years=1).until(old)
    keep_emails(site, [make_email(created_at=old, kept_until=until, campaign_id="a" * 32) for _ in range(2)])
    keep_emails(site, [make_email(created_at=old)])

    page = text(marketer, "/analytics/")

    assert ">3 e-mails<" in page
    assert "CSV of this e-mail" in page
    assert "2 more are counted above, but no longer kept one by one." in page


def test_the_page_costs_the_same_however_many_e_mails_there_are(marketer: Client, site: Store) -> None:
    costs = []
    for number in (160, 480):  # enough for a page from each lane
        keep_emails(site, [make_email(created_at=FIRST, campaign_id="c" * 32) for _ in range(number)])
        site.stats.fold_all()
        with metered() as cost:
            marketer.get("/analytics/?start_date=2026-05-01&end_date=2026-05-31")
        costs.append((cost.requests, cost.items_read))

    assert costs[0] == costs[1]
    assert costs[0][0] <= 14


@pytest.mark.parametrize(
    ("today", "quarter", "year"),
    [(date(2026, 5, 14), "2026-04-01", "2026-01-01"), (date(2026, 1, 1), "2026-01-01", "2026-01-01")],
)
def test_ranges_end_today(today: date, quarter: str, year: str) -> None:
    found = presets(QueryDict("status=sent"), Links(QueryDict("status=sent")), today)

    begins = [QueryDict(preset.query[1:]).get("start_date") for preset in found]
    assert begins == [*((today - timedelta(days=days)).isoformat() for days in (6, 29)), quarter, year, None]
    assert {QueryDict(preset.query[1:]).get("end_date") for preset in found[:-1]} == {today.isoformat()}
    assert [preset.name for preset in found if preset.here] == ["All"]


def test_a_change_of_the_filter_keeps_what_one_sees(marketer: Client, site: Store) -> None:
    history(site)

    page = text(marketer, "/analytics/?by=domain&sort=-opened&step=day&hits=all&utm_source=newsletter")

    for name, value in (("by", "domain"), ("sort", "-opened"), ("step", "day")):
        assert f'<input type="hidden" name="{name}" value="{value}">' in page
    assert 'id="range-1" href="?' in page
    assert all("hits=all" in query for query in re.findall(r'id="(?:range|by|step|sort)-\w+" href="([^"]+)"', page))


@pytest.mark.parametrize("query", ["", "&by=domain&hits=all&outcome=clicked_any"])
def test_all_of_a_page_stands_on_one_reading_of_the_counters(
    marketer: Client, site: Store, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    history(site)
    read, snapshot = [], StatsRepository.snapshot
    monkeypatch.setattr(StatsRepository, "snapshot", lambda *args, **asked: read.append(asked) or snapshot(*args, **asked))

    page = marketer.get(f"/analytics/?start_date=2026-04-01&end_date=2026-05-31{query}")

    assert page.status_code == 200
    assert len(read) == 1
