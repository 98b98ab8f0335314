"""`manage.py load_demo`: a made-up community to look at."""

import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from crm.domain.errors import CrmError
from crm.services.demo import Sizes, load
from crm.wiring import get_store

WIDTH = 30


class Command(BaseCommand):
    """Fills in people, events, campaigns and their results; a repeat goes on with a load that was interrupted."""

    help = (
        "Fills in made-up people, events, campaigns and their results, with addresses in .example alone. The same seed gives the "
        "same data and leaves nothing to be sent; a repeat adds only what is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """How much."""
        sizes = Sizes()
        parser.add_argument("--people", type=int, default=sizes.people, metavar="N", help=f"default {sizes.people:,}")
        parser.add_argument("--events", type=int, default=sizes.events, metavar="N", help=f"default {sizes.events}")
        parser.add_argument("--campaigns", type=int, default=sizes.campaigns, metavar="N", help=f"default {sizes.campaigns}")
        parser.add_argument("--seed", type=int, default=1, help="default 1; another seed makes up others")
        parser.add_argument("--force", action="store_true", help="add them to people who are there already")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write everything, with a progress bar on a terminal, and say what there is."""
        began = time.monotonic()
        sizes = Sizes(people=options["people"], events=options["events"], campaigns=options["campaigns"])
        try:
            plan = load(
                get_store(),
                sizes,
                seed=options["seed"],
                now=timezone.now(),
                sender=settings.DEFAULT_FROM_EMAIL,
                force=options["force"],
                progress=self._show,
            )
        except CrmError as error:
            raise CommandError(error.message) from error
        names = sum(len(planned.attendances) for planned in plan.events)
        mails = sum(len(planned.emails) for planned in plan.mailings.campaigns)
        self.stdout.write(
            f"{len(plan.crowd.people):,} people, {len(plan.events):,} events with {names:,} names on their lists and "
            f"{len(plan.mailings.campaigns):,} campaigns with {mails:,} e-mails in {time.monotonic() - began:.0f} s"
        )

    def _show(self, what: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            filled = WIDTH * done // max(total, 1)
            bar = "█" * filled + "·" * (WIDTH - filled)
            self.stderr.write(f"\r{what:<10} {bar} {done:,} of {total:,}", ending="\n" if done >= total else "")
