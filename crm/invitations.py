"""Asking somebody to work here: an open invitation by its link, until they join or nobody waits for them any more.

As with `crm.accounts`, one change happens at a time, and is in the audit log or did not happen. No address gets into the log.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.urls import reverse

from crm.accounts import note_change, one_at_a_time, still_manages
from crm.domain.errors import Conflict, FieldError, NotFound, RuleViolation
from crm.domain.people import well_formed_address
from crm.models import Invitation
from crm.staff import ROLES, set_role, subject
from crm.store import Store

VALID = timedelta(days=7)
CLOSED = "This invitation is not open: somebody joined with it, it was withdrawn, or a part of the link was cut off."
OVER = "This invitation is over: it was good for a week. Ask who invited you to send it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """What somebody types who joins. `full_name` is kept whole: whose it is knows how it parts."""

    username: str
    full_name: str
    password: str


def url_of(invitation: Invitation) -> str:
    """The link that is mailed; whoever has it may join with it."""
    return settings.PUBLIC_URL + reverse("account_invitation", args=[invitation.key])


def invite(store: Store, address: str, role: str, *, actor: User, now: datetime) -> Invitation:
    """Open an invitation and return it; its letter is not sent by this.

    Raises RuleViolation for what is no address or role, and where the address has an account or an invitation already.
    """
    address = address.strip()
    if not _can_be_mailed(address):
        raise RuleViolation("Write one plain address, like ada@example.org.", field="address")
    if role not in ROLES:
        raise RuleViolation("Choose one of the roles in the list.", field="role")
    with one_at_a_time(store):
        still_manages(actor)
        _free(address)
        if Invitation.objects.filter(address__iexact=address).exists():
            words = "This address is invited already: “Send again” stands in the list of staff."
            raise RuleViolation(words, field="address")
        invitation = Invitation.objects.create(
            address=address, role=role, invited_by=actor.get_username(), created_at=now, expires_at=now + VALID
        )
        note_change(store, "staff.invited", f"invitation:{invitation.pk}", actor=actor, now=now, role=role)
    return invitation


def invite_again(store: Store, invitation_id: int, *, actor: User, now: datetime) -> Invitation:
    """Let the invitation hold for a week from now and return it; links that were sent before hold as long. Raises NotFound."""
    with one_at_a_time(store):
        still_manages(actor)
        invitation = open_invitation(invitation_id)
        invitation.expires_at, invitation.sent_at = now + VALID, None
        invitation.save(update_fields=["expires_at", "sent_at"])
        what = f"invitation:{invitation.pk}"
        note_change(store, "staff.invited", what, actor=actor, now=now, role=invitation.role, again="yes")
    return invitation


def sent(invitation: Invitation, *, now: datetime) -> None:
    """Remember that a mail server took the letter."""
    Invitation.objects.filter(pk=invitation.pk).update(sent_at=now)


def withdraw(store: Store, invitation_id: int, *, actor: User, now: datetime) -> Invitation:
    """Make the links of the invitation worthless and return what it was. Raises NotFound."""
    with one_at_a_time(store):
        still_manages(actor)
        invitation = open_invitation(invitation_id)
        Invitation.objects.filter(pk=invitation.pk).delete()
        note_change(store, "staff.invitation_withdrawn", f"invitation:{invitation_id}", actor=actor, now=now)
    return invitation


def open_invitation(invitation_id: int) -> Invitation:
    """The invitation with this number; NotFound once it was used or withdrawn."""
    invitation = Invitation.objects.filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound("There is no such invitation any more: somebody joined with it, or it was withdrawn.")
    return invitation


def join(store: Store, key: str, typed: Newcomer, *, now: datetime) -> User:
    """Make the account that a link promises, and return it; the link is used up then.

    Raises NotFound where the link opens nothing, Conflict where its time is over or its address has an account by now, and
    RuleViolation for a name or a password that can't be.
    """
    with one_at_a_time(store):
        invitation = Invitation.of_key(key)
        if invitation is None:
            raise NotFound(CLOSED)
        if not invitation.holds(now):
            raise Conflict(OVER)
        if User.objects.filter(email__iexact=invitation.address).exists():
            raise Conflict("There is an account with the address of this invitation already: sign in with it.")
        user = _account(typed, invitation.address)
        user.save()
        set_role(user, invitation.role)
        Invitation.objects.filter(pk=invitation.pk).delete()
        note_change(store, "staff.joined", subject(user), actor=user, now=now, role=invitation.role, invitation=invitation.pk)
    return user


def _account(typed: Newcomer, address: str) -> User:
    """The account, not kept yet; RuleViolation names what is wrong with which field."""
    user = User(username=typed.username.strip(), first_name=" ".join(typed.full_name.split()), email=address)
    faults: list[FieldError] = []
    if "@" in user.username:
        faults.append(FieldError(field="username", message="Leave the @ out: an address signs in by itself."))
    elif User.objects.filter(username__iexact=user.username).exists():
        faults.append(FieldError(field="username", message="Somebody else has this user name; choose another one."))
    try:
        user.clean_fields(exclude=["password", "email"])
    except ValidationError as error:
        names = {"username": "username", "first_name": "fullName"}
        for name, messages in error.message_dict.items():
            faults += [FieldError(field=names.get(name, name), message=words) for words in messages]
    try:
        validate_password(typed.password, user)
    except ValidationError as error:
        faults += [FieldError(field="password", message=words) for words in error.messages]
    if faults:
        raise RuleViolation("The account was not made.", errors=faults)
    user.set_password(typed.password)
    return user


def _can_be_mailed(address: str) -> bool:
    """Whether it is an address of ours, and one that letters reach: before the `@` plain ASCII, behind it what IDNA can write."""
    try:
        validate_email(address)
        address.rpartition("@")[2].encode("idna")
    except (ValidationError, UnicodeError):
        return False
    return well_formed_address(address)


def _free(address: str) -> None:
    """RuleViolation where the address has an account, open or closed."""
    owner = User.objects.filter(email__iexact=address).first()
    if owner is None:
        return
    what = "has this address already" if owner.is_active else "had this address, and is closed: it can be opened again"
    raise RuleViolation(f"The account {owner.get_username()} {what}.", field="address")
