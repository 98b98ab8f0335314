"""From who matched to who clicked: the stages of a campaign, each a link to the list behind it, and what else became of it."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from crm.domain.campaigns import Utm
from crm.domain.outcomes import Hits
from crm.jobs.letter import letter
from crm.services.progress import Progress
from crm.store.campaigns import CampaignFigures, LinkFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One number, of how many it is a part, and the address of the list behind it, empty where none opens.

    `faint` where nothing went out yet.
    """

    name: str
    number: int
    above: int
    link: str
    faint: bool = False


def funnel(progress: Progress, hits: Hits, *, matched: str) -> dict[str, Any]:
    """The stages; what nobody measured is left out. `matched` is the query string of who matched, empty where no list shows them.

    `measured` tells whether opens or clicks are known at all.
    """
    campaign, figures = progress.campaign, progress.figures
    opened, clicked = hits.opened.value, hits.clicked.value
    measured = bool(campaign.tracking or figures.opened_any or figures.clicked_any or figures.opened or figures.clicked)
    stages = [
        ("Matched", campaign.audience.matched, matched and reverse("people:list") + matched),
        ("In the audience", progress.expected, recipients_link(campaign.id)),
        ("Sent", figures.sent, recipients_link(campaign.id, status="sent")),
        *([("Delivered", figures.delivered, recipients_link(campaign.id, outcome="delivered"))] if figures.delivered else []),
        *([("Opened", getattr(figures, opened), recipients_link(campaign.id, outcome=opened))] if measured else []),
        *([("Clicked", getattr(figures, clicked), recipients_link(campaign.id, outcome=clicked))] if measured else []),
    ]
    above = [0, *(number for _, number, _ in stages)]
    return {
        "measured": measured,
        "hits": hits.value,
        "funnel": [
            Stage(name=name, number=number, above=above[place], link=link, faint=place < 2)
            for place, (name, number, link) in enumerate(stages)
        ],
        "last_stage": "click" if measured else stages[-1][0].lower(),
        "beside": _beside(campaign.id, figures),
        "not_opened": max(0, figures.sent + figures.uncertain - figures.opened) if measured else 0,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """A link of the letter as its author wrote it, its number, and in how many e-mails a person, or anything, followed it."""

    number: int
    address: str
    persons: int
    anybody: int


def link_rows(progress: Progress) -> list[LinkRow]:
    """The links of a tracked letter, in its order; none where nothing can tell of them."""
    campaign, clicks = progress.campaign, progress.links
    if not (campaign.tracking or clicks):
        return []
    addresses = letter(campaign.body, Utm()).links
    none = LinkFigures(persons=0, anybody=0)
    return [
        LinkRow(number=number, address=address, persons=one.persons, anybody=one.anybody)
        for number, address in enumerate(addresses)
        for one in [clicks.get(number, none)]
    ]


def _beside(campaign_id: str, figures: CampaignFigures) -> list[Stage]:
    """What came of some e-mails besides: whoever unsubscribed by it is found as a person too."""
    people = reverse("people:list")
    found = [
        ("Bounced", figures.bounced, recipients_link(campaign_id, outcome="bounced")),
        ("Complained", figures.complained, recipients_link(campaign_id, outcome="complained")),
        ("Unsubscribed", figures.unsubscribed, f"{people}?{urlencode({'mailed': f'{campaign_id}:unsubscribed'})}"),
    ]
    return [Stage(name=name, number=number, above=figures.sent, link=link) for name, number, link in found if number]


def recipients_link(campaign_id: str, **values: str) -> str:
    """The list of some of a campaign's e-mails."""
    query = f"?{urlencode(values)}" if values else ""
    return reverse("campaigns:recipients", args=[campaign_id]) + query
