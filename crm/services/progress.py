"""Where a campaign stands, as its page shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from crm.domain.campaigns import ENDED, RUNNING, Campaign, CampaignStatus
from crm.services.campaign_jobs import jobs_of, lanes_among, retry_at_work
from crm.services.retry_parts import Remedy
from crm.store import Store
from crm.store.campaigns import CampaignFigures, LinkFigures
from crm.store.jobs import Breakdown, Job


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """What staff asked for about many e-mails that failed or are uncertain, and how far that is."""

    remedy: Remedy
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a campaign stands. `trouble` is why the mail server takes nothing just now; it is tried again at `trouble_until`.

    `rests` is the last breakdown of something of it that is tried again after a pause. `waits_since` is since when something of
    it is due and no worker has come; None where one is at it, or nothing is due.
    `links` are clicks by the number of a link in the letter; `at_work` is None where nothing is done with what went wrong.
    """

    campaign: Campaign
    figures: CampaignFigures
    trouble: str = ""
    trouble_until: datetime | None = None
    waits_since: datetime | None = None
    rests: Breakdown | None = None
    links: Mapping[int, LinkFigures] = field(default_factory=dict)
    at_work: AtWork | None = None

    @property
    def expected(self) -> int:
        """How many e-mails there will be: until all are made, what was counted when the campaign was accepted."""
        made = self.figures.total
        if self.campaign.expanded or self.campaign.status is CampaignStatus.CANCELLED:
            return made
        return max(made, self.campaign.audience.will_receive)

    @property
    def percent(self) -> int:
        """How much of it is settled, 0 to 100; 100 only when nothing waits."""
        if not self.expected:
            return 100 if self.campaign.status in ENDED else 0
        return self.figures.settled * 100 // self.expected


def progress(store: Store, campaign_id: str, *, now: datetime | None = None) -> Progress:
    """Return where a campaign stands at this moment; ten requests. Raises NotFound.

    Whether a worker is missing, and what broke, is told only of a given `now`.
    """
    campaign = store.campaigns.get(campaign_id)
    jobs = jobs_of(store, campaign_id)
    troubled = [job for job in lanes_among(jobs) if job.state.get("trouble")] if campaign.status not in ENDED else []
    figures, links = store.campaigns.figures_with_links(campaign_id)
    rests = [broke for job in jobs.values() if (broke := job.rests(now))] if now else []
    return Progress(
        campaign=campaign,
        figures=figures,
        links=links,
        at_work=_at_work(jobs),
        trouble=str(troubled[0].state["trouble"]) if troubled else "",
        trouble_until=min((job.due_at for job in troubled if job.due_at), default=None),
        waits_since=_waits_since(list(jobs.values()), now) if now and campaign.status in RUNNING else None,
        rests=max(rests, key=lambda broke: broke.at, default=None),
    )


def _at_work(jobs: dict[str, Job]) -> AtWork | None:
    job = retry_at_work(jobs)
    if job is None:
        return None
    return AtWork(remedy=Remedy(job.state["remedy"]), done=int(job.state["done"]), total=int(job.state["total"]))


def _waits_since(jobs: list[Job], now: datetime) -> datetime | None:
    """Since when all that has work is due: what is held by somebody, or waits on purpose, is not."""
    due = [job for job in jobs if job.due_at is not None]
    if not due or not all(job.is_late(now) for job in due):
        return None
    return min(job.due_at for job in due if job.due_at is not None)
