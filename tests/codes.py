"""An app that shows codes, for tests of the second factor."""

import re
import time

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.http import HttpResponse


def code_of(secret: str, *, later: int = 0) -> str:
    """What an app with this secret shows now, or so many half minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later))


def secret_in(page: HttpResponse) -> str:
    """The secret that a page offers to an app."""
    found = re.search(r'<code class="secret">([A-Z2-7]+)</code>', page.content.decode())
    assert found
    return found[1]


def recovery_codes_in(page: HttpResponse) -> list[str]:
    """The codes that a page shows, this once."""
    return re.findall(r"<li>(\d{8})</li>", page.content.decode())
