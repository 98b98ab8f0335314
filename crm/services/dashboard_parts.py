"""The parts of the first page, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from crm.domain.campaigns import Campaign
from crm.domain.events import Event
from crm.domain.imports import Import
from crm.services.analytics import Summary
from crm.services.job_board import about_of
from crm.services.progress import Progress
from crm.store.facets import PeopleTotals
from crm.store.jobs import JobKey

NEARLY_FULL = 0.9
SERIOUS = 0.05
"""The part of a campaign's e-mails that may be refused before it is told by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What somebody may see: nothing else is read for them."""

    people: bool = False
    events: bool = False
    campaigns: bool = False
    analytics: bool = False
    imports: bool = False
    jobs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """`joined` came in the last thirty days; `by_day` is how many of those who are there were there by the end of each."""

    totals: PeopleTotals
    joined: int
    by_day: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailings:
    """The e-mails of the last thirty days, `first` to `last`, and of the thirty before; `bounced` are those of the last seven."""

    first: date
    last: date
    lately: Summary
    before: Summary
    week: date
    bounced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How many e-mails of a campaign failed, `worth` of them worth a retry, and how many are uncertain, of how many settled."""

    campaign_id: str
    subject: str
    failed: int
    uncertain: int
    worth: int
    settled: int

    @property
    def needs_somebody(self) -> bool:
        """Whether something can be done, or so much was refused that somebody should know."""
        return bool(self.worth or self.uncertain) or self.failed > SERIOUS * self.settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaigns:
    """What is at work or paused, soonest first; what was done last; which have troubles with e-mails of the last thirty days.

    `troubles` are those that somebody can do something about, or that are serious; `rest` are the others, `{id: e-mails of those
    days that failed or are uncertain}`, those of campaigns among them that are not among the newest. `resting` are paused ones
    that are not among the newest, with how many e-mails wait. `any`: some are more than drafts.
    """

    going: Sequence[Progress]
    done: Sequence[Progress]
    troubles: Sequence[Trouble]
    rest: Mapping[str, int]
    resting: Sequence[tuple[Campaign, int]]
    any: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What is on or to come, by its start, cancelled ones left out; `seats` and `taken` are those of the next thirty days."""

    coming: Sequence[Event]
    soon: Sequence[Event]
    seats: int
    taken: int

    @property
    def tight(self) -> list[Event]:
        """Those of the next thirty days that are nearly full; where people wait, they come first."""
        full = [one for one in self.soon if one.max_capacity and one.registered_count >= NEARLY_FULL * one.max_capacity]
        return sorted(full, key=lambda one: (not one.waitlisted_count, one.start_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """What somebody sees; None for what they may not. `stuck` is what has been due for long with nobody at it, and since when.

    `failed` is what rests after a breakdown, empty for who may not see the background work.
    """

    people: People | None
    mailings: Mailings | None
    campaigns: Campaigns | None
    events: Events | None
    unread: Sequence[Import]
    stuck: Sequence[tuple[JobKey, datetime]]
    failed: Sequence[JobKey]

    def is_stuck(self, campaign: Campaign) -> bool:
        """Whether work of a campaign is among what nobody takes."""
        return any(about_of(key.owner) == ("campaign", campaign.id) for key, _ in self.stuck)
