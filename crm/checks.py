"""System checks: settings that would let the application start and then fail somebody, found by `manage.py check` instead."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks

from crm.mail import open_mailer

TOPIC = re.compile(r"arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")


def register_all() -> None:
    """Make Django run the checks below."""
    checks.register(settings_that_fail_later, "crm")
    checks.register(settings_for_everybody, "crm", deploy=True)


def settings_that_fail_later(**_options: Any) -> Sequence[checks.CheckMessage]:
    """Errors: values that can't work anywhere."""
    found: list[checks.CheckMessage] = []
    if any(len(key) < 16 for key in settings.LINK_KEYS):
        hint = "Anybody could guess it and unsubscribe others."
        found.append(_error(1, "A key in LINK_KEY has fewer than 16 characters.", hint))
    if not _is_address(settings.PUBLIC_URL):
        hint = "Set it to the address under which people reach this site, like https://crm.example.org."
        found.append(_error(2, f"PUBLIC_URL is {settings.PUBLIC_URL!r}, which can't begin a link in an e-mail.", hint))
    if "@" not in settings.DEFAULT_FROM_EMAIL:
        hint = "Set it to a sender, like Community <crm@example.org>."
        found.append(_error(3, f"DEFAULT_FROM_EMAIL is {settings.DEFAULT_FROM_EMAIL!r}, which is no address.", hint))
    for name in ("CRM_LEASE_SECONDS", "CRM_WINDOW", "CRM_RETRY_SECONDS"):
        value = getattr(settings, name)
        if value <= 0:
            found.append(_error(4, f"{name} is {value}; it must be more than 0.", "Remove it to get the default."))
    if 0 < settings.CRM_API_RATE < 100:
        hint = "A token may make at least 100 requests a second; 0 sets no limit."
        found.append(_error(8, f"CRM_API_RATE is {settings.CRM_API_RATE}; scripts were promised more.", hint))
    for name in ("CRM_SEND_RATE", "CRM_API_RATE", "CRM_PUBLIC_RATE"):
        if getattr(settings, name) < 0:
            found.append(_error(9, f"{name} is {getattr(settings, name)}; it can't be less than 0.", "0 sets no limit."))
    return [*found, *_mail_that_fails_later()]


def _mail_that_fails_later() -> Sequence[checks.CheckMessage]:
    """Errors of what a mail provider needs, to take mail and to tell of it."""
    found: list[checks.CheckMessage] = []
    try:
        open_mailer(settings.EMAIL_URL, region=settings.AWS_REGION)
    except ValueError as error:
        found.append(_error(5, str(error), "docs/operations.md says what each provider needs."))
    if ":" not in settings.ANYMAIL.get("WEBHOOK_SECRET", ":"):
        hint = "Write user:password; the address of the webhook is https://user:password@… then."
        found.append(_error(6, "ANYMAIL_WEBHOOK_SECRET has no colon, so that no provider can send it.", hint))
    for topic in settings.SNS_TOPIC_ARNS:
        if not TOPIC.fullmatch(topic):
            hint = "Copy it from Amazon's SNS console: arn:aws:sns:eu-central-1:123456789012:crm-mail."
            found.append(_error(7, f"SNS_TOPIC_ARNS has {topic!r}, which names no topic.", hint))
    return found


def settings_for_everybody(**_options: Any) -> Sequence[checks.CheckMessage]:
    """Warnings with `--deploy`: what is fine on a machine of one's own, but not for others."""
    found: list[checks.CheckMessage] = []
    if not settings.DEBUG and not settings.PUBLIC_URL.startswith("https://"):
        found.append(checks.Warning("PUBLIC_URL is not https.", hint="Links in e-mails should be encrypted.", id="crm.W001"))
    if settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        hint = "No provider will take such mail."
        found.append(checks.Warning("DEFAULT_FROM_EMAIL is at localhost.", hint=hint, id="crm.W002"))
    return found


def _error(number: int, message: str, hint: str) -> checks.CheckMessage:
    """An error with our prefix."""
    return checks.Error(message, hint=hint, id=f"crm.E{number:03}")


def _is_address(url: str) -> bool:
    """Whether `url` is scheme and host, and nothing that would break a path put behind it."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and not (parts.query or parts.fragment)
