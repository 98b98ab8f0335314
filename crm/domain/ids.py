"""Identifiers: opaque, URL-safe, without a border character of the keys."""

import uuid
import zlib


def new_id() -> str:
    """Return a fresh id: 32 hexadecimal characters."""
    return uuid.uuid4().hex


def checked_id(text: str) -> str | None:
    """Return `text` where `new_id` could have made it, else None: for ids that come back from a form.

    >>> checked_id("0" * 32) == "0" * 32, checked_id("0"), checked_id("../etc")
    (True, None, None)
    """
    return text if len(text) == 32 and set(text) <= set("0123456789abcdef") else None


def email_id(campaign_id: str, user_id: str) -> str:
    """Return the id of the one e-mail of a campaign to a person: the same whenever it is asked for.

    >>> email_id("a" * 32, "u1") == email_id("a" * 32, "u1") != email_id("b" * 32, "u1")
    True
    """
    return uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_OID, campaign_id), user_id).hex


def part_of(text: str, parts: int) -> int:
    """Return which of `parts` shards or lanes `text` belongs to; stable over processes and versions.

    >>> part_of("abc", 4)
    2
    """
    return zlib.crc32(text.encode()) % parts
