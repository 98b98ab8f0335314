"""`manage.py pause_campaigns`: everything that is to be sent stands still, before a worker meets a restored table."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.domain.campaigns import RUNNING
from crm.domain.errors import CrmError, RuleViolation
from crm.services import campaigns
from crm.wiring import get_store


class Command(BaseCommand):
    """Pauses whatever waits or runs. Safe to repeat."""

    help = (
        "Pauses every campaign that is scheduled or being sent. After a back-up was restored, before workers start: what was "
        "sent since then is not known there any more, and would be sent again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Pause one after the other, and name each."""
        store, paused = get_store(), 0
        try:
            for campaign in list(store.campaigns.walk()):
                if campaign.status not in RUNNING:
                    continue
                try:
                    campaigns.pause(store, campaign.id, now=datetime.now(UTC))
                except RuleViolation:  # it came to its end meanwhile
                    continue
                paused += 1
                self.stdout.write(f"paused: {campaign.id} {campaign.letter.subject}")
        except CrmError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{paused:,} paused. Resume or cancel each under Campaigns.")
