"""Where providers tell what became of e-mails. They are answered quickly, and told to come again only when that helps.

What verifies them is imported when one comes: other pages don't wait for it.
"""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from crm.domain.errors import CrmError
from crm.domain.mail_events import MailEvent
from crm.services.mail_events import take
from crm.store import Store
from crm.web.http import CrmRequest, public

logger = logging.getLogger(__name__)
LONGEST = 1024 * 1024
"""Bytes of a request. One message of SNS has 256 KB; escaped, and in an envelope, that is about twice as much."""


@csrf_exempt  # each message is signed
@public
@require_POST
@never_cache
def ses(request: CrmRequest) -> HttpResponse:
    """Take a message of Amazon SNS; off (404) while no topic is set. What can't be proven just now is asked for again (503)."""
    from crm.mail import sns
    from crm.mail.ses_events import event_of

    if not settings.SNS_TOPIC_ARNS:
        return _said(404, "off: SNS_TOPIC_ARNS is not set")
    if _too_long(request):
        return _said(413, "too long")
    now = datetime.now(UTC)
    try:
        message = sns.read(request.body, topics=settings.SNS_TOPIC_ARNS, certificates=sns.CERTIFICATES, now=now)
    except sns.Malformed as error:
        return _said(400, str(error))
    except (sns.Forged, sns.Unproven) as error:
        logger.warning("webhook refused", extra={"provider": "ses", "why": str(error)})
        return _said(403 if isinstance(error, sns.Forged) else 503, str(error))
    if message.kind == sns.CONFIRMATION:
        return _confirmed(message.topic, message.subscribe_url)
    if message.kind == sns.UNSUBSCRIBED:
        logger.warning("sns topic no longer sends here", extra={"topic": message.topic})
    event = event_of(message)
    return _taken(request.store, [event] if event else [], now)


@csrf_exempt  # it carries a secret, or a signature
@public
@require_http_methods(["HEAD", "POST"])  # some look whether anybody is there
@never_cache
def provider(request: CrmRequest, name: str) -> HttpResponse:
    """Take events of another provider; off (404) while ANYMAIL_WEBHOOK_SECRET, or a key the provider signs with, is not set."""
    from crm.mail.anymail_events import NotSetUp, NotTheirs, events_of

    if not settings.ANYMAIL.get("WEBHOOK_SECRET"):
        return _said(404, "off: ANYMAIL_WEBHOOK_SECRET is not set")
    if request.method == "HEAD":
        return _said(200, "here")
    if _too_long(request):
        return _said(413, "too long")
    now = datetime.now(UTC)
    try:
        events = events_of(name, request, now=now)
    except NotSetUp:
        return _said(404, "nothing is told by this provider here")
    except NotTheirs:
        return _refused(request, name)
    except ValueError as error:
        logger.warning("webhook not understood", extra={"provider": name})
        return _said(400, str(error))
    return _taken(request.store, events, now)


def _taken(store: Store, events: Iterable[MailEvent], now: datetime) -> HttpResponse:
    """Take them one by one; what was taken before one that could not be is known when they come again."""
    try:
        number = sum(take(store, event, now=now) for event in events)
    except CrmError as error:
        logger.warning("webhook to be repeated", extra={"why": type(error).__name__})
        return _said(503, "try again")
    return _said(200, f"taken: {number}")


def _confirmed(topic: str, url: str) -> HttpResponse:
    """Say yes to a subscription: the topic is one of ours, and the address Amazon's own."""
    from crm.mail import sns

    try:
        sns.fetch(url)
    except OSError as error:
        logger.warning("sns subscription not confirmed", extra={"topic": topic, "why": type(error).__name__})
        return _said(503, "the subscription could not be confirmed")
    logger.info("sns subscription confirmed", extra={"topic": topic})
    return _said(200, "confirmed")


def _refused(request: HttpRequest, name: str) -> HttpResponse:
    """401 where no secret came along, because some send it only when they are asked to."""
    logger.warning("webhook refused", extra={"provider": name})
    if "Authorization" in request.headers:
        return _said(403, "not theirs")
    answer = _said(401, "the secret is missing")
    answer.headers["WWW-Authenticate"] = 'Basic realm="webhooks"'
    return answer


def _too_long(request: HttpRequest) -> bool:
    length = request.headers.get("Content-Length", "")
    return length.isdecimal() and int(length) > LONGEST


def _said(status: int, text: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
