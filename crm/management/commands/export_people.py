"""People as CSV on standard output."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.domain.errors import CrmError
from crm.domain.filters import NAMES, NUMBERS, Order, parse_filter, parse_order
from crm.management.acting import actor, add_as
from crm.services.export import COLUMNS, columns_named, csv_lines, export_people, headings
from crm.services.segments import check_seen
from crm.wiring import get_store


class Command(BaseCommand):
    """Everybody who matches a filter; the options are the filter names of the pages and the API."""

    help = "Writes people as CSV. An option may be given several times, for either value; without options, everybody."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The filter's names, the order, and in whose name."""
        add_as(parser)
        for name in sorted(NAMES):
            parser.add_argument(f"--{name}", action="append", default=[], metavar="N" if name in NUMBERS else "VALUE", dest=name)
        parser.add_argument("--order", choices=[order.value for order in Order if order], default="")
        parser.add_argument("--columns", nargs="+", default=[], metavar="COLUMN", help=f"in this order, of: {', '.join(COLUMNS)}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the lines as they are read."""
        who, store = actor(options, "crm.export_people"), get_store()
        try:
            wanted = parse_filter({name: options[name] for name in NAMES})
            if who:
                check_seen(store, wanted, viewer=who)
            columns = columns_named(name for word in options["columns"] for name in word.split(","))
            rows = export_people(
                store,
                wanted,
                order=parse_order(options["order"]),
                columns=columns,
                zone=timezone.get_default_timezone(),
                actor=who,
                now=timezone.now(),
            )
            for line in csv_lines(headings(columns), rows, mark=""):
                self.stdout.write(line, ending="")
            self.stdout.flush()
        except CrmError as error:
            raise CommandError(error.message) from error
        except (
            BrokenPipeError
        ):  # the reader has seen enough, as `head` has; nothing more may be written there, not even at the exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
