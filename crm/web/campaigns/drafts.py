"""Keeping what was typed: as a draft of its own, and never over what somebody else, or another tab, has saved since."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import Http404

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.errors import Conflict, NotFound, RuleViolation
from crm.domain.filters import PeopleFilter
from crm.services import campaigns
from crm.web.campaigns.forms import ComposeForm
from crm.web.http import CrmRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of saving. `draft` is what is stored now, None while nothing is; `trouble` says why it is not what was typed.

    `over` is the version that one may save over, knowing that it is another one; None where that can't be.
    """

    draft: Campaign | None
    trouble: str = ""
    over: int | None = None
    now: datetime | None = None
    """When it was saved, of what was saved just now."""


def stored_draft(request: CrmRequest, campaign_id: str) -> Campaign | None:
    """Return what is stored under this id; None where nothing is."""
    try:
        return request.store.campaigns.get(campaign_id)
    except NotFound:
        return None


def keep(request: CrmRequest, campaign_id: str, form: ComposeForm, wanted: PeopleFilter, *, over: int | None = None) -> Kept:
    """Save a valid form as the draft with this id, over the version it was loaded with or the one that is named in `over`.

    The same form sent twice finds its own work, which is no conflict. What keeps it from being saved is told in the answer.
    """
    if not (len(campaign_id) == 32 and campaign_id.isascii() and campaign_id.isalnum()):
        raise Http404
    version = over if over is not None else form.cleaned_data["version"]
    now = datetime.now(UTC)
    try:
        stored = stored_draft(request, campaign_id) if version is None else None
        if stored is not None:
            raise Conflict("This letter was saved before.")
        draft = campaigns.save_draft(
            request.store,
            campaign_id,
            form.letter,
            wanted=wanted,
            actor=request.user.get_username(),
            now=now,
            version=version,
        )
    except RuleViolation as error:
        form.add_crm_error(error)
        return Kept(draft=stored_draft(request, campaign_id), trouble=error.message)
    except Conflict as error:
        return _met(stored_draft(request, campaign_id), form, wanted, error)
    return Kept(draft=draft, now=now)


def _met(stored: Campaign | None, form: ComposeForm, wanted: PeopleFilter, error: Conflict) -> Kept:
    """What is there instead: the same, something newer that may be saved over, or a letter that is being sent."""
    if stored is None:
        return Kept(draft=None, trouble=error.message)
    if stored.status is not CampaignStatus.DRAFT:
        return Kept(draft=stored, trouble="This campaign was sent meanwhile. What you typed was not saved.")
    if stored.letter == form.letter and stored.audience_filter == wanted:
        return Kept(draft=stored, now=stored.updated_at)
    return Kept(
        draft=stored,
        trouble="It was saved in another tab, or by somebody else, since you opened it. What you typed still stands here.",
        over=stored.version,
    )
