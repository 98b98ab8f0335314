"""Who got a campaign and what became of each e-mail: by where it stands, by outcome, by reason; all of it as CSV."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from crm.domain.campaigns import Campaign, Utm
from crm.domain.emails import Email, EmailState, SkipReason
from crm.domain.failures import meaning
from crm.domain.mail_domains import OTHER
from crm.domain.outcomes import Hits, Outcome
from crm.domain.people import Person
from crm.domain.recipients import EVERYBODY, NAMES, NO_CODE, Recipients, parse_recipients, recipients_values
from crm.jobs.letter import letter
from crm.services.analytics import EMAIL_COLUMNS, email_row
from crm.services.audit import note
from crm.services.keeping import gone_of
from crm.services.report import of_domain
from crm.store import Store
from crm.store.campaigns import CampaignFigures, LinkFigures
from crm.web.campaigns.troubles import REASONS
from crm.web.chips import Chip
from crm.web.csv import csv_response
from crm.web.http import CrmRequest, permission_required, render_part
from crm.web.paging import PAGE_SIZE, Pager

OUTCOMES = {
    Outcome.DELIVERED: "Delivered",
    Outcome.OPENED: "Opened",
    Outcome.NOT_OPENED: "Not opened",
    Outcome.CLICKED: "Clicked",
    Outcome.NOT_CLICKED: "Not clicked",
    Outcome.OPENED_ANY: "Opened, programs too",
    Outcome.CLICKED_ANY: "Clicked, programs too",
    Outcome.BOUNCED: "Bounced",
    Outcome.COMPLAINED: "Complained",
    Outcome.UNSUBSCRIBED: "Unsubscribed",
}
"""What is told of e-mails that went out, beside where they stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way to look at the list: its words, how many it finds, and the query string that leads there."""

    words: str
    number: int
    query: str
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One e-mail with its person, None where they are gone; `why` it was skipped or failed, in words."""

    email: Email
    person: Person | None
    why: str


@require_safe
@permission_required("crm.view_campaigns")
def recipients(request: CrmRequest, campaign_id: str) -> HttpResponse:
    """The e-mails of a campaign, newest first, with their people."""
    store = request.store
    wanted = _wanted(request)
    campaign, (figures, links) = store.campaigns.get(campaign_id), store.campaigns.figures_with_links(campaign_id)
    token = request.GET.get("nextToken") or request.GET.get("prevToken")
    total = _total_of_part(store, campaign, wanted, figures, links)
    page = store.emails.page(
        campaign_id=campaign_id,
        statuses=wanted.statuses,
        outcome=wanted.outcome,
        reason=wanted.reason,
        part=wanted.part,
        likely=total,
        counted=figures.statuses,
        limit=PAGE_SIZE,
        token=token,
    )
    people = store.people.get_many([email.user_id for email in page.items])
    context: dict[str, Any] = {
        "campaign": campaign,
        "figures": figures,
        "statuses": _statuses(wanted, figures),
        "outcomes": _outcomes(wanted, figures),
        "reasons": _reasons(wanted, figures),
        "chips": _chips(wanted, campaign),
        "query": _query(wanted),
        "rows": [Row(email=one, person=people.get(one.user_id), why=_why(one)) for one in page.items],
        "pager": Pager.of(request, page, total=total),
        "gone": gone_of(store, campaign, now=timezone.now()),
    }
    return render_part(request, "campaigns/recipients.html", context, part="recipients")


@require_safe
@permission_required("crm.export_analytics")
def recipients_csv(request: CrmRequest, campaign_id: str) -> StreamingHttpResponse:
    """All of them, or exactly those that the list shows, as CSV; who takes it stands in the audit log."""
    campaign, wanted = request.store.campaigns.state(campaign_id), _wanted(request)
    words = [value for values in recipients_values(wanted).values() for value in values]
    name = "-".join(["campaign", *(re.sub(r"[^a-z0-9.]+", "-", word.lower()).strip("-") for word in words), campaign.id[:8]])
    if request.method == "HEAD":
        return csv_response(f"{name}.csv", EMAIL_COLUMNS, ())
    actor, fields = request.user.get_username(), " ".join(words)
    note(request.store, "recipients.exported", campaign_id, actor=actor, now=timezone.now(), filter=fields)
    emails = request.store.emails.walk(
        campaign_id, wanted.statuses, outcome=wanted.outcome, reason=wanted.reason, part=wanted.part
    )
    return csv_response(f"{name}.csv", EMAIL_COLUMNS, (email_row(email, campaign.subject) for email in emails))


def _wanted(request: CrmRequest) -> Recipients:
    return parse_recipients({name: request.GET.getlist(name) for name in NAMES if name in request.GET})


def _query(wanted: Recipients) -> str:
    values = recipients_values(wanted)
    return f"?{urlencode(values, doseq=True)}" if values else ""


def _why(email: Email) -> str:
    reason = email.skip_reason or email.fail_reason
    return REASONS[reason] if reason else ""


def _statuses(wanted: Recipients, figures: CampaignFigures) -> list[Choice]:
    every = Choice(words="All", number=figures.total, query="?", current=wanted == Recipients())
    return [every, *(_choice(state.title(), Recipients(statuses=(state,)), wanted, figures) for state in EmailState)]


def _outcomes(wanted: Recipients, figures: CampaignFigures) -> list[Choice]:
    """What became of those that went out; what there is none of is left out, unless it is asked for."""
    found = [_choice(words, Recipients(outcome=outcome), wanted, figures) for outcome, words in OUTCOMES.items()]
    told = figures.opened_any or figures.opened
    return [one for one in found if one.current or (one.number and (told or not one.words.startswith("Not ")))]


def _reasons(wanted: Recipients, figures: CampaignFigures) -> list[Choice]:
    """Why those that failed or were skipped did, where one of the two is looked at."""
    if wanted.statuses not in {(EmailState.FAILED,), (EmailState.SKIPPED,)}:
        return []
    every = [Recipients(statuses=wanted.statuses, reason=reason) for reason in REASONS]
    found = [_choice(REASONS[one.reason], one, wanted, figures) for one in every if one.reason and _own(one)]
    return [one for one in found if one.current or one.number]


def _own(wanted: Recipients) -> bool:
    """Whether the reason is one of that status."""
    return (wanted.statuses == (EmailState.SKIPPED,)) is isinstance(wanted.reason, SkipReason)


def _choice(words: str, choice: Recipients, wanted: Recipients, figures: CampaignFigures) -> Choice:
    number = _total(choice, figures) or 0
    return Choice(words=words, number=number, query=_query(choice), current=choice == wanted)


def _chips(wanted: Recipients, campaign: Campaign) -> list[Chip]:
    """The part that is shown, each piece with the way to leave it out."""
    part = wanted.part
    links = letter(campaign.body, Utm()).links if part.link is not None else ()
    number = part.link or 0
    found = [
        ("Domain", "all others" if part.domain == OTHER else part.domain, replace(part, domain="")),
        (
            "Said",
            "nothing that is known" if part.code == NO_CODE else f"{part.code} {meaning(part.code)}".strip(),
            replace(part, code=""),
        ),
    ]
    if part.link is not None:
        who = "Followed by people" if part.hits is Hits.PEOPLE else "Followed, by programs too"
        found.append(
            (who, links[number] if number < len(links) else f"link {number}", replace(part, link=None, hits=Hits.PEOPLE))
        )
    return [
        Chip(label=label, value=value, query=_query(replace(wanted, part=rest)) or "?") for label, value, rest in found if value
    ]


def _total_of_part(
    store: Store, campaign: Campaign, wanted: Recipients, figures: CampaignFigures, links: Mapping[int, LinkFigures]
) -> int | None:
    """How many there are of a part, from counters; None where only a look at all of them would tell."""
    part, alone = wanted.part, replace(wanted, part=EVERYBODY)
    if part == EVERYBODY:
        return _total(wanted, figures)
    if part.link is not None:
        followed = links.get(part.link, LinkFigures(persons=0, anybody=0))
        whole = alone == Recipients() and not (part.domain or part.code)
        return (followed.persons if part.hits is Hits.PEOPLE else followed.anybody) if whole else None
    if part.code:
        whole = wanted.statuses in {(), (EmailState.FAILED,)} and not (part.domain or wanted.outcome)
        code = "" if part.code == NO_CODE else part.code
        return figures.by_code.get((wanted.reason.value, code), 0) if whole and wanted.reason else None
    counts = of_domain(store, campaign, part.domain, now=timezone.now())
    return None if wanted.reason else _total(alone, CampaignFigures.of(counts))


def _total(wanted: Recipients, figures: CampaignFigures) -> int | None:
    """How many there are, from the counters; None where only a look at all of them would tell."""
    if wanted.outcome is not None:
        return None if wanted.statuses or wanted.reason else _by_outcome(wanted.outcome, figures)
    if wanted.reason is not None:
        return figures.by_reason.get(wanted.reason.value, 0)
    return sum(int(getattr(figures, status.value)) for status in wanted.statuses or EmailState)


def _by_outcome(outcome: Outcome, figures: CampaignFigures) -> int:
    went_out = figures.sent + figures.uncertain
    if outcome is Outcome.SENT:
        return went_out
    number: int = getattr(figures, outcome.value.removeprefix("not_"))
    return max(0, went_out - number) if outcome.value.startswith("not_") else number
