"""What administrators do to the accounts of staff: role, closing and opening, signing out, taking a lost second factor away.

Changes of accounts come one after the other over all processes, and who changes is judged again when it is their turn: so two
administrators who take each other's role at once don't both succeed. The entry of the audit log is written before the change is
kept: where the table is away, nothing is changed.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.account.utils import user_pk_to_url_str
from allauth.usersessions.models import UserSession
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from crm import second_factor
from crm.domain.errors import NotFound, RuleViolation
from crm.models import Invitation, new_mark
from crm.services import audit
from crm.staff import ROLES, role_of, set_role, subject
from crm.store import Store

logger = logging.getLogger(__name__)
MANAGES = "Admin"
"""The role that may manage staff: somebody who may sign in has it at all times, once one had."""


@contextmanager
def one_at_a_time(store: Store | None = None) -> Iterator[None]:
    """Let one change of accounts happen at a time, all of it or nothing; others wait for it.

    The row of a role is the lock; a database without locks of rows (SQLite) lets one transaction write at a time, and whoever
    signs in waits as well. So with `store` it is found out first that the table answers: StoreUnavailable, and nothing is locked.
    """
    if store is not None:
        store.table.ping()
    with transaction.atomic():
        Group.objects.select_for_update().get(name=MANAGES)
        yield


def change_role(store: Store, user_id: int, role: str, *, actor: User, now: datetime) -> User:
    """Give the account this role and no other; its next request has its rights. The same role again changes nothing.

    Who loses the right to manage staff by it has no open invitations any more, and those of others get new links.

    Raises NotFound, and RuleViolation for one's own, for an unknown role, or where nobody would be left who manages staff.
    """
    if role not in ROLES:
        raise RuleViolation("Choose one of the roles in the list.", field="role")
    with one_at_a_time(store):
        user = _member(user_id, actor)
        old = role_of(user)
        if role == old:
            return user
        _not_oneself(user, actor, "Your own role is changed by another administrator, so that nobody locks themselves out.")
        keep_an_administrator(user, role)
        facts = {"from": old or "none", "to": role} | give_role(user, role)
        note_change(store, "staff.role_changed", subject(user), actor=actor, now=now, **facts)
    return user


def close(store: Store, user_id: int, *, actor: User, now: datetime) -> User:
    """Let nobody in with the account, and put out who is: its sessions end, its tokens and calendar feeds sleep.

    Invitations it sent that are open are withdrawn; where it managed staff, those of others get new links. Closing it again
    changes nothing.

    Raises NotFound, and RuleViolation for one's own, or where nobody would be left who manages staff.
    """
    with one_at_a_time(store):
        user = _member(user_id, actor)
        if not user.is_active:
            return user
        _not_oneself(user, actor, "Your own account is closed by another administrator, so that nobody locks themselves out.")
        keep_an_administrator(user, None)
        User.objects.filter(pk=user.pk).update(is_active=False)
        end_sessions(user)
        facts = _without_links(user, managed=role_of(user) == MANAGES)
        note_change(store, "staff.closed", subject(user), actor=actor, now=now, **facts)
    user.is_active = False
    return user


def reopen(store: Store, user_id: int, *, actor: User, now: datetime) -> User:
    """Let the account sign in again; its tokens wake up. Raises NotFound. Opening it again changes nothing."""
    with one_at_a_time(store):
        user = _member(user_id, actor)
        if user.is_active:
            return user
        end_sessions(user)  # one that began while the account was being closed was of no use until now
        User.objects.filter(pk=user.pk).update(is_active=True)
        note_change(store, "staff.reopened", subject(user), actor=actor, now=now)
    user.is_active = True
    return user


def sign_out(store: Store, user_id: int, *, actor: User, now: datetime, but: str = "") -> tuple[User, int]:
    """End all sessions of the account and return it with how many there were; `but` is the key of one that stays.

    Raises NotFound. API tokens are no sessions.
    """
    with one_at_a_time(store):
        user = _member(user_id, actor)
        ended = end_sessions(user, but=but)
        note_change(store, "staff.sessions_ended", subject(user), actor=actor, now=now, sessions=ended)
    return user, ended


def reset_factor(store: Store, user_id: int, *, actor: User, now: datetime) -> bool:
    """Take all second factors of the account away, for somebody who lost them. False: there were none, and nothing is noted.

    Raises NotFound, and RuleViolation for one's own.
    """
    with one_at_a_time(store):
        user = _member(user_id, actor)
        _not_oneself(user, actor, "Your own second factor is removed on the page of your account, or by another administrator.")
        taken = second_factor.reset(user)
        if taken:
            note_change(store, "staff.second_factor_reset", subject(user), actor=actor, now=now)
    return taken


def end_sessions(user: User, *, but: str = "") -> int:
    """End the sessions of `user`, but the one with this key, and return how many; it looks into every session that is not over.

    One that still waits for a code goes as well, uncounted.

    A request of theirs that is under way can't bring its session back: Django only ever updates one that is there.
    """
    sessions = Session.objects.filter(expire_date__gt=timezone.now()).exclude(session_key=but).iterator()
    ended, half = [], []
    for one in sessions:
        held = one.get_decoded()
        if held.get(SESSION_KEY) == str(user.pk):
            ended.append(one.session_key)
        elif (held.get(LOGIN_SESSION_KEY) or {}).get("user_pk") == user_pk_to_url_str(user):
            half.append(one.session_key)
    Session.objects.filter(session_key__in=[*ended, *half]).delete()
    UserSession.objects.filter(user=user).exclude(session_key=but).delete()
    return len(ended)


def keep_an_administrator(user: User, role: str | None) -> None:
    """RuleViolation where nobody who may sign in would manage staff once `user` has `role` (None: no way in).

    It holds for as long as one's turn (`one_at_a_time`) lasts.
    """
    if role == MANAGES or not user.is_active or role_of(user) != MANAGES:
        return
    others = User.objects.filter(is_active=True).exclude(pk=user.pk).prefetch_related("groups")
    if not any(role_of(other) == MANAGES for other in others):
        raise RuleViolation("Nobody else manages staff. Make somebody else an administrator first.")


def still_manages(actor: User) -> None:
    """RuleViolation where `actor` lost the right to manage staff before it was their turn."""
    if not User.objects.get(pk=actor.pk).has_perm("crm.manage_staff"):
        raise RuleViolation("Meanwhile somebody took the right to manage staff from you. Nothing was changed.")


def note_change(store: Store, action: str, what: str, *, actor: User, now: datetime, **facts: str | int) -> None:
    """Write the entry of a change that is about to be kept. StoreUnavailable where the table does not answer within a second."""
    audit.note_at_once(store, action, what, actor=actor.get_username(), now=now, **facts)
    logger.info(action.replace(".", " ").replace("_", " "), extra={"subject": what})


def give_role(user: User, role: str) -> dict[str, int]:
    """`set_role`, also for who could do everything without one, as accounts made by Django's own command can.

    Who may not manage staff with it has no open invitations any more; it returns what the audit log says of those.
    """
    managed = role_of(user) == MANAGES
    if user.is_superuser:
        user.is_superuser = False
        user.save(update_fields=["is_superuser"])
    set_role(user, role)
    return {} if role == MANAGES else _without_links(user, managed=managed)


def _without_links(user: User, *, managed: bool) -> dict[str, int]:
    """Make every link worthless that they may know, and return what the audit log says of it.

    What they sent is withdrawn. Whoever managed staff could see the links of others, too: these get new ones, to be sent again.
    """
    _, deleted = Invitation.objects.filter(invited_by=user.get_username()).delete()
    others = Invitation.objects.all() if managed else Invitation.objects.none()
    for invitation in others:
        Invitation.objects.filter(pk=invitation.pk).update(mark=new_mark(), sent_at=None)
    facts = {"invitationsWithdrawn": deleted.get(Invitation._meta.label, 0), "invitationsRenewed": len(others)}
    return {name: number for name, number in facts.items() if number}


def _member(user_id: int, actor: User) -> User:
    """The account as it stands now; RuleViolation where `actor` lost the right to manage staff meanwhile."""
    still_manages(actor)
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such account.")
    return user


def _not_oneself(user: User, actor: User, words: str) -> None:
    if user.pk == actor.pk:
        raise RuleViolation(words)
