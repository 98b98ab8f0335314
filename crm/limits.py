"""How often one token or one address may ask: a bucket for each, in the memory of this process.

Each web process counts for itself, so that a look costs microseconds and no request; docs/decisions/0601 says why.
"""

import hashlib
import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache

from django.conf import settings

KEPT = 20_000
"""So many askers are remembered at most; who asked longest ago is forgotten first, and starts with a full bucket."""
API_SECONDS, PUBLIC_SECONDS = 2, 10
"""How long the rate may be saved up: a script comes steadily, the mail server of a company all at once."""


class Limiter:
    """Lets each key through `rate` times a second, and `burst` times at once after a pause. A rate of 0 lets all through."""

    def __init__(self, rate: float, burst: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = max(burst, 1.0)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how much there was, and when
        self._lock = threading.Lock()

    def take(self, key: str) -> int:
        """Count one request of `key`: 0 where it may pass, else the whole seconds after which the next one may."""
        if self._rate <= 0 or not key:
            return 0
        now = self._clock()
        with self._lock:
            left, since = self._left.pop(key, (self._burst, now))
            left = min(self._burst, left + (now - since) * self._rate)
            passes = left >= 1
            self._left[key] = (left - 1 if passes else left, now)
            if len(self._left) > KEPT:
                self._left.popitem(last=False)
        return 0 if passes else max(1, math.ceil((1 - left) / self._rate))


@cache
def _limiter(_of: str, rate: float, seconds: float) -> Limiter:
    return Limiter(rate, rate * seconds)


def wait_of_token(secret: str) -> int:
    """Count a call with this token: 0 where it may pass, else the seconds to wait."""
    key = hashlib.sha256(secret.encode()).hexdigest()  # the secret itself is kept nowhere
    return _limiter("token", settings.CRM_API_RATE, API_SECONDS).take(key)


def wait_of_address(address: str) -> int:
    """Count a request without sign-in from this address: 0 where it may pass, else the seconds to wait."""
    return _limiter("address", settings.CRM_PUBLIC_RATE, PUBLIC_SECONDS).take(network(address))


def network(address: str) -> str:
    """Return what counts as one asker: an IPv4 address, or the 64 bits of an IPv6 one; empty where there is no address.

    >>> network("2001:db8::1") == network("2001:db8::ffff:2") == "2001:db8::/64"
    True
    >>> network("192.0.2.7"), network("::ffff:192.0.2.7"), network("nonsense")
    ('192.0.2.7', '192.0.2.7', '')
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((int(found), 64), strict=False))
