"""The picture and the links of a tracked e-mail. Whoever asks is answered first; what is kept of it is written afterwards."""

import base64
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.encoding import iri_to_uri
from django.views.decorators.http import require_safe

from crm.domain.errors import BadToken, NotFound, StoreUnavailable
from crm.domain.hits import HitKind, classify
from crm.jobs.clicks import destination
from crm.services import hits
from crm.store.table import Table
from crm.web.http import CrmRequest, public
from crm.wiring import get_links

logger = logging.getLogger(__name__)
POINT = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A GIF of one transparent point."""
REST_SECONDS = 10.0
"""How long nothing is recorded after the table stayed away: each try keeps a thread of the server for as long."""
_away: WeakKeyDictionary[Table, float] = WeakKeyDictionary()
PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Each fetch is to be seen, none to be listed; the token goes nowhere else; and a webmail may show the picture."""


class FollowedResponse(HttpResponse):
    """An answer after which something is done: the server closes it when it has been sent, so nobody waits for that."""

    def __init__(self, *args: Any, then: Callable[[], None], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._then: Callable[[], None] | None = then

    def close(self) -> None:
        """Close the answer, then do it, once."""
        super().close()
        then, self._then = self._then, None
        if then is not None:
            then()


@public
@require_safe
def opened(request: CrmRequest, token: str) -> HttpResponse:
    """The picture of one point, whatever the token is; where it is one of ours, that it was fetched is kept afterwards."""
    try:
        email_id = get_links().read_open(token)
    except BadToken:
        return HttpResponse(POINT, content_type="image/gif", headers=HEADERS, status=404)
    then = _recording(request, email_id, HitKind.OPEN)
    return FollowedResponse(POINT, content_type="image/gif", headers=HEADERS, then=then)


@public
@require_safe
def clicked(request: CrmRequest, token: str) -> HttpResponse:
    """Lead on to the address of the link, and keep afterwards that it was followed."""
    links = get_links()
    try:
        email_id, number = links.read_click(token)
        address = destination(request.store, links, email_id, number)
    except (BadToken, NotFound):
        return _gone(request, 404)
    except StoreUnavailable:
        logger.error("link not followed", extra={"reason": "store unavailable"})
        return _gone(request, 503, soon=True)
    headers = HEADERS | {"Location": iri_to_uri(address)}
    return FollowedResponse(status=302, headers=headers, then=_recording(request, email_id, HitKind.CLICK, number))


def _gone(request: CrmRequest, status: int, *, soon: bool = False) -> HttpResponse:
    """The page for those whom a link does not lead on, or not just now."""
    response = render(request, "public/link_gone.html", {"soon": soon}, status=status)
    for name, value in {**HEADERS, **({"Retry-After": "5"} if soon else {})}.items():
        response.headers[name] = value
    return response


def _recording(request: CrmRequest, email_id: str, kind: HitKind, link: int | None = None) -> Callable[[], None]:
    """What keeps a hit of this request; it may fail without harm to anybody but the figures."""
    at = datetime.now(UTC)
    hit_class = classify(
        user_agent=request.headers.get("User-Agent", ""),
        method=request.method or "",
        purpose=" ".join(request.headers.get(name, "") for name in PURPOSES),
    )

    def record() -> None:
        table = request.store.table
        if time.monotonic() < _away.get(table, 0.0):
            return
        try:
            hits.record(request.store, email_id, kind=kind, hit_class=hit_class, at=at, now=at, link=link, judge=True)
        except Exception as error:
            if isinstance(error, StoreUnavailable):
                _away[table] = time.monotonic() + REST_SECONDS
            logger.warning("hit not recorded", extra={"email_id": email_id, "error": type(error).__name__})

    return record
