"""Who letters are from: what staff have set, and what the environment says where they have not."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from crm.domain.errors import Conflict, RuleViolation
from crm.domain.keeping import Keeping
from crm.domain.logo import picture_of, read_logo
from crm.domain.mail_settings import Letterhead, MailSettings, Sender, mailbox
from crm.domain.people import folded_address
from crm.services.audit import noted
from crm.services.files import Files
from crm.store import Store
from crm.store.mail_settings import STALE
from crm.store.requests import Action

logger = logging.getLogger(__name__)
TRIES = 5
EDITED = ("organisation", "postal_address", "colleagues", "tracking", "quiet_days", "keeping")
SUBJECT = "mail"
"""What the audit log calls the settings."""


def letterhead(store: Store, default: Letterhead) -> Letterhead:
    """Return what letters say of the organisation at this moment; one request."""
    return headed(store.mail_settings.get(), default)


def headed(settings: MailSettings, default: Letterhead) -> Letterhead:
    """Return what letters say with these settings."""
    return Letterhead(
        sender=default.sender,
        organisation=settings.organisation or default.organisation,
        postal_address=settings.foot_address or default.postal_address,
        site=default.site,
        logo=picture_of(settings.logo, default.site) if settings.logo else None,
    )


def senders(store: Store, default: str) -> list[str]:
    """Return whom a letter may be from, as headers show it: `default`, then what was verified, as it was added. One request."""
    verified = [sender.shown for sender in store.mail_settings.get().senders if sender.verified_at]
    return list(dict.fromkeys([default, *verified]))


def check_sender(store: Store, default: str, sender: str) -> None:
    """RuleViolation unless a letter may be from `sender` now: `default`, or an address that was verified and is still listed.

    An empty one means `default`. One request, none for an empty one or `default`.
    """
    if not sender or sender == default:
        return
    parts = mailbox(sender)
    allowed = {folded_address(known[1]) for text in senders(store, default) if (known := mailbox(text))}
    if parts is None or folded_address(parts[1]) not in allowed:
        raise RuleViolation(
            f"Letters can’t be from {sender[:100]}: it is not in the list of verified senders. "
            "Choose another sender, or let an administrator add it under Settings, Mail.",
            field="sender",
        )


def edit(
    store: Store,
    *,
    organisation: str,
    postal_address: str,
    colleagues: Sequence[str],
    tracking: bool,
    quiet_days: int | None,
    keeping: Keeping,
    version: int,
    actor: str,
    now: datetime,
) -> MailSettings:
    """Write the settings, senders left as they are, and return them as stored; what is the same already is not written again.

    Raises RuleViolation, and Conflict when `version` is not the stored one.
    """
    old = store.mail_settings.get()
    changed = replace(
        old,
        organisation=organisation,
        postal_address=postal_address,
        colleagues=tuple(colleagues),
        tracking=tracking,
        quiet_days=quiet_days,
        keeping=keeping,
    ).cleaned()
    if changed == old:
        return old
    if old.version != version:
        raise Conflict(STALE)
    fields = [name for name in EDITED if getattr(changed, name) != getattr(old, name)]
    entry = noted(store, "mail.settings_edited", SUBJECT, actor=actor, now=now, fields=", ".join(fields))
    saved = store.mail_settings.save(changed, entry)
    logger.info("mail settings edited", extra={"version": saved.version, "actor": actor})
    return saved


def add_sender(store: Store, name: str, address: str, *, actor: str, now: datetime) -> Sender:
    """Put an address into the list, to be verified by who reads its mail, and return it.

    Raises RuleViolation for what can't be in a header, and where it is there already.
    """
    sender = Sender(name=name, address=address, added_by=actor, added_at=now).cleaned()
    entry = noted(store, "mail.sender_added", sender.mark, actor=actor, now=now)
    return _changed(store, lambda old: old.with_sender(sender), entry).sender(sender.mark)


def verify_sender(store: Store, mark: str, *, actor: str, now: datetime) -> Sender:
    """Say of a sender that who reads its mail was here, and return it; once more changes nothing. Raises NotFound."""
    entry = noted(store, "mail.sender_verified", mark, actor=actor, now=now)
    return _changed(store, lambda old: old.verified(mark, now=now), entry).sender(mark)


def remove_sender(store: Store, mark: str, *, actor: str, now: datetime) -> Sender:
    """Take a sender off the list and return what it was. What was accepted for sending keeps it. Raises NotFound."""
    gone = store.mail_settings.get().sender(mark)
    _changed(store, lambda old: old.without_sender(mark), noted(store, "mail.sender_removed", mark, actor=actor, now=now))
    return gone


def set_logo(store: Store, files: Files, data: bytes, *, actor: str, now: datetime) -> MailSettings:
    """Let letters have this picture at their head, and return the settings as stored; the same again changes nothing.

    Those that went out keep the one they have: each has an address of its own, and stays. Raises RuleViolation.
    """
    logo = read_logo(data)
    with suppress(FileExistsError):
        files.save(logo.file, [data])
    entry = noted(store, "mail.logo_changed", SUBJECT, actor=actor, now=now, kind=logo.kind, size=f"{logo.width}x{logo.height}")
    saved = _changed(store, lambda old: replace(old, logo=logo), entry)
    logger.info("logo set", extra={"logo": logo.mark, "actor": actor})
    return saved


def remove_logo(store: Store, *, actor: str, now: datetime) -> MailSettings:
    """Let letters have no logo any more, and return the settings as stored; letters that went out keep theirs."""
    entry = noted(store, "mail.logo_changed", SUBJECT, actor=actor, now=now, kind="none")
    return _changed(store, lambda old: replace(old, logo=None), entry)


def _changed(store: Store, decide: Callable[[MailSettings], MailSettings], entry: Action) -> MailSettings:
    """Write what `decide` makes of the settings, with `entry`, decided anew while others are quicker; return what is stored."""

    def attempt() -> MailSettings:
        old = store.mail_settings.get()
        new = decide(old)
        return old if new == old else store.mail_settings.save(new, entry)

    for _ in range(TRIES - 1):
        with suppress(Conflict):
            return attempt()
    return attempt()
