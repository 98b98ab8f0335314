"""The letter with the link of an invitation."""

import logging
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string

from crm import invitations
from crm.domain.errors import DeliveryFailed
from crm.domain.ids import new_id
from crm.models import Invitation
from crm.web.settings.posting import hand_over
from crm.wiring import get_mailer

logger = logging.getLogger(__name__)
LETTER = "account/email/invitation"


def mail_invitation(invitation: Invitation, *, organisation: str, inviter: str, now: datetime) -> None:
    """Mail the link to who is invited, and remember that it went.

    DeliveryFailed says why it did not go, or may not have gone; so it is where mail is switched off, too.
    """
    if not settings.MAIL_LEAVES:
        raise DeliveryFailed("Mail is switched off here (EMAIL_URL).", permanent=True)
    context = {
        "organisation": organisation,
        "inviter": inviter,
        "role": invitation.role,
        "url": invitations.url_of(invitation),
        "until": invitation.expires_at,
    }
    hand_over(
        get_mailer(),
        invitation.address,
        subject=" ".join(render_to_string(f"{LETTER}_subject.txt", context).split()),
        text=render_to_string(f"{LETTER}_message.txt", context),
        email_id=f"invitation-{new_id()}",
        now=now,
    )
    invitations.sent(invitation, now=now)
    logger.info("invitation mailed", extra={"invitation": invitation.pk})
