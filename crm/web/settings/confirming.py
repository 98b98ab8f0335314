"""The letter with the link by which a sender is confirmed: handed to the mail server at once."""

import logging
from datetime import datetime, timedelta

from crm.domain.ids import new_id
from crm.domain.mail_settings import Sender
from crm.web.settings.posting import hand_over
from crm.wiring import get_links, get_mailer

logger = logging.getLogger(__name__)
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
    hand_over(
        get_mailer(),
        sender.address,
        subject="May letters come from this address?",
        text=WORDS.format(organisation=organisation, sender=sender.shown, url=url),
        email_id=f"sender-{new_id()}",
        now=now,
    )
    logger.info("sender asked", extra={"sender": sender.mark})
