"""A test of a letter to oneself: handed to the mail server at once, marked as a test, counted nowhere."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

from crm.domain.errors import DeliveryFailed
from crm.domain.ids import new_id
from crm.domain.people import Person
from crm.jobs.message import build
from crm.jobs.render import Content, merge_fields, render
from crm.mail.port import Accepted
from crm.web.campaigns.preview import TEST_LINK
from crm.wiring import get_links, get_mailer, send_settings

logger = logging.getLogger(__name__)
DEADLINE = 15.0
"""Seconds that somebody waits for the mail server while looking at the page."""
MARK = "*This is a test. Nobody else got it, and it is counted nowhere.*\n\n---\n\n"


def send_test(content: Content, reader: Person, *, campaign_id: str, to: str, to_name: str) -> None:
    """Send the letter as `reader` would get it to `to`. DeliveryFailed says why it did not go, or may not have gone."""
    marked = replace(content, subject=f"[Test] {content.subject}", body=MARK + content.body)
    link, mail = get_links().unsubscribe_url(*TEST_LINK), send_settings()
    message = build(
        render(marked, merge_fields(reader), unsubscribe_url=link),
        email_id=f"test-{new_id()}",
        campaign_id=campaign_id,
        to=to,
        to_name=to_name,
        sender=mail.sender,
        unsubscribe_url=link,
        list_id=mail.list_id,
        date=datetime.now(UTC),
    )
    mailer = get_mailer()
    try:
        delivery = mailer.send(message, deadline=DEADLINE)
    finally:
        mailer.close()
    if not isinstance(delivery, Accepted):
        raise DeliveryFailed(f"The mail server did not confirm it: {delivery.reason}", permanent=False)
    logger.info("test sent", extra={"campaign_id": campaign_id})
