"""Links in e-mails and of calendars: signed, without an address in them, and valid for as long as one of their keys is."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from crm.domain.errors import BadToken
from crm.domain.people import folded_address

TAG_BYTES = 16
NUMBER_BYTES = 2
COMPACT, TEXT = b"\x01", b"\x02"
HEX_ID = re.compile(r"[0-9a-f]{32}")
TEST_LINK = ("test", "test")
"""Ids in the unsubscribe link of what nobody was really mailed: the page behind it says so."""


class Links:
    """Makes and reads what stands in links. The first of `keys` signs, all of them are tried, so a new key breaks no old link."""

    def __init__(self, keys: Sequence[str], public_url: str) -> None:
        if not keys or not all(key.strip() for key in keys):
            raise ValueError("LINK_KEY needs at least one key, and none of them may be empty.")
        self._keys = tuple(key.strip().encode() for key in keys)
        self.public_url = public_url.rstrip("/")

    def unsubscribe_url(self, email_id: str, user_id: str) -> str:
        """Return the address behind which the person of this e-mail can unsubscribe."""
        return f"{self.public_url}/u/{self.unsubscribe_token(email_id, user_id)}/"

    def unsubscribe_token(self, email_id: str, user_id: str) -> str:
        """Return the signed token of an unsubscribe link: letters, digits, `-` and `_`; 66 characters for our own ids."""
        return self._sign("unsubscribe", email_id, user_id)

    def read_unsubscribe(self, token: str) -> tuple[str, str]:
        """Return (e-mail id, user id) of an unsubscribe token; BadToken when it was changed or made for something else."""
        email_id, user_id = self._read("unsubscribe", token)
        return email_id, user_id

    def open_url(self, email_id: str) -> str:
        """Return the address of the picture that tells that this e-mail was opened."""
        return f"{self.public_url}/o/{self._sign_payload('open', _numbered(email_id, 0))}.gif"

    def read_open(self, token: str) -> str:
        """Return the e-mail id of a picture's token; BadToken when it was changed or made for something else."""
        return _from_numbered(self._verified("open", token))[0]

    def click_url(self, email_id: str, number: int) -> str:
        """Return the address that leads on to link `number` of this e-mail, from 0; 47 characters behind `/c/` for our ids."""
        return f"{self.public_url}/c/{self._sign_payload('click', _numbered(email_id, number))}/"

    def read_click(self, token: str) -> tuple[str, int]:
        """Return (e-mail id, number of the link) of a click's token; BadToken when it was changed or made for something else."""
        return _from_numbered(self._verified("click", token))

    def feed_url(self, feed_id: str) -> str:
        """Return the address of a calendar feed: whoever has it may read the feed."""
        return f"{self.public_url}/calendar/{self.feed_token(feed_id)}.ics"

    def feed_token(self, feed_id: str) -> str:
        """Return the signed token of a calendar feed: letters, digits, `-` and `_`; 67 characters for our own ids."""
        return self._sign("feed", feed_id, "")

    def read_feed(self, token: str) -> str:
        """Return the id of the feed of a token; BadToken when it was changed or made for something else."""
        return self._read("feed", token)[0]

    def sender_url(self, mark: str, until: datetime) -> str:
        """Return the address behind which who reads the mail of a sender confirms it, valid until then."""
        return f"{self.public_url}/settings/mail/verify/{self._sign('sender', mark, str(int(until.timestamp())))}/"

    def read_sender(self, token: str, *, now: datetime) -> str:
        """Return the mark of the sender that a token confirms; BadToken when it was changed, or its time is over."""
        mark, until = self._read("sender", token)
        if now.timestamp() > int(until):
            raise BadToken("This link is not valid any more: it was good for a week. Let the link be sent again.")
        return mark

    def campaign_url(self, campaign_id: str) -> str:
        """Return the address of a campaign's page, for those who may sign in."""
        return f"{self.public_url}/campaigns/{quote(campaign_id, safe='')}/"

    def event_url(self, event_id: str) -> str:
        """Return the address of an event's page, for those who may sign in."""
        return f"{self.public_url}/events/{quote(event_id, safe='')}/"

    def suppression_hashes(self, address: str) -> tuple[str, ...]:
        """Return how an address is remembered without being kept, one hash per key: the first is written, all are looked up."""
        return tuple(_mac(key, "suppression", folded_address(address).encode()).hex() for key in self._keys)

    def _sign(self, purpose: str, first: str, second: str) -> str:
        return self._sign_payload(purpose, _packed(first, second))

    def _sign_payload(self, purpose: str, payload: bytes) -> str:
        return _to_text(payload + _mac(self._keys[0], purpose, payload)[:TAG_BYTES])

    def _read(self, purpose: str, token: str) -> tuple[str, str]:
        return _unpacked(self._verified(purpose, token))

    def _verified(self, purpose: str, token: str) -> bytes:
        signed = _from_text(token)
        payload, tag = signed[:-TAG_BYTES], signed[-TAG_BYTES:]
        if not any(hmac.compare_digest(_mac(key, purpose, payload)[:TAG_BYTES], tag) for key in self._keys):
            raise BadToken("This link is not valid; perhaps a part of it was cut off.")
        return payload


def _mac(key: bytes, purpose: str, payload: bytes) -> bytes:
    """The purpose has a key of its own, so a token for one thing never opens another."""
    return hmac.digest(hmac.digest(key, b"community-crm/" + purpose.encode(), hashlib.sha256), payload, hashlib.sha256)


def _packed(first: str, second: str) -> bytes:
    if HEX_ID.fullmatch(first) and HEX_ID.fullmatch(second):
        return COMPACT + bytes.fromhex(first + second)
    if "\0" in first:
        raise ValueError("an id has no NUL character")
    return TEXT + f"{first}\0{second}".encode()


def _unpacked(payload: bytes) -> tuple[str, str]:
    if payload[:1] == COMPACT:
        text = payload[1:].hex()
        return text[:32], text[32:]
    first, _, second = payload[1:].decode().partition("\0")
    return first, second


def _numbered(id_: str, number: int) -> bytes:
    """Two bytes and the id: a hundred links of one e-mail are to stay short."""
    return number.to_bytes(NUMBER_BYTES) + (COMPACT + bytes.fromhex(id_) if HEX_ID.fullmatch(id_) else TEXT + id_.encode())


def _from_numbered(payload: bytes) -> tuple[str, int]:
    number, kind, id_ = payload[:NUMBER_BYTES], payload[NUMBER_BYTES : NUMBER_BYTES + 1], payload[NUMBER_BYTES + 1 :]
    return id_.hex() if kind == COMPACT else id_.decode(), int.from_bytes(number)


def _to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _from_text(token: str) -> bytes:
    """Decode strictly: a last character whose spare bits differ is another token, not the same one."""
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) <= TAG_BYTES or _to_text(data) != token:
        raise BadToken("This link is not valid; perhaps a part of it was cut off.")
    return data
