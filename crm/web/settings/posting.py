"""Letters of the settings, with a link that somebody has asked for: handed to the mail server at once."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from crm.domain.errors import DeliveryFailed
from crm.jobs.message import sender_parts
from crm.mail.port import Accepted, Mailer, OutgoingMessage
from crm.wiring import send_settings

DEADLINE = 15.0
"""Seconds that somebody waits for the mail server while looking at the page."""


def hand_over(mailer: Mailer, to: str, *, subject: str, text: str, email_id: str, now: datetime) -> None:
    """Give the letter to `mailer`, and close that. DeliveryFailed says why it did not go, or may not have gone."""
    try:
        delivery = mailer.send(_message(to, subject, text, email_id, now), deadline=DEADLINE)
    finally:
        mailer.close()
    if not isinstance(delivery, Accepted):
        raise DeliveryFailed(f"The mail server did not confirm it: {delivery.reason}", permanent=False)


def _message(to: str, subject: str, text: str, email_id: str, now: datetime) -> OutgoingMessage:
    """The whole message, from the sender of the environment."""
    name, address = sender_parts(send_settings().sender)
    local, _, host = to.rpartition("@")
    recipient = f"{local}@{host.encode('idna').decode()}"
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(display_name=name, addr_spec=address)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{email_id}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return OutgoingMessage(email_id=email_id, sender=address, recipient=recipient, data=message.as_bytes())
