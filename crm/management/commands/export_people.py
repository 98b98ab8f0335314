"""People as CSV on standard output."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.domain.errors import CrmError
from crm.domain.filters import NAMES, NUMBERS, Order, parse_filter, parse_order
from crm.services.export import COLUMNS, columns_named, csv_lines, export_people, headings
from crm.wiring import get_store


class Command(BaseCommand):
    """Everybody who matches a filter; the options are the filter names of the pages and the API."""

    help = "Writes people as CSV. An option may be given several times, for either value; without options, everybody."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The filter's names, and the order."""
        for name in sorted(NAMES):
            parser.add_argument(f"--{name}", action="append", default=[], metavar="N" if name in NUMBERS else "VALUE", dest=name)
        parser.add_argument("--order", choices=[order.value for order in Order if order], default="")
        parser.add_argument("--columns", nargs="+", default=[], metavar="COLUMN", help=f"in this order, of: {', '.join(COLUMNS)}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the lines as they are read."""
        try:
            wanted = parse_filter({name: options[name] for name in NAMES})
            columns = columns_named(name for word in options["columns"] for name in word.split(","))
            rows = export_people(
                get_store(),
                wanted,
                order=parse_order(options["order"]),
                columns=columns,
                zone=timezone.get_default_timezone(),
                actor="",
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
