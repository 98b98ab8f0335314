"""What can be done with a campaign that was sent, and what is said when it is done."""

from collections.abc import Callable
from datetime import UTC, datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from crm.domain.errors import Conflict, RuleViolation
from crm.services import campaigns
from crm.services.retries import RETRYABLE
from crm.store import Store
from crm.web.http import CrmRequest, permission_required, tell


def _told(number: int, words: str) -> str:
    return f"{number:,} {'e-mail' if number == 1 else 'e-mails'} {words}"


def _undo(store: Store, campaign_id: str, now: datetime, actor: str) -> tuple[str, str]:
    campaigns.undo(store, campaign_id, now=now, actor=actor)
    return "Taken back", "Nothing was sent; it is a draft again."


def _pause(store: Store, campaign_id: str, now: datetime, actor: str) -> tuple[str, str]:
    campaigns.pause(store, campaign_id, now=now, actor=actor)
    return "Paused", "At most a window of messages in each lane is still on its way."


def _resume(store: Store, campaign_id: str, now: datetime, actor: str) -> tuple[str, str]:
    campaigns.resume(store, campaign_id, now=now, actor=actor)
    return "Going on", ""


def _cancel(store: Store, campaign_id: str, now: datetime, actor: str) -> tuple[str, str]:
    campaigns.cancel(store, campaign_id, now=now, actor=actor)
    return "Cancelled", "What was not sent yet is skipped."


def _retry(store: Store, campaign_id: str, now: datetime, actor: str) -> tuple[str, str]:
    return _told(campaigns.retry_failed(store, campaign_id, now=now, actor=actor), "queued again"), ""


def _retry_some(store: Store, campaign_id: str, now: datetime, actor: str) -> tuple[str, str]:
    number = campaigns.retry_failed(store, campaign_id, now=now, actor=actor, reasons=RETRYABLE)
    return _told(number, "queued again"), "What was refused for good was left alone."


def _resend(store: Store, campaign_id: str, now: datetime, actor: str) -> tuple[str, str]:
    return _told(campaigns.resend_uncertain(store, campaign_id, now=now, actor=actor), "queued again"), ""


def _settle(store: Store, campaign_id: str, now: datetime, actor: str) -> tuple[str, str]:
    return _told(campaigns.settle_uncertain(store, campaign_id, now=now, actor=actor), "settled as sent"), ""


ACTIONS: dict[str, Callable[[Store, str, datetime, str], tuple[str, str]]] = {
    "undo": _undo,
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "retry-failed": _retry,
    "retry-worthwhile": _retry_some,
    "resend-uncertain": _resend,
    "settle-uncertain": _settle,
}


@require_POST
@permission_required("crm.send_campaigns")
def act(request: CrmRequest, campaign_id: str, action: str) -> HttpResponse:
    """Do one of ACTIONS and come back; what can't be done any more is said there."""
    if action not in ACTIONS:
        raise Http404
    try:
        done, note = ACTIONS[action](request.store, campaign_id, datetime.now(UTC), request.user.get_username())
    except (RuleViolation, Conflict) as error:
        tell(request, "That was not done", error.message, level=messages.ERROR)
    else:
        tell(request, done, note)
    return redirect("campaigns:one", campaign_id)
