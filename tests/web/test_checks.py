"""System checks: settings that would start and then fail somebody are told at the start."""

from typing import Any

import pytest
from pytest_django import Settings

from crm.checks import settings_that_fail_later


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("EMAIL_URL", "anymail:postmark", "ANYMAIL_POSTMARK_SERVER_TOKEN is not set"),
        ("ANYMAIL", {"WEBHOOK_SECRET": "no-colon"}, "ANYMAIL_WEBHOOK_SECRET has no colon"),
        ("SNS_TOPIC_ARNS", ["crm-mail"], "'crm-mail', which names no topic"),
    ],
)
def test_what_a_mail_provider_lacks_is_told_at_the_start(settings: Settings, name: str, value: Any, says: str) -> None:
    settings.ANYMAIL = {}
    setattr(settings, name, value)

    [error] = settings_that_fail_later()

    assert says in error.msg


def test_a_provider_that_has_all_it_needs_is_fine(settings: Settings) -> None:
    settings.EMAIL_URL, settings.ANYMAIL = "anymail:postmark", {"POSTMARK_SERVER_TOKEN": "k", "WEBHOOK_SECRET": "crm:secret"}
    settings.SNS_TOPIC_ARNS = ["arn:aws:sns:eu-central-1:123456789012:crm-mail"]

    assert settings_that_fail_later() == []


@pytest.mark.parametrize("name", ["CRM_SEND_RATE", "CRM_API_RATE", "CRM_PUBLIC_RATE"])
def test_a_rate_of_0_sets_no_limit_and_one_below_is_no_rate(settings: Settings, name: str) -> None:
    setattr(settings, name, 0)
    assert settings_that_fail_later() == []

    setattr(settings, name, -1)
    assert [error.msg for error in settings_that_fail_later()] == [f"{name} is -1; it can't be less than 0."]
