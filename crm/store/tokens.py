"""Page tokens: stateless positions, sealed, bound to what they were given for."""

import base64
import hashlib
import hmac
import json
from contextlib import suppress
from itertools import count
from typing import Any

from crm.domain.errors import BadToken

TAG_BYTES = 12


class TokenSigner:
    """Seals positions so that a changed or foreign token is refused, and so that nobody reads in it.

    A position holds the name or address of whoever stands there, and tokens end up in logs and histories. The tag over
    purpose and payload is also what the key stream starts from (a synthetic IV, as in RFC 5297, built of HMAC-SHA256).
    """

    def __init__(self, key: bytes, *old: bytes) -> None:
        """The key that seals, and those that sealed before, of which tokens are still read."""
        self._old = [TokenSigner(before) for before in old]
        self._tag_key = hmac.digest(key, b"tag", hashlib.sha256)
        self._stream_key = hmac.digest(key, b"stream", hashlib.sha256)

    def sign(self, purpose: str, position: Any) -> str:
        """Return a URL-safe token for a JSON-able `position`; `purpose` is the list and its filter, as canonical text."""
        payload = json.dumps(position, ensure_ascii=False, separators=(",", ":")).encode()
        tag = self._tag(purpose, payload)
        return self._text(tag + self._masked(tag, payload))

    def read(self, purpose: str, token: str) -> Any:
        """Return the position of a token; BadToken when it was changed or belongs to another list or filter."""
        for signer in (self, *self._old):
            with suppress(ValueError):
                return signer._opened(purpose, token)
        raise BadToken(
            "This page link is not valid for this list: it was changed, or the filter was. Start again from the first page."
        )

    def _opened(self, purpose: str, token: str) -> Any:
        """Return the position of a token that this very key sealed; ValueError for any other."""
        sealed = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        tag = sealed[:TAG_BYTES]
        payload = self._masked(tag, sealed[TAG_BYTES:])
        if not (hmac.compare_digest(tag, self._tag(purpose, payload)) and self._text(sealed) == token):
            raise ValueError("sealed with another key, or changed")
        return json.loads(payload)

    def _tag(self, purpose: str, payload: bytes) -> bytes:
        return hmac.digest(self._tag_key, purpose.encode() + b"\0" + payload, hashlib.sha256)[:TAG_BYTES]

    def _masked(self, tag: bytes, text: bytes) -> bytes:
        stream = b""
        for number in count():
            if len(stream) >= len(text):
                break
            stream += hmac.digest(self._stream_key, tag + number.to_bytes(4, "big"), hashlib.sha256)
        return bytes(one ^ other for one, other in zip(text, stream, strict=False))

    @staticmethod
    def _text(sealed: bytes) -> str:
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")
