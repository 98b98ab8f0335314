"""`manage.py create_api_token USERNAME`: a key to the JSON API for a script."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.management.noting import note_done
from crm.staff import SCOPES, create_token, role_of


class Command(BaseCommand):
    """Makes a token; the token alone is the last line, so that a script can take it."""

    help = "Makes an API token and prints it alone on the last line. It can't be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        """The owner, and what narrows the token."""
        parser.add_argument("username", help="whose token it is: it may never more than they may")
        parser.add_argument(
            "--scopes", nargs="+", metavar="SCOPE", default=list(SCOPES), help=f"of {', '.join(SCOPES)}; default all"
        )
        parser.add_argument("--name", default="command line", help="by which one knows it again in the settings")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the token and print it."""
        scopes = [scope for text in options["scopes"] for scope in text.split(",") if scope]
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise CommandError(f"No such scope: {', '.join(unknown) or 'none given'}. There are: {', '.join(SCOPES)}.")
        owner = User.objects.filter(username=options["username"]).first()
        if owner is None:
            raise CommandError(f"Nobody has the user name {options['username']!r}. `manage.py create_staff` makes an account.")
        token, secret = create_token(owner, scopes, options["name"])
        if said := note_done("token.created", f"token:{token.pk}", scopes=" ".join(token.scopes), days="until revoked"):
            self.stderr.write(said)
        self.stderr.write(f"{owner.username} ({role_of(owner) or 'no role'}), {', '.join(token.scopes)}:")
        self.stdout.write(secret)
