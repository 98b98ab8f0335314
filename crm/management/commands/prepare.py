"""`manage.py prepare`: everything that must be there before web and worker start."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from crm import staff, wiring
from crm.domain.filters import PeopleFilter

DEMO_USER = "demo"
FIRST_ACCOUNT = "`python manage.py create_staff NAME --role Admin --generate`"


class Command(BaseCommand):
    """Table, staff database, roles; sessions that are over go; with DEBUG a demo account. Safe to repeat."""

    help = "Prepares the table, the staff database and, with DEBUG=1, a demo account."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo-data", action="store_true", help="load demo data into an empty table, once")

    def handle(self, *args: Any, demo_data: bool, **options: Any) -> None:
        call_command("init_table", stdout=self.stdout)
        call_command("migrate", interactive=False, verbosity=0)
        call_command("clearsessions")
        if settings.DEBUG:
            prepare_demo_account()
        elif not User.objects.exists():
            self.stdout.write(f"There is no staff account yet: {FIRST_ACCOUNT} makes the first.")
        if demo_data:
            self._load_demo_once()

    def _load_demo_once(self) -> None:
        """Fill an empty table with demo data. A load that was interrupted is taken up again; one that is done never repeats."""
        marker = Path(settings.BASE_DIR) / "var" / "crm.db.demo"
        state = marker.read_text() if marker.exists() else ""
        if state == "loaded" or (not state and wiring.get_store().people.count(PeopleFilter())):
            return
        self.stdout.write("Loading demo data, this once …")
        marker.write_text("loading")
        load_demo(stdout=self.stdout)
        marker.write_text("loaded")


def load_demo(**options: Any) -> None:
    """Run `manage.py load_demo` as it runs by default."""
    call_command("load_demo", **options)


def prepare_demo_account() -> None:
    """See to it that the demo account exists, unless no password was chosen for it; one that is there keeps its own."""
    password = os.environ.get("DEMO_PASSWORD")
    if password and not User.objects.filter(username=DEMO_USER).exists():
        user = User.objects.create_user(DEMO_USER, "demo@example.org", password, first_name="Demo")
        staff.set_role(user, "Admin")


def sign_in_words() -> str:
    """Return how to sign in on this machine."""
    password = os.environ.get("DEMO_PASSWORD", "")
    demo = User.objects.filter(username=DEMO_USER, is_active=True).first() if settings.DEBUG else None
    if demo is not None and demo.check_password(password):
        return f"Sign in as {DEMO_USER} with the password {password}"
    return f"Sign in with your staff account; {FIRST_ACCOUNT} makes one"
