"""Who letters are from: what staff have set, and what the environment says where they have not."""

from crm.domain.errors import RuleViolation
from crm.domain.mail_settings import Letterhead, mailbox
from crm.domain.people import folded_address
from crm.store import Store


def letterhead(store: Store, default: Letterhead) -> Letterhead:
    """Return what letters say of the organisation at this moment; one request."""
    settings = store.mail_settings.get()
    return Letterhead(
        sender=default.sender,
        organisation=settings.organisation or default.organisation,
        postal_address=settings.foot_address or default.postal_address,
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
