"""People as CSV on standard output."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.domain.errors import CrmError
from crm.domain.filters import NAMES, NUMBERS, Order, parse_filter, parse_order
from crm.services.export import COLUMNS, csv_lines, people_rows
from crm.wiring import get_store


class Command(BaseCommand):
    """Everybody who matches a filter; the options are the filter names of the pages and the API."""

    help = "Writes people as CSV. An option may be given several times, for either value; without options, everybody."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The filter's names, and the order."""
        for name in sorted(NAMES):
            parser.add_argument(f"--{name}", action="append", default=[], metavar="N" if name in NUMBERS else "VALUE", dest=name)
        parser.add_argument("--order", choices=[order.value for order in Order if order], default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the lines as they are read."""
        try:
            wanted = parse_filter({name: options[name] for name in NAMES})
            for line in csv_lines(COLUMNS, people_rows(get_store(), wanted, order=parse_order(options["order"])), mark=""):
                self.stdout.write(line, ending="")
            self.stdout.flush()
        except CrmError as error:
            raise CommandError(error.message) from error
        except (
            BrokenPipeError
        ):  # the reader has seen enough, as `head` has; nothing more may be written there, not even at the exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
