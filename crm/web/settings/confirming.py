"""The letter with the link by which a sender is confirmed: handed to the mail server at once."""

import logging
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from crm.domain.errors import DeliveryFailed
from crm.domain.ids import new_id
from crm.domain.mail_settings import Sender
from crm.jobs.message import sender_parts
from crm.mail.port import Accepted, OutgoingMessage
from crm.wiring import get_links, get_mailer, send_settings

logger = logging.getLogger(__name__)
DEADLINE = 15.0
"""Seconds that somebody waits for the mail server while looking at the page."""
VALID = timedelta(days=7)
WORDS = """\
Hello,

somebody at {organisation} wants to send letters from this address, and asks whether whoever reads its mail agrees:

{sender}

To agree, open this link, sign in and confirm. It is valid for a week.

{url}

If you don't know of this, do nothing: without the link no letter will be from this address.
"""


def mail_link(sender: Sender, *, organisation: str, now: datetime) -> None:
    """Mail the link to the sender's address. DeliveryFailed says why it did not go, or may not have gone."""
    url = get_links().sender_url(sender.mark, now + VALID)
    text = WORDS.format(organisation=organisation, sender=sender.shown, url=url)
    mailer = get_mailer()
    try:
        delivery = mailer.send(_message(sender.address, text, now), deadline=DEADLINE)
    finally:
        mailer.close()
    if not isinstance(delivery, Accepted):
        raise DeliveryFailed(f"The mail server did not confirm it: {delivery.reason}", permanent=False)
    logger.info("sender asked", extra={"sender": sender.mark})


def _message(to: str, text: str, now: datetime) -> OutgoingMessage:
    """The whole message, from the sender of the environment."""
    name, address = sender_parts(send_settings().sender)
    local, _, host = to.rpartition("@")
    recipient = f"{local}@{host.encode('idna').decode()}"
    email_id = f"sender-{new_id()}"
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(display_name=name, addr_spec=address)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = "May letters come from this address?"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{email_id}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return OutgoingMessage(email_id=email_id, sender=address, recipient=recipient, data=message.as_bytes())
