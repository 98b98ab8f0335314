"""Messages of Amazon SNS, believed only when Amazon signed them, for a topic of ours, and lately.

The rules are AWS's: "Verifying the signatures of Amazon SNS messages" in the SNS developer guide.
"""

import base64
import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

Fetch = Callable[[str], bytes]
"""Gets what stands at an address; OSError where that can't be had."""

HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-\d{1,2}\.amazonaws\.com(\.cn)?")
NOTIFICATION, CONFIRMATION, UNSUBSCRIBED = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
_OF_SUBSCRIPTIONS = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: _OF_SUBSCRIPTIONS,
    UNSUBSCRIBED: _OF_SUBSCRIPTIONS,
}
"""What is signed, in that order; a Subject that is not there is left out."""
HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303  # SNS signs so by default
OLDEST, AHEAD = timedelta(days=1), timedelta(minutes=15)
"""SNS repeats for an hour at most. A day lets a clock of ours be wrong; what is repeated within it was taken already, which is
remembered for thirty."""
FETCH_SECONDS, FETCH_BYTES = 5.0, 64 * 1024
KEPT_CERTIFICATES, KEPT_SECONDS = 16, 24 * 3600.0


class Malformed(Exception):
    """It is no message of SNS's."""


class Forged(Exception):
    """It looks like a message of SNS's, but must not be believed; the text says why, for the log."""


class Unproven(Exception):
    """Whether to believe it can't be found out just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsMessage:
    """One message that was proven. `text` is what was published; `subscribe_url` stands in a confirmation alone."""

    id: str
    kind: str
    topic: str
    text: str
    at: datetime
    subscribe_url: str = ""


class Certificates:
    """Certificates by address, fetched once a day; each process has its own. May be shared by threads."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._kept: dict[str, tuple[float, x509.Certificate]] = {}
        self._lock = threading.Lock()

    def get(self, url: str) -> x509.Certificate:
        """Return the certificate at an address of Amazon's. Raises Forged for any other, Unproven where it can't be had."""
        if not is_amazons(url) or not urlsplit(url).path.endswith(".pem") or urlsplit(url).query:
            raise Forged("the certificate is not at an address of SNS")
        with self._lock:
            since, kept = self._kept.get(url, (0.0, None))
        if kept is not None and time.monotonic() - since < KEPT_SECONDS:
            return kept
        try:
            found = x509.load_pem_x509_certificate(self._fetch(url))
        except (OSError, ValueError) as error:
            raise Unproven("the certificate can't be had") from error
        with self._lock:
            if len(self._kept) >= KEPT_CERTIFICATES:
                self._kept.clear()
            self._kept[url] = time.monotonic(), found
        return found


def read(body: bytes, *, topics: Collection[str], certificates: Certificates, now: datetime) -> SnsMessage:
    """Return the message in a request's body, proven. Raises Malformed, Forged or Unproven.

    What costs nothing is looked at first, so that strangers can't make us fetch anything but certificates of Amazon's.
    """
    fields = _fields(body)
    kind, topic, at = fields["Type"], fields["TopicArn"], _time(fields["Timestamp"])
    if kind not in SIGNED:
        raise Malformed("the type is unknown")
    if topic not in topics:
        raise Forged("the topic is not one of ours")
    if not now - OLDEST <= at <= now + AHEAD:
        raise Forged("it is too old, or ahead of time")
    url = fields.get("SubscribeURL", "")
    if kind == CONFIRMATION and not is_amazons(url):
        raise Forged("what confirms the subscription is not at an address of SNS")
    _prove(fields, certificates.get(fields["SigningCertURL"]), now)
    return SnsMessage(id=fields["MessageId"], kind=kind, topic=topic, text=fields["Message"], at=at, subscribe_url=url)


def is_amazons(url: str) -> bool:
    """Tell whether an address is SNS's own, over TLS.

    >>> is_amazons("https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem")
    True
    >>> [is_amazons(f"https://{host}/a.pem") for host in ("sns.eu-west-1.amazonaws.com.evil.example", "x@sns.evil.example")]
    [False, False]
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    plain = parts.scheme == "https" and parts.netloc in {host, f"{host}:443"} and port in {None, 443}
    return plain and HOST.fullmatch(host) is not None and url.isascii() and url.isprintable() and "\\" not in url


def fetch(url: str) -> bytes:
    """Return what stands at an address of Amazon's, 64 KB at most, within some seconds, without following it elsewhere."""
    if not is_amazons(url):
        raise OSError("not an address of SNS")
    until = time.monotonic() + FETCH_SECONDS
    found = b""
    try:
        with _opener.open(url, timeout=FETCH_SECONDS) as response:
            while part := response.read1(FETCH_BYTES):
                found += part
                if len(found) > FETCH_BYTES or time.monotonic() > until:
                    raise OSError("the answer is too long, or too slow")
    except ValueError as error:  # http.client's, for an answer that is none
        raise OSError("the answer can't be read") from error
    return found


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An answer that leads elsewhere is an error."""

    def redirect_request(self, *_args: Any, **_options: Any) -> None:
        """Follow nothing."""


_opener = urllib.request.build_opener(_NoRedirect)
CERTIFICATES = Certificates(fetch)
"""Those that this process has fetched."""


def _fields(body: bytes) -> dict[str, str]:
    """The members of the message that are texts, the needed ones all there."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("it is no JSON") from None
    texts = {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
    needed = {"Type", "MessageId", "TopicArn", "Message", "Timestamp", "Signature", "SignatureVersion", "SigningCertURL"}
    if missing := needed - texts.keys():
        raise Malformed(f"{min(missing)} is missing")
    return texts


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed("the time is none") from None
    if at.tzinfo is None:
        raise Malformed("the time has no zone")
    return at


def _prove(fields: dict[str, str], certificate: x509.Certificate, now: datetime) -> None:
    """Raise Forged unless the certificate's owner signed exactly these fields, and the certificate is valid."""
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Forged("the certificate is not valid now")
    algorithm, key = HASHES.get(fields["SignatureVersion"]), certificate.public_key()
    if algorithm is None or not isinstance(key, RSAPublicKey):
        raise Forged("the signature is of an unknown kind")
    names = [name for name in SIGNED[fields["Type"]] if name in fields]
    signed = "".join(f"{name}\n{fields[name]}\n" for name in names)
    try:
        key.verify(base64.b64decode(fields["Signature"], validate=True), signed.encode(), padding.PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError):
        raise Forged("the signature is not right") from None
