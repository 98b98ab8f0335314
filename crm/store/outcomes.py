"""What e-mails count as, and the one transaction in which a change of their status and of the counts stand together."""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from crm.domain.emails import Email, EmailState
from crm.domain.failures import code_of
from crm.store.deltas import Labels
from crm.store.email_items import TIMES, epoch, item_of
from crm.store.expressions import equals, exists
from crm.store.keys import escape, stamp
from crm.store.requests import Action, changed
from crm.store.stats import Counter, RowKey

LATER = {
    "delivered": "delivered_at",
    "opened": "opened_at",
    "clicked": "clicked_at",
    "opened_any": "opened_any_at",
    "clicked_any": "clicked_any_at",
    "bounced": "bounced_at",
    "complained": "complained_at",
    "unsubscribed": "unsubscribed_at",
}
"""What can happen to an e-mail besides its status: counted once per e-mail, in the row of the hour in which it was created."""

NEVER_OUT = frozenset({EmailState.FAILED, EmailState.SKIPPED})
"""What happened later is not counted of these: a mail server may follow links of what it then refuses."""

DOMAINS = "DOMAINS#"
"""Before the month: rows of an hour, a campaign and an outcome, with one number per domain: `01T09#c1#sent`. Kept in few items,
because a delta then names an hour once and not with each domain."""

EXPIRES_LAST = "expiresLast"
"""On the row of an hour: from when on its e-mails are no longer kept one by one, in seconds since 1970; no count."""

SAID = "SAID#"
"""Before a reason and a code: the row of a campaign's e-mails that failed with it: `SAID#refused#550%205.1.1`."""

COUNTED = ("skipReason", "failReason", *[name for name, attribute in TIMES.items() if attribute in LATER.values()])
"""Attributes besides the status from which counts are computed."""
CONDITIONED = ("email", "hits", *COUNTED)
"""Attributes besides the status of which a change is conditioned on what was there: an erase takes the address out."""


def campaign_row(campaign_id: str) -> str:
    """The `what` of the counters of one campaign.

    >>> campaign_row("c1")
    'CAMPAIGN#c1'
    """
    return f"CAMPAIGN#{escape(campaign_id)}"


def hour_row(created_at: datetime, campaign_id: str) -> RowKey:
    """The row in which e-mails of a campaign count that were created in that UTC hour; it never changes.

    >>> hour_row(datetime.fromisoformat("2026-05-01T09:30:00+00:00"), "c1")
    ('EMAILS#2026-05', '01T09#c1')
    """
    text = stamp(created_at)
    return f"EMAILS#{text[:7]}", f"{text[8:13]}#{escape(campaign_id)}"


def words_of(email: Email) -> list[str]:
    """Return the words under which this e-mail counts: its status, and what happened later if it went out, or is to."""
    later = {} if email.status in NEVER_OUT else LATER
    return [email.status.value, *[word for word, attribute in later.items() if getattr(email, attribute) is not None]]


def email_counts(email: Email) -> Tally[Counter]:
    """Return every counter in which this e-mail counts, and by how much: what `verify` adds up."""
    what, key = hour_row(email.created_at, email.campaign_id)
    mine = campaign_row(email.campaign_id)
    words = words_of(email)
    domains = f"{DOMAINS}{what.partition('#')[2]}"
    counts = Tally({Counter("EMAILS", what.partition("#")[2]): 1})
    for word in words:
        counts[Counter(what, key, word)] += 1
        counts[Counter(mine, "TOTAL", word)] += 1
        counts[Counter(domains, f"{key}#{word}", email.domain)] += 1
    if reason := email.skip_reason or email.fail_reason:
        counts[Counter(mine, f"REASON#{reason.value}", email.status.value)] += 1
    if email.fail_reason:
        counts[Counter(mine, f"{SAID}{email.fail_reason.value}#{escape(code_of(email.error))}")] += 1
    return counts


def email_changes(changes: Iterable[tuple[Email | None, Email | None]]) -> dict[Counter, int]:
    """Return what `(old, new)` pairs change in the counters; None where there is no e-mail before or after."""
    total: Tally[Counter] = Tally()
    for old, new in changes:
        if new is not None:
            total.update(email_counts(new))
        if old is not None:
            total.subtract(email_counts(old))
    return {counter: change for counter, change in total.items() if change}


def email_labels(emails: Iterable[Email]) -> Labels:
    """Return what stands on the counter rows of new e-mails: UTM values, and when all of their hour are no longer kept."""
    labels: dict[RowKey, Mapping[str, str | int]] = {}
    for email in emails:
        utm = {"utmCampaign": email.utm.campaign, "utmSource": email.utm.source, "utmMedium": email.utm.medium}
        told: dict[str, str | int | None] = {**utm, EXPIRES_LAST: epoch(email.kept_until)}
        labels[hour_row(email.created_at, email.campaign_id)] = {name: value for name, value in told.items() if value}
    return labels


def outcome(old: Email, new: Email) -> Action:
    """Return the action that turns one e-mail into the other, on condition that what counts of it is as it was read.

    So is its address, where that changes. Of one that fails, is skipped, or turns out to have gone out, everything that
    happened later counts from now on, or no longer does, so all of that is.
    """
    before, after = item_of(old), item_of(new)
    counted = COUNTED if (old.status in NEVER_OUT) != (new.status in NEVER_OUT) else ()
    names = sorted({"status", *_said(old, new), *counted, *[name for name in CONDITIONED if before.get(name) != after.get(name)]})
    return changed(before, after, expect=[exists(), *[equals(name, before.get(name)) for name in names]])


def _said(old: Email, new: Email) -> list[str]:
    """What an e-mail that failed is counted by besides its reason."""
    return ["error"] if old.fail_reason or new.fail_reason else []


def requeued(email: Email) -> Email:
    """Return an e-mail that waits to be sent once more, with nothing left of what became of it before."""
    return replace(
        email,
        status=EmailState.QUEUED,
        fail_reason=None,
        skip_reason=None,
        error="",
        attempts=0,
        first_tried_at=None,
        failed_at=None,
        uncertain_at=None,
        sent_at=None,
    )


def settled(email: Email, *, now: datetime) -> Email:
    """Return an uncertain e-mail as one that was sent, as something has shown; every other one as it is."""
    if email.status is not EmailState.UNCERTAIN:
        return email
    return replace(email, status=EmailState.SENT, sent_at=email.uncertain_at or now, uncertain_at=None, error="")
