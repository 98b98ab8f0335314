"""What Amazon SES publishes about an e-mail, as events: of a configuration set (`eventType`) or an identity (`notificationType`).

The shapes are AWS's: "Contents of event data that Amazon SES publishes to Amazon SNS" in the SES developer guide.
"""

import json
import re
from datetime import datetime
from typing import Any

from crm.domain.mail_events import MailEvent, MailEventKind
from crm.mail.port import spoken
from crm.mail.sns import SnsMessage

KINDS = {
    "Send": MailEventKind.ACCEPTED,
    "Delivery": MailEventKind.DELIVERED,
    "DeliveryDelay": MailEventKind.DEFERRED,
    "Bounce": MailEventKind.BOUNCED,
    "Reject": MailEventKind.REJECTED,
    "Rendering Failure": MailEventKind.REJECTED,
    "Complaint": MailEventKind.COMPLAINED,
    "Open": MailEventKind.OPENED,
    "Click": MailEventKind.CLICKED,
}
MEMBERS = {"DeliveryDelay": "deliveryDelay", "Rendering Failure": "failure"}
"""What is told stands under the kind's name in small letters, but for these."""
ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
PERMANENT, NOT_SPAM = "Permanent", "not-spam"


def event_of(message: SnsMessage) -> MailEvent | None:
    """Return what a message of SNS tells of an e-mail of ours; None for everything else, however it looks."""
    try:
        said = json.loads(message.text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not isinstance(said.get("mail"), dict):
        return None
    name = said.get("eventType") or said.get("notificationType")
    kind, email_id = KINDS.get(name) if isinstance(name, str) else None, _email_id(said["mail"])
    told = _member(said, MEMBERS.get(name, name.lower())) if kind and isinstance(name, str) else {}
    if kind is None or not email_id or _is_no_complaint(kind, told):
        return None
    return MailEvent(
        provider="ses",
        id=message.id,
        kind=kind,
        at=_time(told.get("timestamp")) or message.at,
        email_id=email_id,
        reason=spoken(_reason(kind, told)),
        link=_text(told.get("link")),
        user_agent=_text(told.get("userAgent")),
        hard=kind is MailEventKind.BOUNCED and told.get("bounceType") == PERMANENT,
        address=_address(said["mail"]),
    )


def _email_id(mail: dict[str, Any]) -> str:
    """Our id: from the tags that we sent along, or from the header, which identities repeat where they are told to."""
    tags = mail.get("tags")
    tagged = tags.get("email_id") if isinstance(tags, dict) else None
    headers = [header for header in _list(mail.get("headers")) if _text(header.get("name")).lower() == "x-email-id"]
    found = [*(tagged if isinstance(tagged, list) else []), *[header.get("value") for header in headers]]
    return next((one for one in found if isinstance(one, str) and ID.fullmatch(one)), "")


def _is_no_complaint(kind: MailEventKind, told: dict[str, Any]) -> bool:
    """Somebody took the mail out of their spam folder, which is told as a complaint too."""
    return kind is MailEventKind.COMPLAINED and told.get("complaintFeedbackType") == NOT_SPAM


def _reason(kind: MailEventKind, told: dict[str, Any]) -> str:
    """The words of whoever sent it back or holds it up; else what SES calls it."""
    people = [*_list(told.get("bouncedRecipients")), *_list(told.get("delayedRecipients"))]
    diagnosis = next((text for one in people if (text := _text(one.get("diagnosticCode")))), "")
    if diagnosis:
        return diagnosis.removeprefix("smtp;").strip()
    names = {
        MailEventKind.BOUNCED: ("bounceType", "bounceSubType"),
        MailEventKind.DEFERRED: ("delayType",),
        MailEventKind.REJECTED: ("reason", "errorMessage"),
    }
    words = ", ".join(text for name in names.get(kind, ()) if (text := _text(told.get(name))))
    return f"Amazon SES: {words}" if words else ""


def _address(mail: dict[str, Any]) -> str:
    """Where it went: we mail one address at a time."""
    found = mail.get("destination")
    return found[0] if isinstance(found, list) and len(found) == 1 and isinstance(found[0], str) else ""


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def _member(said: dict[str, Any], name: str) -> dict[str, Any]:
    found = said.get(name)
    return found if isinstance(found, dict) else {}


def _list(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
