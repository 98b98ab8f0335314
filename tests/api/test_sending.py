"""The calls about sending and analytics."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings

from crm.api import emails
from crm.domain.campaigns import Letter, Utm
from crm.domain.mail_settings import MailSettings, Sender
from crm.jobs.merge import TemplateProblem
from crm.services import campaigns
from crm.store import Store
from crm.store.calls import utc_now
from tests.api.conftest import Script
from tests.factories import NOW


def test_a_campaign_to_a_filter_is_accepted_and_counted(script: Script, ids: list[str]) -> None:
    body = {"subject": "Hello {{ firstName }}", "body": "Text", "company": "ACME", "utmCampaign": "spring"}

    status, accepted = script.post("/emails/send", body, Idempotency_Key="once")
    again = script.post("/emails/send", body, Idempotency_Key="once")
    campaign = script.get(f"/campaigns/{accepted['campaignId']}")[1]

    assert status == 202
    assert (accepted["matched"], accepted["suppressed"], accepted["willReceive"]) == (3, 0, 3)
    assert again == (202, accepted)
    assert campaign["filter"] == {"company": ["ACME"]}
    assert set(campaign["counts"]) == {"queued", "sent", "failed", "uncertain", "skipped"}
    assert len(script.get("/campaigns")[1]["items"]) == 1


def test_a_repeat_answers_as_the_first_time_whatever_has_changed_since(
    script: Script, ids: list[str], site: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(name="Crew", address="crew@example.org", added_at=NOW, verified_at=NOW)
    site.mail_settings.save(MailSettings(senders=(sender,)))
    later = utc_now() + timedelta(days=1)
    body = {"subject": "Hello", "body": "Text", "sender": sender.address, "company": "ACME", "sendAt": later.isoformat()}
    first = script.post("/emails/send", body, Idempotency_Key="once")
    site.mail_settings.save(replace(site.mail_settings.get(), senders=()))
    campaigns.undo(site, first[1]["campaignId"], now=utc_now())
    monkeypatch.setattr(emails, "now", lambda: later + timedelta(hours=1))
    monkeypatch.setattr(
        emails, "check_template", lambda *texts: [TemplateProblem(field="body", message="Is judged otherwise by now.")]
    )

    again = script.post("/emails/send", body, Idempotency_Key="once")
    anew = script.post("/emails/send", body, Idempotency_Key="another")

    assert first[0] == 202
    assert first[1]["willReceive"] == 3
    assert again == first
    assert anew[0] == 422


def test_who_is_left_out_is_counted_and_told(script: Script, ids: list[str]) -> None:
    segment = script.post("/segments", {"name": "One", "filter": {"q": "q0"}})[1]
    body = {"subject": "Hello", "body": "Text", "company": "ACME", "without": [f"segment:{segment['id']}", "days:7"]}

    status, accepted = script.post("/emails/send", body)
    campaign = script.get(f"/campaigns/{accepted['campaignId']}")[1]

    assert status == 202
    assert accepted["matched"] - accepted["suppressed"] - accepted["excluded"] == accepted["willReceive"]
    assert (accepted["matched"], accepted["excluded"]) == (3, 1)
    assert campaign["filter"] == {"company": ["ACME"], "without": [f"segment:{segment['id']}", "days:7"]}


def test_a_letter_has_all_that_a_call_says(script: Script, ids: list[str], site: Store) -> None:
    sender = Sender(name="Crew", address="crew@example.org", added_at=NOW, verified_at=NOW)
    site.mail_settings.save(MailSettings(senders=(sender,)))
    body = {
        "subject": "Hello",
        "body": "Text",
        "preheader": "For {{ firstName }}",
        "sender": "The crew <crew@example.org>",
        "replyTo": "team@example.org",
        "utmContent": "button",
        "utmTerm": "spring",
        "tracking": False,
    }

    accepted = script.post("/emails/send", body)[1]

    letter = site.campaigns.get(accepted["campaignId"]).letter
    assert letter == Letter(
        subject="Hello",
        preheader="For {{ firstName }}",
        sender="The crew <crew@example.org>",
        reply_to="team@example.org",
        body="Text",
        utm=Utm(content="button", term="spring"),
        tracking=False,
    )


@pytest.mark.parametrize("tracking", [True, False])
def test_what_a_call_leaves_out_is_as_the_settings_say(script: Script, ids: list[str], site: Store, tracking: bool) -> None:
    site.mail_settings.save(MailSettings(tracking=tracking))

    accepted = script.post("/emails/send", {"subject": "Hello", "body": "Text"})[1]

    letter = site.campaigns.get(accepted["campaignId"]).letter
    assert (letter.tracking, letter.sender) == (tracking, settings.DEFAULT_FROM_EMAIL)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"company": "nobody there"}, None),
        ({"subject": " "}, "subject"),
        ({"body": "Hi {{ fristName }}"}, "body"),
        ({"body": "{% if %}"}, "body"),
        ({"compnay": "Acme"}, "compnay"),
        ({"emailStatus": "happy"}, "emailStatus"),
        ({"company": 7}, "company"),
        ({"without": "segment:nothing"}, "without"),
        ({"without": "attends:nothing"}, "without"),
        ({"without": "everybody"}, "without"),
        ({"sendAt": 4102444800}, "sendAt"),
        ({"sendAt": "4102444800"}, "sendAt"),
        ({"attendedEventCountMin": True}, "attendedEventCountMin"),
        ({"hostedEventCountMax": "0"}, "hostedEventCountMax"),
        ({"sendAt": "2020-01-01T00:00:00Z"}, "sendAt"),
        ({"sendAt": "9999-12-31T23:59:59-14:00"}, "sendAt"),
        ({"preheader": "{{ fristName }}"}, "preheader"),
        ({"preheader": "two\nlines"}, "preheader"),
        ({"sender": "Somebody <else@example.com>"}, "sender"),
        ({"replyTo": "not an address"}, "replyTo"),
        ({"utmTerm": "x" * 101}, "utmTerm"),
        ({"tracking": "yes"}, "tracking"),
    ],
)
def test_a_campaign_that_cannot_be_is_refused(
    script: Script, ids: list[str], change: dict[str, object], field: str | None
) -> None:
    status, answer = script.post("/emails/send", {"subject": "S", "body": "B", **change})

    assert status == 422
    assert answer["detail"]
    assert field is None or field in {error["field"] for error in answer["errors"]}
    assert script.get("/campaigns")[1]["items"] == []


def test_analytics_of_nothing_are_zeros_and_bad_dates_are_named(script: Script) -> None:
    status, summary = script.get("/emails/analytics/summary?start_date=2026-05-01&end_date=2026-05-02")

    assert status == 200
    assert set(summary["totals"].values()) <= {0}
    assert script.get("/emails/analytics")[1] == {"items": [], "nextToken": None, "prevToken": None}
    assert script.get("/emails/analytics?start_date=yesterday")[0] == 422
    assert script.get("/emails/analytics?status=lost")[0] == 422


def test_somebody_without_the_scope_sends_nothing(script_for: Callable[..., Script]) -> None:
    assert script_for("people:read", "emails:read").post("/emails/send", {"subject": "S", "body": "B"})[0] == 403


@pytest.mark.parametrize(
    "address",
    [
        "/emails/analytics?start_date=9999-12-31T23:59:59-14:00",
        "/emails/analytics/summary?end_date=0001-01-01T00:00:00%2B14:00",
    ],
)
def test_a_time_that_no_calendar_holds_is_refused(script: Script, address: str) -> None:
    assert script.get(address)[0] == 422
