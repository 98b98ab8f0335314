"""Going on with what staff asked for about many e-mails that failed or are uncertain: part after part."""

import logging

from crm.domain.campaigns import CampaignStatus
from crm.jobs.work import Held, Work
from crm.services.campaign_jobs import jobs_of, lanes_among, woken
from crm.services.retry_parts import PART, Remedy, find_part, order_of, part_actions
from crm.store.keys import LANES
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)


def step(work: Work, held: Held) -> None:
    """Do one part, and write it with the place where the next one begins: whoever takes over does none of it twice."""
    try:
        _part(work, held)
    except ConditionFailed:  # a lane, or staff, were quicker
        held.look_again()


def _part(work: Work, held: Held) -> None:
    state, order = held.state, order_of(held.state)
    campaign = work.store.campaigns.state(held.job.key.owner_id)
    if order is None or (campaign.status is CampaignStatus.CANCELLED and order.remedy is not Remedy.SETTLE):
        held.release(None, state={})
        return
    part = find_part(work.store, campaign.id, order, cursor=state.get("cursor"), most=min(PART, work.settings.window))
    number = int(state.get("number", 0))
    jobs = jobs_of(work.store, campaign.id)
    actions = part_actions(work.store, campaign.id, order, part, jobs, now=work.clock(), lane=number % LANES)
    done = int(state.get("done", 0)) + len(part.emails)
    if part.next_token is None:
        ending = [] if actions else woken(work.store, lanes_among(jobs), work.clock())  # they find that all is done
        held.release(None, *actions, *ending, state={})
        logger.info(order.words, extra={"campaign_id": campaign.id, "emails": done})
        return
    following = order.state(cursor=part.next_token, done=done, total=int(state.get("total", 0)), number=number + 1)
    held.save(following, *actions)
