"""What other providers tell of e-mails, as Anymail reads it, as events of ours."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any

from anymail.exceptions import AnymailConfigurationError, AnymailWebhookValidationFailure
from django.http import HttpRequest

from crm.domain.mail_events import MailEvent, MailEventKind
from crm.mail.port import spoken

KINDS = {
    "queued": MailEventKind.ACCEPTED,
    "sent": MailEventKind.ACCEPTED,
    "delivered": MailEventKind.DELIVERED,
    "deferred": MailEventKind.DEFERRED,
    "bounced": MailEventKind.BOUNCED,
    "rejected": MailEventKind.REJECTED,
    "failed": MailEventKind.REJECTED,
    "complained": MailEventKind.COMPLAINED,
    "opened": MailEventKind.OPENED,
    "clicked": MailEventKind.CLICKED,
    "unsubscribed": MailEventKind.UNSUBSCRIBED,
}
VIEWS = {
    "brevo": "BrevoTrackingWebhookView",
    "mailgun": "MailgunTrackingWebhookView",
    "mailjet": "MailjetTrackingWebhookView",
    "mandrill": "MandrillCombinedWebhookView",
    "postmark": "PostmarkTrackingWebhookView",
    "resend": "ResendTrackingWebhookView",
    "sendgrid": "SendGridTrackingWebhookView",
    "sparkpost": "SparkPostTrackingWebhookView",
}
ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
Raw = Mapping[str, Any]


class NotSetUp(Exception):
    """Nothing is told by this provider here: it is unknown, or its secret or key is missing."""


class NotTheirs(Exception):
    """The request does not carry the secret, or is not signed as the provider signs."""


def events_of(provider: str, request: HttpRequest, *, now: datetime) -> list[MailEvent]:
    """Return what a request of a provider's tells of e-mails of ours, all else left out.

    `now` is the time of an event that has none. Raises NotSetUp, NotTheirs, and ValueError where it can't be understood.
    """
    if provider not in VIEWS:
        raise NotSetUp
    try:
        view = getattr(import_module(f"anymail.webhooks.{provider}"), VIEWS[provider])()
        if not view.basic_auth:
            raise NotSetUp
        view.run_validators(request)
        found = [_event(provider, one, now) for one in view.parse_events(request)]
    except AnymailConfigurationError as error:
        raise NotSetUp from error
    except AnymailWebhookValidationFailure as error:
        raise NotTheirs from error
    except (KeyError, TypeError, AttributeError, AssertionError, OverflowError) as error:
        raise ValueError("the events can't be understood") from error
    return [event for event in found if event is not None]


def _event(provider: str, told: Any, now: datetime) -> MailEvent | None:
    kind = KINDS.get(told.event_type)
    email_id = (told.metadata or {}).get("email_id")
    if kind is None or not isinstance(email_id, str) or not ID.fullmatch(email_id):
        return None
    return MailEvent(
        provider=provider,
        id=_id(kind, told),
        kind=kind,
        at=told.timestamp if told.timestamp is not None and told.timestamp.tzinfo is not None else now,
        email_id=email_id,
        reason=spoken(str(told.mta_response or told.description or "")),
        link=str(told.click_url or ""),
        user_agent=str(told.user_agent or ""),
        hard=kind is MailEventKind.BOUNCED and _is_hard(provider, told.esp_event),
        address=told.recipient if isinstance(told.recipient, str) else "",
    )


def _id(kind: MailEventKind, told: Any) -> str:
    """The provider's id of the event, else one of all that it says: the same when it is repeated."""
    known = told.event_id or json.dumps(told.esp_event, sort_keys=True, default=str)
    return hashlib.sha256(f"{kind.value} {known}".encode()).hexdigest()[:40]


def _is_hard(provider: str, raw: Any) -> bool:
    """Whether a bounce says that nobody can be reached there, in the provider's own words; Anymail does not tell these apart."""
    return isinstance(raw, Mapping) and _HARD[provider](raw)


def _at(raw: Raw, *names: str) -> Any:
    """What stands at the end of these names, None where something is missing on the way."""
    found: Any = raw
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _sparkpost(raw: Raw) -> bool:
    events: Sequence[Any] = list((_at(raw, "msys") or {}).values())
    return any(str(_at(one, "bounce_class")) in {"10", "30"} for one in events)


_HARD: dict[str, Callable[[Raw], bool]] = {
    "brevo": lambda raw: raw.get("event") in {"hard_bounce", "invalid_email"},
    "mailgun": lambda raw: _at(raw, "event-data", "reason") in {"bounce", "suppress-bounce"},
    "mailjet": lambda raw: raw.get("hard_bounce") in (True, "1", "true"),
    "mandrill": lambda raw: raw.get("event") == "hard_bounce",
    "postmark": lambda raw: "HardBounce" in {raw.get("Type"), raw.get("SuppressionReason")},
    "resend": lambda raw: _at(raw, "data", "bounce", "type") == "Permanent",
    "sendgrid": lambda raw: raw.get("event") == "bounce" and raw.get("type") != "blocked",
    "sparkpost": _sparkpost,
}
