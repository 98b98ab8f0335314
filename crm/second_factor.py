"""Who has a second factor, and who must have one: asked by the pages, the list of staff, and around every page.

A second factor is an app that shows codes, or a passkey. Codes on paper stand in for one that is lost; they alone are none.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth.models import User

from crm.models import SignInRule

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class Who(StrEnum):
    """Of whom a second factor is asked. Administrators are those who may manage staff."""

    NOBODY = "nobody"
    ADMINISTRATORS = "administrators"
    EVERYBODY = "everybody"


def holders() -> set[int]:
    """Return the ids of all accounts that have one; one query."""
    return set(_factors().values_list("user_id", flat=True))


def has_one(user: User, *, before: datetime | None = None) -> bool:
    """Whether this account has one, or had one before that moment; one query."""
    made = {"created_at__lt": before} if before else {}
    return bool(_factors().filter(user=user, **made).exists())


def asked_of() -> Who:
    """Return of whom it is asked; one query."""
    rule = SignInRule.objects.filter(pk=1).first()
    return Who(rule.second_factor) if rule and rule.second_factor in list(Who) else Who.NOBODY


def ask(who: Who) -> None:
    """Ask it of these from their next page on."""
    SignInRule.objects.update_or_create(pk=1, defaults={"second_factor": who.value})


def must_have(user: User, who: Who) -> bool:
    """Whether it is asked of this account, where it is asked of `who`."""
    return who is Who.EVERYBODY or (who is Who.ADMINISTRATORS and user.has_perm("crm.manage_staff"))


def is_missing(user: User) -> bool:
    """Whether this account must have one and has none; one query where nobody must, two to four else."""
    return must_have(user, asked_of()) and not has_one(user)


def reset(user: User) -> bool:
    """Take all of the account's factors away, its codes on paper too: for somebody who lost them. False: there were none."""
    return bool(Authenticator.objects.filter(user=user).delete()[0])


def codes_left(user: User) -> int | None:
    """Return how many codes on paper are unused; None where there are none."""
    kept = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(RecoveryCodes(kept).get_unused_codes()) if kept else None


def _factors() -> Any:
    return Authenticator.objects.filter(type__in=FACTORS)
