"""`--as USERNAME`: a command that is run in the name of a member of staff, with that member's rights and no others."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from crm.staff import why_not

HELP = "who of staff does it: their rights are checked and the audit log names them; without it, the command line acts"


def add_as(parser: ArgumentParser) -> None:
    """Let the command take `--as USERNAME`."""
    parser.add_argument("--as", dest="acting", metavar="USERNAME", help=HELP)


def actor(options: dict[str, Any], permission: str) -> str:
    """The user name to be written down, empty for the command line itself. `permission` is like `crm.import_people`.

    CommandError where nobody has that name, which `--as ""` of a script without its variable is too, where the account is
    closed, or the member may not do it.
    """
    name = options["acting"]
    if name is None:
        return ""
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"Nobody has the user name “{name[:60]}”, so nothing was done. Settings → Staff lists who is there.")
    if not user.is_active:
        raise CommandError(f"The account of {name} is closed, so nothing was done in that name.")
    if not user.has_perm(permission):
        raise CommandError(f"Nothing was done in the name of {name}: {why_not(user, permission)}")
    return str(name)
