"""Sending: one lane of a campaign takes chunk after chunk, hands messages over, and writes what became of them."""

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import Email, SkipReason
from crm.domain.errors import StoreUnavailable
from crm.domain.mail_settings import Letterhead
from crm.jobs.handover import Again, Halt, Settled, hand_over
from crm.jobs.pace import Pace
from crm.jobs.window import AWAY_SECONDS, Window, look_at_people, open_window, skipped, take_over, write_outcomes
from crm.jobs.work import Held, Work, back_off, boot_time
from crm.services import mail_settings
from crm.services.campaign_jobs import jobs_of, lanes_among, retry_at_work
from crm.store.chunks import Chunk, new_chunk
from crm.store.jobs import Job, LeaseLost
from crm.store.requests import Action
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)
SENDING = frozenset({CampaignStatus.EXPANDING, CampaignStatus.SENDING})
IDLE = timedelta(seconds=1)
"""How soon a lane without work looks again while e-mails are still being made."""
REST = timedelta(seconds=60)
"""How soon it looks again when all are made and other lanes still have some: the last of those finds that all is done."""
LOOK_EVERY = 1.0
"""Seconds between two looks at whether the campaign was paused or cancelled; and how old what is known of a person may be."""
LONGEST_BACK_OFF = timedelta(minutes=15)


def step(work: Work, held: Held) -> None:
    """Do one step of a lane: settle a window that was left behind, send a window, wait, or find that all is done."""
    campaign = work.store.campaigns.state(held.job.key.owner_id)
    lane = int(held.job.key.name[-1])
    if left_behind := held.job.state.get("window"):
        take_over(work, held, campaign, left_behind)
        return
    try:
        if campaign.status in SENDING:
            _send(work, held, campaign, lane)
        elif campaign.status is CampaignStatus.CANCELLED:
            _clear(work, held, campaign, lane)
        else:
            held.release(None, work.store.campaigns.unmoved(campaign))
    except ConditionFailed:
        held.look_again()


def _send(work: Work, held: Held, campaign: Campaign, lane: int) -> None:
    now = work.clock()
    chunk = work.store.chunks.first(campaign.id, lane)
    if chunk is None:
        _rest(work, held, campaign)
    elif chunk.due_at > now:
        _sleep(work, held, campaign, chunk.due_at)
    elif len(chunk.email_ids) > work.settings.window:
        _split(work, held, chunk)
    else:
        since = boot_time()
        _send_window(work, held, open_window(work, chunk), since=since)


def _split(work: Work, held: Held, chunk: Chunk) -> None:
    """Cut a chunk that holds more than one may have in hand: it was put by others, or when windows were larger."""
    size = work.settings.window
    parts = [chunk.email_ids[start : start + size] for start in range(0, len(chunk.email_ids), size)]
    put = [new_chunk(chunk.campaign_id, chunk.lane, chunk.due_at, ids).put for ids in parts]
    held.save(held.state, chunk.delete, *put, work.store.campaigns.queueing(chunk.campaign_id, chunks=len(put)))


def _sleep(work: Work, held: Held, campaign: Campaign, until: datetime) -> None:
    """Give the lane back until then, unless a chunk was put or the campaign was told something since it was read.

    While e-mails are still being made chunks are put all the time, and the lane looks again soon.
    """
    if campaign.expanded:
        held.release(until, work.store.campaigns.unmoved(campaign))
    else:
        held.release(min(until, work.clock() + IDLE))


def _rest(work: Work, held: Held, campaign: Campaign) -> None:
    """Nothing waits in this lane: look again later, or call the campaign done if nothing waits anywhere."""
    now = work.clock()
    if not campaign.expanded:
        _sleep(work, held, campaign, now + IDLE)
        return
    heads = work.store.chunks.heads(campaign.id)
    if heads:
        _sleep(work, held, campaign, max(now + REST, min(chunk.due_at for chunk in heads.values())))
        return
    jobs = jobs_of(work.store, campaign.id)
    if retry_at_work(jobs) is not None:
        _sleep(work, held, campaign, now + REST)
        return
    done = replace(campaign, status=CampaignStatus.DONE, finished_at=now, updated_at=now)
    held.release(None, work.store.campaigns.move(campaign, done, still=True), *_others_parked(work, held, jobs))
    logger.info("campaign done", extra={"campaign_id": campaign.id})


def _others_parked(work: Work, held: Held, jobs: dict[str, Job]) -> list[Action]:
    """Take the other lanes off that nobody holds; who holds one finds out."""
    return [work.store.jobs.park(lane) for lane in lanes_among(jobs) if lane.key != held.job.key and lane.idle and lane.due_at]


def _clear(work: Work, held: Held, campaign: Campaign, lane: int) -> None:
    """Skip what still waits in a lane of a cancelled campaign."""
    chunk = work.store.chunks.first(campaign.id, lane)
    if chunk is not None:
        window = open_window(work, chunk)
        window.again.clear()
        for email in window.waiting:
            window.settle(skipped(email, SkipReason.CANCELLED))
        write_outcomes(work, held, window)
    elif campaign.finished_at is None and not work.store.chunks.heads(campaign.id):
        ended = replace(campaign, finished_at=work.clock())
        held.release(None, work.store.campaigns.move(campaign, ended, still=True))
    else:
        held.release(None, work.store.campaigns.unmoved(campaign))


def _send_window(work: Work, held: Held, window: Window, *, since: float) -> None:
    """Hand a window over, as far as stops, pace and provider allow, and write what became of it.

    `since` is when its people were read: from a second later on they are read anew before their turn.
    """
    pace = Pace(work)
    permit = pace.next(len(window.waiting)) if window.waiting else (work.clock(), True)
    if not permit[1]:
        held.release(permit[0])
        return
    campaign = work.store.campaigns.get(window.chunk.campaign_id)
    letterhead = mail_settings.letterhead(work.store, work.settings.letterhead)
    if window.waiting:
        _write_down(work, held, window.chunk)
    _Run(work, held, campaign, letterhead, window, pace, permit[0], since=since).go()


def _write_down(work: Work, held: Held, chunk: Chunk) -> None:
    """Record the window before anything goes out. Without an answer it may stand there, so it is looked up."""
    while True:
        try:
            held.save({**held.state, "window": chunk.sort_key})
            return
        except StoreUnavailable:
            if work.stopping.wait(AWAY_SECONDS):
                raise
        with suppress(StoreUnavailable):
            held.look_again()


class _Run:
    """The hand-overs of one window."""

    def __init__(
        self,
        work: Work,
        held: Held,
        campaign: Campaign,
        letterhead: Letterhead,
        window: Window,
        pace: Pace,
        first: datetime,
        *,
        since: float,
    ) -> None:
        self._work = work
        self._held = held
        self._campaign = campaign
        self._letterhead = letterhead
        self._window = window
        self._pace = pace
        self._permit: datetime | None = first
        self._looked = 0.0
        self._known = dict.fromkeys(window.emails, since)
        self._looked_ahead = since
        self._turns = 0
        self._running = True
        self._later: datetime | None = None
        self._trouble = ""
        self._answered = False

    def go(self) -> None:
        """Go through the window; then write, whatever stopped it."""
        for email in self._window.waiting:
            if self._window.is_settled(email):
                continue
            if not self._may_go(email):
                break
            if self._window.is_settled(email):
                continue
            answer = hand_over(self._work, self._campaign, self._letterhead, email, self._window.people[email.user_id])
            if isinstance(answer, Halt):
                self._trouble = answer.reason
                break
            self._answered = True
            if isinstance(answer, Again):
                self._window.again.append(answer)
            elif isinstance(answer, Settled):
                self._window.settle(answer.email)
        self._write()

    def _may_go(self, email: Email) -> bool:
        """Wait for a permit, look for a stop and at the person, renew the lease; last of all look at the clocks.

        What breaks here only ends the window: what went out before must be written.
        """
        try:
            if not (self._permitted() and self._still_running()):
                return False
            self._look_at_person(email)
            return self._leased()
        except LeaseLost:
            raise
        except Exception:
            logger.exception("window cut short", extra={"campaign_id": self._campaign.id, "job": self._held.job.key.name})
            return False

    def _permitted(self) -> bool:
        permit, self._permit = self._permit, None
        if permit is None:
            permit, soon = self._pace.next(len(self._window.waiting))
            if not soon:
                self._later = permit
                return False
        wait = (permit - self._work.clock()).total_seconds()
        return not (self._work.stopping.wait(wait) if wait > 0 else self._work.stopping.is_set())

    def _still_running(self) -> bool:
        if boot_time() - self._looked >= LOOK_EVERY:
            self._looked = boot_time()
            self._running = self._work.store.campaigns.state(self._campaign.id).status in SENDING
        return self._running

    def _look_at_person(self, email: Email) -> None:
        """Read who is next once more, where that was done a while ago: they may have unsubscribed since.

        With them as many are read as had their turn within as long a time, so that each is read but once more.
        """
        now = boot_time()
        self._turns += 1
        if now - self._known[email.id] < LOOK_EVERY:
            return
        seconds = max(now - self._looked_ahead, 0.001)
        ahead = self._window.waiting[: max(1, int(self._turns * LOOK_EVERY / seconds))]
        look_at_people(self._work, self._window, ahead)
        self._known |= {one.id: now for one in ahead}
        self._looked_ahead, self._turns = now, 0

    def _leased(self) -> bool:
        """Whether a whole hand-over fits into what is left of the lease: a worker that was suspended finds that none does."""
        needed = self._work.settings.handover_seconds
        if 0 < self._held.left < needed * 1.3:
            self._held.renew()
        return self._held.left > needed

    def _write(self) -> None:
        setbacks = int(self._held.job.state.get("setbacks", 0))
        if self._trouble:
            setbacks += 1
            until = self._work.clock() + back_off(self._work.settings.retry_seconds, setbacks - 1, LONGEST_BACK_OFF)
            write_outcomes(self._work, self._held, self._window, due_at=until, trouble=self._trouble, setbacks=setbacks)
            logger.warning("mail server takes nothing", extra={"campaign_id": self._campaign.id, "until": until.isoformat()})
        elif self._answered:
            write_outcomes(self._work, self._held, self._window, due_at=self._later)
        else:
            trouble = str(self._held.job.state.get("trouble", ""))
            write_outcomes(self._work, self._held, self._window, due_at=self._later, trouble=trouble, setbacks=setbacks)
