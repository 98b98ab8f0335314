"""`manage.py create_staff USERNAME --role Admin`: an account for somebody who works here."""

import secrets
import sys
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from crm import second_factor
from crm.accounts import give_role, keep_an_administrator, one_at_a_time
from crm.domain.errors import RuleViolation
from crm.management.noting import note_done
from crm.staff import ROLES, role_of, subject

NEWCOMER = "Viewer"
CLOSED = "The account {} is closed: it may not sign in until an administrator opens it again."


class Command(BaseCommand):
    """Makes an account with a role. A second time it changes nothing but what is asked for, so set-up can repeat it."""

    help = "Makes a staff account with a role; one that exists keeps its password unless a new one is given."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, as what, and where the password comes from: never from the command line, where others could read it."""
        parser.add_argument("username")
        role = f"where none is given, an account keeps the one it has; who has none is {NEWCOMER} then"
        parser.add_argument("--role", choices=list(ROLES), default=None, help=role)
        parser.add_argument("--email", default=None)
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--password-stdin", action="store_true", help="read it from standard input")
        where.add_argument("--generate", action="store_true", help="make one and print it alone on the last line")
        parser.add_argument("--keep", action="store_true", help="change nothing if the account exists already")
        lost = "take the account's second factors away: for the day when the only administrator has lost theirs"
        parser.add_argument("--reset-second-factor", action="store_true", help=lost)
        parser.add_argument("--allow-weak", action="store_true", help="for a demo: take a password that could be guessed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make or change the account."""
        username, email = options["username"], options["email"]
        if options["keep"] and User.objects.filter(username__iexact=username).exists():
            self.stderr.write(f"{username} exists already and stays as it is.")
            return
        password = secrets.token_urlsafe(15) if options["generate"] else sys.stdin.readline().rstrip("\r\n")
        with one_at_a_time():
            user = User.objects.filter(username__iexact=username).first() or User(username=username)
            if user.username != username:
                raise CommandError(f"There is the account {user.username} already, and names that differ in case alone are one.")
            if email is not None:
                user.email = email
            self._check(user, password, weak=options["allow_weak"])
            old = role_of(user) if user.pk else None
            role = options["role"] or old or NEWCOMER
            done = self._save(user, password, role, old)
            if options["reset_second_factor"] and second_factor.reset(user):
                done["staff.second_factor_reset"] = {}
        for action, facts in done.items():
            if said := note_done(action, subject(user), **facts):
                self.stderr.write(said)
        self.stderr.write(f"{username} may sign in as {role}." if user.is_active else CLOSED.format(username))
        if options["generate"]:
            self.stdout.write(password)

    def _save(self, user: User, password: str, role: str, old: str | None) -> dict[str, dict[str, str | int]]:
        """Keep the account, and return what the audit log says of it: facts by action."""
        new = user.pk is None
        if not new:
            try:
                keep_an_administrator(user, role)
            except RuleViolation as error:
                raise CommandError(error.message) from error
        user.set_password(password)
        user.save()
        if role != old:
            give_role(user, role)
        if new:
            return {"staff.added": {"role": role}}
        changed: dict[str, dict[str, str | int]] = {"staff.password_changed": {}}
        return changed if role == old else {**changed, "staff.role_changed": {"from": old or "none", "to": role}}

    def _check(self, user: User, password: str, *, weak: bool) -> None:
        """CommandError for a name, address or password that can't be."""
        try:
            user.clean_fields(exclude=["password", "email"])
            if user.email:
                validate_email(user.email)
            if not password:
                raise ValidationError("The password is empty.")
            if not weak:
                validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if user.email and User.objects.filter(email__iexact=user.email).exclude(pk=user.pk).exists():
            raise CommandError(f"Another account has the address {user.email}.")
