"""The page behind the link in every e-mail. Looking at it changes nothing, because scanners look at every link."""

from datetime import UTC, datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from crm.domain.errors import BadToken
from crm.domain.links import TEST_LINK
from crm.domain.people import EmailStatus
from crm.services.unsubscribe import subscription, unsubscribe
from crm.web.http import CrmRequest, public
from crm.wiring import get_links


@csrf_exempt  # mail programs post here by themselves (RFC 8058), and whoever holds the link may use it
@public
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def page(request: CrmRequest, token: str) -> HttpResponse:
    """GET shows whom it is about and a button; POST takes them off and says so, without a redirect, as RFC 8058 wants."""
    try:
        email_id, user_id = get_links().read_unsubscribe(token)
    except BadToken as error:
        return render(request, "public/unsubscribe.html", {"problem": error.message}, status=400)
    if (email_id, user_id) == TEST_LINK:
        return render(request, "public/unsubscribe.html", {"test": True})
    if request.method == "POST":
        found = unsubscribe(request.store, email_id, user_id, now=datetime.now(UTC))
    else:
        found = subscription(request.store, email_id, user_id)
    context = {
        "done": found.status is not EmailStatus.MAILABLE,
        "just_now": request.method == "POST",
        "address": _masked(found.address),
    }
    return render(request, "public/unsubscribe.html", context)


def _masked(address: str) -> str:
    """Enough for its owner to know it again, too little for others to write to; empty where none is known.

    >>> _masked("zoe@example.org"), _masked("")
    ('z…@example.org', '')
    """
    local, at, host = address.partition("@")
    return f"{local[:1]}…@{host}" if at else ""
