"""From who matched to who clicked: the stages of a campaign, each a link to the list behind it, and what else became of it."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from crm.domain.campaigns import Utm
from crm.jobs.letter import letter
from crm.services.progress import Progress
from crm.store.campaigns import CampaignFigures, LinkFigures

PEOPLE, ALL = "people", "all"
"""Whose opens and clicks count: those of people, or of programs too."""


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


def funnel(progress: Progress, hits: str, *, matched: str) -> dict[str, Any]:
    """The stages; what nobody measured is left out. `matched` is the query string of who matched, empty where no list shows them.

    `measured` tells whether opens or clicks are known at all.
    """
    campaign, figures = progress.campaign, progress.figures
    opened, clicked = ("opened", "clicked") if hits == PEOPLE else ("opened_any", "clicked_any")
    measured = bool(campaign.tracking or figures.opened_any or figures.clicked_any or figures.opened or figures.clicked)
    stages = [
        ("Matched", campaign.audience.matched, matched and reverse("people:list") + matched),
        ("In the audience", progress.expected, _recipients(campaign.id)),
        ("Sent", figures.sent, _recipients(campaign.id, status="sent")),
        *([("Delivered", figures.delivered, _recipients(campaign.id, outcome="delivered"))] if figures.delivered else []),
        *([("Opened", getattr(figures, opened), _recipients(campaign.id, outcome=opened))] if measured else []),
        *([("Clicked", getattr(figures, clicked), _recipients(campaign.id, outcome=clicked))] if measured else []),
    ]
    above = [0, *(number for _, number, _ in stages)]
    return {
        "measured": measured,
        "hits": hits,
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
    """A link of the letter as its author wrote it, and in how many e-mails a person, or only a program, followed it."""

    address: str
    persons: int
    programs: int


def link_rows(progress: Progress) -> list[LinkRow]:
    """The links of a tracked letter, in its order; none where nothing can tell of them."""
    campaign, clicks = progress.campaign, progress.links
    if not (campaign.tracking or clicks):
        return []
    addresses = letter(campaign.body, Utm()).links
    none = LinkFigures(persons=0, anybody=0)
    found = [(address, clicks.get(number, none)) for number, address in enumerate(addresses)]
    return [LinkRow(address=address, persons=one.persons, programs=one.anybody - one.persons) for address, one in found]


def _beside(campaign_id: str, figures: CampaignFigures) -> list[Stage]:
    """What came of some e-mails besides: whoever unsubscribed by it is found as a person too."""
    people = reverse("people:list")
    found = [
        ("Bounced", figures.bounced, _recipients(campaign_id, outcome="bounced")),
        ("Complained", figures.complained, _recipients(campaign_id, outcome="complained")),
        ("Unsubscribed", figures.unsubscribed, f"{people}?{urlencode({'mailed': f'{campaign_id}:unsubscribed'})}"),
    ]
    return [Stage(name=name, number=number, above=figures.sent, link=link) for name, number, link in found if number]


def _recipients(campaign_id: str, **values: str) -> str:
    query = f"?{urlencode(values)}" if values else ""
    return reverse("campaigns:recipients", args=[campaign_id]) + query
