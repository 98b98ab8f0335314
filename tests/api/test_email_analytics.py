"""What became of e-mails, over HTTP: the list, page by page, and the counts beside it."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from crm.domain.campaigns import Utm
from crm.domain.emails import Email, EmailState
from crm.domain.metrics import QUERY_NAMES
from crm.domain.outcomes import Outcome
from crm.store import Store
from crm.store.cost import metered
from tests.api.conftest import Script
from tests.factories import make_campaign
from tests.mailings import keep_emails, make_email

MAY = datetime(2026, 5, 1, 9, tzinfo=UTC)


@pytest.fixture
def spring(site: Store) -> list[Email]:
    """Forty e-mails of one campaign in two days, all to two domains; a quarter was opened, one failed."""
    campaign = site.campaigns.create(make_campaign(subject="Spring"))
    emails = [
        make_email(
            campaign_id=campaign.id,
            utm=Utm(campaign="spring"),
            email=f"reader{number}@{'one' if number % 2 else 'two'}.example",
            created_at=MAY + timedelta(days=number % 2, milliseconds=number // 4),
            status=EmailState.FAILED if number == 7 else EmailState.SENT,
            opened_at=MAY + timedelta(days=2) if number % 4 == 0 else None,
        )
        for number in range(40)
    ]
    keep_emails(site, emails)
    return emails


def every_page(script: Script, query: dict[str, Any]) -> list[list[dict[str, Any]]]:
    pages: list[list[dict[str, Any]]] = []
    token: dict[str, str] = {}
    while True:
        status, page = script.get(f"/emails/analytics?{urlencode({**query, **token}, doseq=True)}")
        assert status == 200
        pages.append(page["items"])
        if page["nextToken"] is None:
            return pages
        token = {"nextToken": page["nextToken"]}


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        ({}, lambda email: True),
        ({"status": "sent", "utm_campaign": "Spring"}, lambda email: email.status == "sent"),
        ({"status": ["failed", "skipped"]}, lambda email: email.status == "failed"),
        ({"outcome": "opened"}, lambda email: email.opened_at is not None),
        ({"outcome": "not_opened", "domain": "two.example"}, lambda email: email.opened_at is None and "two" in email.domain),
        ({"domain": "ONE.example"}, lambda email: "one" in email.domain),
        ({"end_date": "2026-05-01"}, lambda email: email.created_at.day == 1),
        ({"utm_source": "(none)", "outcome": "failed"}, lambda email: email.status == "failed"),
        ({"campaign_id": "unknown"}, lambda email: False),
    ],
)
def test_pages_give_each_e_mail_once_newest_first(
    script: Script, spring: list[Email], query: dict[str, Any], passes: Callable[[Email], bool]
) -> None:
    expected = sorted(filter(passes, spring), key=lambda email: (email.created_at, email.id), reverse=True)

    pages = every_page(script, {**query, "limit": 15})

    assert [item["id"] for page in pages for item in page] == [email.id for email in expected]
    assert [len(page) for page in pages[:-1]] == [15] * (len(pages) - 1)


def test_an_e_mail_is_told_with_all_that_is_promised(script: Script, spring: list[Email]) -> None:
    item = script.get("/emails/analytics?outcome=opened&limit=1")[1]["items"][0]

    assert item["subject"] == "Spring"
    assert (item["status"], item["utmCampaign"], item["skipReason"], item["error"]) == ("sent", "spring", None, None)
    assert item["openedAt"] == "2026-05-03T09:00:00.000Z"
    assert set(item) == {
        *("id", "campaignId", "userId", "email", "subject", "status", "skipReason", "error"),
        *("utmCampaign", "utmSource", "utmMedium", "createdAt", "sentAt", "deliveredAt", "openedAt", "clickedAt"),
    }


@pytest.mark.parametrize(
    "query", [{}, {"domain": "two.example"}, {"status": "failed"}, {"start_date": "2026-05-02"}, {"utm_campaign": "autumn"}]
)
def test_the_summary_counts_what_the_list_gives(script: Script, spring: list[Email], query: dict[str, Any]) -> None:
    items = [item for page in every_page(script, {**query, "limit": 200}) for item in page]

    summary = script.get(f"/emails/analytics/summary?{urlencode(query)}")[1]

    states = Counter(item["status"] for item in items)
    assert {state: summary["totals"][state] for state in EmailState} == {state: states[state] for state in EmailState}
    assert summary["totals"]["opened"] == sum(item["openedAt"] is not None for item in items)
    assert sum(day["sent"] for day in summary["series"]) == states["sent"]
    assert [day["date"] for day in summary["series"]] == sorted({item["createdAt"][:10] for item in items})


@pytest.mark.parametrize(
    "address",
    [
        "/emails/analytics?outcome=read",
        "/emails/analytics?outcome=opened&outcome=clicked",
        "/emails/analytics/summary?outcome=opened",
        "/emails/analytics?utmCampaign=spring",
        "/emails/analytics?limit=201",
        f"/emails/analytics?domain={'x' * 300}",
    ],
)
def test_what_can_not_be_asked_is_refused_and_named(script: Script, address: str) -> None:
    status, problem = script.get(address)

    assert status == 422
    assert problem["errors"][0]["field"] in address


def test_a_token_is_good_for_its_own_query_alone(script: Script, spring: list[Email]) -> None:
    token = script.get("/emails/analytics?limit=5&domain=one.example")[1]["nextToken"]

    assert script.get(f"/emails/analytics?limit=5&domain=one.example&nextToken={token}")[0] == 200
    assert script.get(f"/emails/analytics?limit=5&domain=two.example&nextToken={token}")[0] == 400


def test_a_page_and_a_summary_cost_the_same_however_many_e_mails_there_are(script: Script, site: Store) -> None:
    costs = []
    for number in (200, 600):  # from the first on each lane holds enough for the page
        emails = [make_email(utm=Utm(campaign="spring"), created_at=MAY, email="ada@one.example") for _ in range(number)]
        keep_emails(site, emails)
        site.stats.fold_all()
        with metered() as cost:
            script.get("/emails/analytics?status=sent&utm_campaign=spring&limit=25")
            script.get("/emails/analytics/summary?utm_campaign=spring&domain=one.example")
        costs.append((cost.requests, cost.items_read, cost.read_units))

    assert costs[0] == costs[1]


def test_every_name_of_a_query_is_described_with_its_values(script: Script) -> None:
    paths = script.get("/openapi.json")[1]["paths"]

    listed = {one["name"]: one["schema"] for one in paths["/api/emails/analytics"]["get"]["parameters"]}
    counted = {one["name"] for one in paths["/api/emails/analytics/summary"]["get"]["parameters"]}
    assert set(listed) == {*QUERY_NAMES, "limit", "nextToken", "prevToken"}
    assert counted == QUERY_NAMES - {"outcome"}
    assert listed["status"]["items"]["enum"] == [state.value for state in EmailState]
    assert listed["outcome"]["enum"] == [outcome.value for outcome in Outcome]
