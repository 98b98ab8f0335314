"""The analytics page, its CSV, its chart, and the first page."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.conf import settings
from django.test import Client

from crm.domain.campaigns import Utm
from crm.domain.emails import Email, EmailState
from crm.domain.metrics import parse_email_query
from crm.store import Store
from crm.web.charts import BOTTOM, TOP, plot, spark, split
from crm.web.columns import Column, columns, step_for, steps_that_fit
from tests.factories import NOW, make_campaign
from tests.mailings import keep_emails, make_email

SignIn = Callable[[str], Client]


@pytest.fixture
def marketer(sign_in: SignIn) -> Client:
    return sign_in("Marketer")


def history(store: Store) -> list[Email]:
    """Two campaigns in April and May 2026."""
    spring, autumn = (store.campaigns.create(make_campaign(subject=subject)) for subject in ("Spring", "Autumn"))
    moments = [datetime(2026, month, day, 9, tzinfo=UTC) for month, day in ((4, 30), (5, 1), (5, 1), (5, 2))]
    statuses = [EmailState.SENT, EmailState.SENT, EmailState.FAILED, EmailState.UNCERTAIN]
    emails = [
        make_email(campaign_id=campaign.id, created_at=moment, status=status, email="reader@example.org", utm=Utm(source=source))
        for campaign, source in ((spring, "newsletter"), (autumn, "partner"))
        for moment, status in zip(moments, statuses, strict=True)
    ]
    keep_emails(store, emails)
    return emails


def tiles(page: str) -> dict[str, int]:
    found = re.findall(r'fig-label">(\w+)</span><span class="fig-value[^"]*">([\d,]+)<', page)
    return {name: int(number.replace(",", "")) for name, number in found}


def lines(answer: object) -> list[dict[str, str]]:
    text = b"".join(answer).decode("utf-8-sig")  # type: ignore[call-overload]
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("query", "sent", "failed", "uncertain"),
    [
        ("", 4, 2, 2),
        ("?start_date=2026-05-01", 2, 2, 2),
        ("?start_date=2026-05-01&end_date=2026-05-01", 2, 2, 0),
        ("?utm_source=partner", 2, 1, 1),
        ("?status=failed&status=uncertain", 0, 2, 2),
        ("?end_date=2026-04-29", 0, 0, 0),
    ],
)
def test_tiles_list_and_csv_tell_the_same(
    marketer: Client, site: Store, query: str, sent: int, failed: int, uncertain: int
) -> None:
    history(site)

    page = marketer.get(f"/analytics/{query}").content.decode()
    rows = lines(marketer.get(f"/analytics/emails.csv{query}"))

    assert {name: tiles(page)[name] for name in ("Sent", "Failed", "Uncertain")} == {
        "Sent": sent,
        "Failed": failed,
        "Uncertain": uncertain,
    }
    assert len(rows) == sent + failed + uncertain
    assert [row["createdAt"] for row in rows] == sorted((row["createdAt"] for row in rows), reverse=True)
    assert page.count("reader@example.org") == len(rows)


def test_a_click_on_a_number_leads_to_its_e_mails(marketer: Client, site: Store) -> None:
    history(site)

    page = marketer.get("/analytics/?utm_source=partner").content.decode()
    link = re.search(r'class="fig" href="([^"]+)"><span class="fig-label">Failed', page)
    assert link
    failed = marketer.get("/analytics/" + link.group(1).replace("&amp;", "&")).content.decode()

    assert tiles(failed) == {
        "Sent": 0,
        "Queued": 0,
        "Failed": 1,
        "Uncertain": 0,
        "Skipped": 0,
        "Opened": 0,
        "Clicked": 0,
    }


def test_the_list_can_be_paged_forth_and_back(marketer: Client, site: Store) -> None:
    moment = datetime(2026, 5, 1, 9, tzinfo=UTC)
    keep_emails(site, [make_email(created_at=moment, email=f"n{number:02}@example.org") for number in range(30)])

    first = marketer.get("/analytics/").content.decode()
    link = re.search(r'rel="next" href="([^"]+)"', first)
    assert link
    second = marketer.get(
        f"/analytics/{link.group(1).replace('&amp;', '&')}", headers={"HX-Request": "true", "HX-Target": "emails"}
    )
    text = second.content.decode()

    assert "1–25 of 30" in first
    assert "26–30 of 30" in text
    assert text.lstrip().startswith('<section class="section" id="emails"')
    assert {*re.findall(r"n\d\d@", first)} | {*re.findall(r"n\d\d@", text)} == {f"n{number:02}@" for number in range(30)}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("start_date=yesterday", "start_date must be one day"),
        ("status=opened", "status “opened” is unknown"),
        ("start_date=2026-05-02&end_date=2026-05-01", "The first day is after the last one"),
    ],
)
def test_a_bad_filter_is_said_and_what_was_typed_stays(marketer: Client, query: str, words: str) -> None:
    response = marketer.get(f"/analytics/?{query}&utm_source=partner")

    assert response.status_code == 422
    assert words in response.content.decode()
    assert 'value="partner"' in response.content.decode()
    assert marketer.get(f"/analytics/emails.csv?{query}").status_code == 422


def test_a_token_that_was_changed_is_refused(marketer: Client) -> None:
    assert marketer.get("/analytics/?nextToken=abc").status_code == 400


def test_an_empty_history_and_an_empty_answer_are_two_things(marketer: Client, site: Store) -> None:
    nothing = marketer.get("/analytics/").content.decode()
    history(site)
    none_found = marketer.get("/analytics/?utm_campaign=unknown").content.decode()

    assert "Nothing was sent yet" in nothing
    assert "No e-mails found" in none_found


def test_csv_is_for_those_who_may_take_it_away(sign_in: SignIn, site: Store) -> None:
    viewer = sign_in("Viewer")

    assert viewer.get("/analytics/").status_code == 200
    assert viewer.get("/analytics/emails.csv").status_code == 403


def test_who_takes_the_e_mails_away_stands_in_the_audit_log(marketer: Client, site: Store) -> None:
    history(site)

    marketer.head("/analytics/emails.csv")
    marketer.get("/analytics/emails.csv?utm_source=")
    marketer.get("/analytics/emails.csv?utm_source=partner&status=failed&hits=all")

    noted = [one for one in site.audit.of_month(f"{datetime.now(UTC):%Y-%m}") if one.action == "emails.exported"]
    assert sorted(str(one.facts["filter"]) for one in noted) == ["", "status utm_source"]
    assert {bool(one.actor) for one in noted} == {True}


def test_a_cell_can_not_become_a_formula(marketer: Client, site: Store) -> None:
    keep_emails(site, [make_email(email="=cmd@example.org")])

    assert lines(marketer.get("/analytics/emails.csv"))[0]["email"] == "'=cmd@example.org"


def test_a_chart_has_a_column_for_each_day_also_for_empty_ones() -> None:
    series = [{"date": "2026-05-01", "sent": 3}, {"date": "2026-05-03", "sent": 1, "failed": 2}]

    shown = columns(series, first=date(2026, 4, 30), last=date(2026, 5, 4), step="day")

    assert [sum(column.values.values()) for column in shown] == [0, 3, 0, 3, 0]


@pytest.mark.parametrize("step", ["day", "week", "month"])
def test_no_column_loses_or_doubles_an_e_mail(step: str) -> None:
    first, last = date(2026, 1, 14), date(2026, 4, 3)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    series = [{"date": day.isoformat(), "sent": number} for number, day in enumerate(days)]

    shown = columns(series, first=first, last=last, step=step)

    assert sum(column.values["sent"] for column in shown) == sum(range(len(days)))
    assert (shown[0].first, shown[-1].last) == (first, last)
    assert all(after.first - before.last == timedelta(days=1) for before, after in pairwise(shown))


def test_bars_stay_inside_the_plot_and_nothing_that_happened_is_invisible() -> None:
    values = [{"sent": 1_000_000, "failed": 1}, {"sent": 0}, {"uncertain": 1}]

    drawn = plot([Column(first=date(2026, 5, 1), last=date(2026, 5, 1), values=one) for one in values])

    pieces = [piece for bar in drawn.bars for piece in bar.pieces]
    assert [piece.name for piece in pieces] == ["sent", "failed", "uncertain"]
    assert all(float(piece.height) >= 1 and TOP - 4 <= float(piece.y) <= BOTTOM for piece in pieces)


def test_shares_never_add_up_to_more_than_the_whole() -> None:
    pieces = split({"sent": 997, "failed": 1, "uncertain": 1, "skipped": 1}, 1000)

    assert sum(float(piece.width.rstrip("%")) for piece in pieces) <= 100.1
    assert min(float(piece.width.rstrip("%")) for piece in pieces) > 0.4


def test_steps_fit_the_range() -> None:
    assert step_for(date(2026, 5, 1), date(2026, 5, 30)) == "day"
    assert step_for(date(2025, 5, 1), date(2026, 4, 30)) == "week"
    assert steps_that_fit(date(2026, 5, 1), date(2026, 5, 3)) == ["day"]
    assert "day" not in steps_that_fit(date(2020, 5, 1), date(2026, 5, 3))


def test_a_line_needs_two_numbers() -> None:
    assert spark([5]) == ""
    assert spark([0, 0]) == ""
    assert spark([1, 1]) == "M0.0 30.0 L100.0 30.0"


def test_a_page_of_which_everything_is_gone_is_the_first_one(sign_in: SignIn, site: Store) -> None:
    emails = [make_email(created_at=NOW + timedelta(minutes=minute)) for minute in range(26)]
    keep_emails(site, emails)
    token = site.email_lists.find(parse_email_query({}, zone=settings.CRM_TIME_ZONE), limit=25).next_token

    site.table.client.delete_item(TableName=site.table.name, Key={"PK": {"S": f"EMAIL#{emails[0].id}"}, "SK": {"S": "ANALYTICS"}})
    page = sign_in("Viewer").get(f"/analytics/?nextToken={token}").content.decode()

    assert "1–25" in page
