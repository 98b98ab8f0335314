"""Page tokens: stateless positions, signed, bound to what they were given for."""

import base64
import hashlib
import hmac
import json
from typing import Any

from crm.domain.errors import BadToken

TAG_BYTES = 12


class TokenSigner:
    """Signs positions so that a changed or foreign token is refused."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, purpose: str, position: Any) -> str:
        """Return a URL-safe token for a JSON-able `position`; `purpose` is the list and its filter, as canonical text."""
        payload = json.dumps(position, ensure_ascii=False, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._tag(purpose, payload) + payload).decode().rstrip("=")

    def read(self, purpose: str, token: str) -> Any:
        """Return the position of a token; BadToken when it was changed or belongs to another list or filter."""
        try:
            signed = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
            tag, payload = signed[:TAG_BYTES], signed[TAG_BYTES:]
            if hmac.compare_digest(tag, self._tag(purpose, payload)) and self._text(signed) == token:
                return json.loads(payload)
        except ValueError:
            pass
        raise BadToken(
            "This page link is not valid for this list: it was changed, or the filter was. Start again from the first page."
        )

    def _tag(self, purpose: str, payload: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + payload, hashlib.sha256)[:TAG_BYTES]

    @staticmethod
    def _text(signed: bytes) -> str:
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")
