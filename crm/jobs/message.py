"""From a rendered message to the bytes that are handed over (RFC 5322, MIME), with the headers of a mailing."""

import base64
import binascii
import re
import textwrap
from datetime import datetime
from email.utils import format_datetime, getaddresses
from functools import lru_cache

from crm.domain.errors import DeliveryFailed
from crm.domain.folding import control_characters
from crm.jobs.render import Rendered
from crm.mail.port import OutgoingMessage

BASE64_FROM = 6
"""Texts with more than one byte in so many outside ASCII are shorter as Base64 than as quoted-printable."""
LINE_CHARACTERS = 70
WORD_CHARACTERS = 60
WORD_BYTES = 39
LINE_END = re.compile(r"\r\n|\r|\n")
ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


def build(
    rendered: Rendered,
    *,
    email_id: str,
    campaign_id: str,
    to: str,
    to_name: str,
    sender: str,
    unsubscribe_url: str,
    list_id: str,
    date: datetime,
    reply_to: str = "",
) -> OutgoingMessage:
    """Return the whole message. The same e-mail always has the same Message-ID, so that a double can be told.

    `sender` and `reply_to` are an address or `Name <address>`; `list_id` a name such as `mailings.example.org`; `date` is aware.
    An empty `unsubscribe_url` or `reply_to` leaves its headers out. Raises DeliveryFailed when `to` is no address that mail can
    go to, ValueError when `sender` or `reply_to` is none.

    There is neither `Precedence`, which no standard has, nor `Auto-Submitted`, which is for what a program writes by itself (RFC
    3834): a responder knows a mailing by its List-Id (RFC 5230).
    """
    sender_name, sender_address = sender_parts(sender)
    recipient = _address(to)
    boundary = f"=_{email_id}"  # `=_` is neither quoted-printable nor Base64, so it can't stand in a part
    headers = [
        ("From", _mailbox("From", sender_name, sender_address)),
        ("To", _mailbox("To", to_name, recipient)),
        *([("Reply-To", _mailbox("Reply-To", *sender_parts(reply_to)))] if reply_to else []),
        ("Subject", _encoded("Subject", rendered.subject)),
        ("Date", format_datetime(date)),
        ("Message-ID", f"<{email_id}@{sender_address.rpartition('@')[2]}>"),
        ("List-Id", f"<{list_id}>"),
        *_unsubscribe(unsubscribe_url),
        ("X-Email-Id", email_id),
        ("X-Campaign-Id", campaign_id),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"'),
    ]
    return OutgoingMessage(email_id=email_id, sender=sender_address, recipient=recipient, data=_data(headers, rendered, boundary))


def _data(headers: list[tuple[str, str]], rendered: Rendered, boundary: str) -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    parts = f"\r\n--{boundary}\r\n".join(["", _part("plain", rendered.text), _part("html", rendered.html)])
    return f"{head}{parts}\r\n--{boundary}--\r\n".encode()


def _unsubscribe(url: str) -> list[tuple[str, str]]:
    """One click in the mail program unsubscribes (RFC 8058)."""
    return [("List-Unsubscribe", f"<{url}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")] if url else []


@lru_cache(maxsize=64)
def sender_parts(sender: str) -> tuple[str, str]:
    """Return (name, address) of a sender; ValueError when mail can't come from there."""
    try:
        [(name, address)] = getaddresses([sender])
        return name, _address(address)
    except (DeliveryFailed, ValueError) as error:
        raise ValueError("the sender needs an address: name@example.org or Name <name@example.org>") from error


def _address(address: str) -> str:
    """Return an address as it goes over the wire: a host outside ASCII in its ASCII form, if the rest is ASCII."""
    local, _, host = address.strip().rpartition("@")
    if not local or not host or control_characters(address) or any(c in ' \t<>,;"' for c in address.strip()):
        raise DeliveryFailed("The address can't be mailed to: it is not one plain address.", permanent=True)
    if local.isascii() and not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError as error:
            raise DeliveryFailed("The address can't be mailed to: there can be no such host.", permanent=True) from error
    return f"{local}@{host}"


def _mailbox(header: str, name: str, address: str) -> str:
    name = _one_line(name)
    if not name:
        return address
    if name.isascii() and len(name) < WORD_CHARACTERS:
        shown = name if ATOMS.fullmatch(name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    else:
        shown = _words(name)
    fold = "\r\n " if len(header) + len(shown.rpartition("\n")[2]) + len(address) > LINE_CHARACTERS else " "
    return f"{shown}{fold}<{address}>"


def _encoded(header: str, value: str) -> str:
    """Return the text of a header: as it is, folded between words, or in encoded words (RFC 2047)."""
    value = _one_line(value)
    if not value.isascii() or "=?" in value or any(len(word) > LINE_CHARACTERS for word in value.split()):
        return _words(value)
    lines = textwrap.wrap(f"{header}: {value}", LINE_CHARACTERS + 6, break_long_words=False, break_on_hyphens=False)
    return "\r\n ".join(lines).removeprefix(f"{header}:").lstrip(" ")


def _words(text: str) -> str:
    """Each encoded word holds whole characters and is at most 75 long, one to a line."""
    words, part = [], b""
    for character in text:
        more = character.encode()
        if len(part) + len(more) > WORD_BYTES:
            words.append(part)
            part = b""
        part += more
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in [*words, part])


def _one_line(text: str) -> str:
    """A line break in a header would begin another one."""
    return " ".join("".join(" " if control_characters(c) else c for c in text).split())


def _part(kind: str, text: str) -> str:
    raw = LINE_END.sub("\r\n", text).encode()
    if sum(byte > 127 for byte in raw) * BASE64_FROM > len(raw):
        encoding, body = "base64", base64.encodebytes(raw)
    else:
        encoding, body = "quoted-printable", binascii.b2a_qp(raw, istext=True)
    lines = body.decode().replace("\r\n", "\n").replace("\n", "\r\n")
    return f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{lines}'
