"""Who of the colleagues gets a copy of a campaign, and the job that hands the copies over."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from crm.domain.campaigns import Campaign
from crm.domain.copies import Copy, CopyStatus
from crm.domain.ids import email_id
from crm.domain.mail_settings import mark_of
from crm.domain.people import EmailStatus
from crm.services.campaign_jobs import COPIES, copies_job
from crm.store import Store
from crm.store.jobs import Job
from crm.store.requests import Action

IN_AUDIENCE = "They are in the audience and get the letter itself."
SUPPRESSED = "The address may not be mailed: {status}."


def copies_put(store: Store, campaign_id: str, jobs: Mapping[str, Job], now: datetime) -> list[Action]:
    """Return the action that makes the copies due, for the transaction that closes the audience; none without colleagues.

    `jobs` are those of the campaign. One request.
    """
    if not store.mail_settings.get().colleagues:
        return []
    return [store.jobs.put(copies_job(campaign_id), due_at=now, old=jobs.get(COPIES))]


def listed(store: Store, campaign: Campaign, *, now: datetime) -> list[Copy]:
    """Return a copy for each colleague whom the settings name now, once everybody of the audience has an e-mail.

    Skipped are those who have one themselves, under whichever id they had before a merge, and addresses that may not be
    mailed. Five requests at most.
    """
    colleagues = store.mail_settings.get().colleagues
    people = store.people.find_by_emails(colleagues) if colleagues else {}
    ids = {
        address: [email_id(campaign.id, one) for one in (person.id, *person.merged_from)] for address, person in people.items()
    }
    wanted = [one for several in ids.values() for one in several]
    mailed = store.emails.get_many(wanted) if wanted else {}
    suppressed = store.suppressions.lookup_many(set(colleagues)) if colleagues else {}
    copies = []
    for address in colleagues:
        reason = IN_AUDIENCE if any(one in mailed for one in ids.get(address, ())) else ""
        if not reason and (status := suppressed[address]) is not EmailStatus.MAILABLE:
            reason = SUPPRESSED.format(status=status.value)
        copies.append(
            Copy(
                campaign_id=campaign.id,
                hash=mark_of(address),
                address=address,
                status=CopyStatus.SKIPPED if reason else CopyStatus.WAITING,
                reason=reason,
                settled_at=now if reason else None,
            )
        )
    return copies


def told(store: Store, campaign_id: str) -> list[Copy]:
    """Return the copies of a campaign for whoever looks at it, with the whole address of those whom the settings still name.

    One query, and a request for the settings where there are any.
    """
    copies = store.copies.of(campaign_id)
    named = {mark_of(address): address for address in store.mail_settings.get().colleagues} if copies else {}
    return sorted((replace(copy, address=named.get(copy.hash, copy.address)) for copy in copies), key=lambda copy: copy.address)
