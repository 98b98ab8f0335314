"""Our finished message as Anymail wants it: in parts for those who build their own, as it is for Amazon SES."""

from email import message_from_bytes
from email.headerregistry import AddressHeader
from email.message import EmailMessage as Mime
from email.policy import SMTP
from email.policy import default as modern
from typing import Any

from anymail.message import AnymailMessage

from crm.domain.errors import DeliveryFailed
from crm.mail.port import OutgoingMessage

BUILT = frozenset({"from", "to", "subject", "reply-to", "date", "mime-version", "content-type", "content-transfer-encoding"})
"""Headers that a provider makes itself from what it is given."""
OWN_HEADERS = {"postmark": {"X-PM-KeepID": "true"}}
"""What keeps our Message-ID where a provider would put its own."""
AS_IT_IS = SMTP.clone(refold_source="none")


class FinishedMessage(AnymailMessage):  # type: ignore[misc]  # Anymail has no types
    """A message whose bytes leave as they are; for a provider that takes whole messages."""

    def __init__(self, data: bytes, **values: Any) -> None:
        super().__init__(**values)
        self._data = data

    def message(self, **_options: Any) -> Any:
        """Return what was built, not what Django would make of the parts."""
        return message_from_bytes(self._data, policy=AS_IT_IS)


def for_ses(message: OutgoingMessage) -> AnymailMessage:
    """Return the message as it is, with our ids as SES's tags, which its events repeat."""
    _refuse_international(message)
    parsed = _parsed(message)
    tags = [{"Name": name, "Value": value} for name, value in ids_of(message, parsed).items()]
    return FinishedMessage(message.data, from_email=message.sender, to=[message.recipient], esp_extra={"EmailTags": tags})


def in_parts(message: OutgoingMessage, provider: str) -> AnymailMessage:
    """Return both parts and all headers but those that the provider makes, with our ids as its metadata and a tag."""
    _refuse_international(message)
    parsed = _parsed(message)
    ids = ids_of(message, parsed)
    kept = {name: str(value) for name, value in parsed.items() if name.lower() not in BUILT}
    built = AnymailMessage(
        subject=str(parsed.get("Subject", "")),
        body=_body(parsed, "plain"),
        from_email=_mailbox(_name(parsed, "From"), message.sender),
        to=[_mailbox(_name(parsed, "To"), message.recipient)],
        reply_to=_reply_to(parsed) or None,
        headers=kept | OWN_HEADERS.get(provider, {}),
        metadata=ids,
        tags=[f"campaign-{ids['campaign_id']}"] if "campaign_id" in ids else [],
    )
    if html := _body(parsed, "html"):
        built.attach_alternative(html, "text/html")
    return built


def ids_of(message: OutgoingMessage, parsed: Mime) -> dict[str, str]:
    """Return `{email_id, campaign_id}` as they go along with a message, so that events about it can be told."""
    campaign_id = str(parsed.get("X-Campaign-Id", ""))
    return {"email_id": message.email_id} | ({"campaign_id": campaign_id} if campaign_id else {})


def _parsed(message: OutgoingMessage) -> Mime:
    return message_from_bytes(message.data, policy=modern)


def _refuse_international(message: OutgoingMessage) -> None:
    """Refuse what none of them takes, and what could smuggle in a second recipient; a host is in ASCII already (IDNA)."""
    for address in (message.sender, message.recipient):
        if not address.isprintable() or any(c in " \t<>,;" for c in address) or "@" not in address.strip("@"):
            raise DeliveryFailed("The address can't be mailed to: it is not one plain address.", permanent=True)
        if not address.isascii():
            text = "The mail provider takes no addresses with letters outside ASCII before the @."
            raise DeliveryFailed(text, permanent=True)


def _body(parsed: Mime, kind: str) -> str:
    part = parsed.get_body(preferencelist=(kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part else ""


def _name(parsed: Mime, header: str) -> str:
    found = parsed.get(header)
    return found.addresses[0].display_name if isinstance(found, AddressHeader) and found.addresses else ""


def _reply_to(parsed: Mime) -> list[str]:
    found = parsed.get("Reply-To")
    return [_mailbox(one.display_name, one.addr_spec) for one in found.addresses] if isinstance(found, AddressHeader) else []


def _mailbox(name: str, address: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>' if name else address
