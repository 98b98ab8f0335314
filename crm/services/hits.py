"""Opens and clicks: kept with their class, counted once per e-mail, and proof that an e-mail arrived."""

import logging
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crm.domain.emails import Email
from crm.domain.errors import NotFound
from crm.domain.hits import MOST_KEPT, Hit, HitClass, HitKind, all_kept_until, burst, counted, linked, too_soon
from crm.domain.ids import new_id
from crm.store import Store
from crm.store.hits import hit_changes
from crm.store.outcomes import email_changes, outcome, settled
from crm.store.people import until_won
from crm.store.requests import Action

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What one more hit makes of an e-mail and of the hits that are kept of it."""

    email: Email
    before: list[Hit]
    after: list[Hit]


def record(
    store: Store,
    email_id: str,
    *,
    kind: HitKind,
    hit_class: HitClass,
    at: datetime,
    now: datetime,
    link: int | None = None,
    judge: bool = False,
    also: Sequence[Action] = (),
) -> bool:
    """Keep that an e-mail was opened or clicked; False where there is no such e-mail, and nothing is written.

    The first by a person is when it was opened or clicked; a click by a person is also an open. Whatever it is, an uncertain
    e-mail has been sent. A hit counts once per e-mail, kind and class, and once per link; of many only some are kept. `link` is
    the number of the link in the letter. With `judge` a person's is looked at once more: how soon it came, and what came with it
    (see domain/hits). `at` is taken to be after the e-mail was made and not ahead of `now`. `also` is written in the same
    transaction. Two reads and one write. Raises Conflict while others are always faster.
    """

    def attempt() -> bool:
        try:
            email = store.emails.get(email_id)
        except NotFound:
            return False
        when = _whole_milliseconds(max(min(at, now), email.created_at))
        hit = Hit(id=new_id(), email_id=email_id, kind=kind, hit_class=hit_class, at=when, link=link)
        change = _changed(email, store.hits.of(email_id), hit, now=now, judge=judge)
        new = settled(change.email, now=now)
        changes = Tally(hit_changes(email.campaign_id, change.before, change.after))
        changes.update(email_changes([(email, new)]))
        told = [outcome(email, replace(new, hits=email.hits + 1))] if new != email or changes else []
        kept = store.hits.keep(email, change.before, change.after)
        store.table.write([*told, *kept, *store.stats.delta(changes, now=now), *also])
        return True

    found = until_won(attempt)
    logger.debug("hit recorded", extra={"email_id": email_id, "kind": kind.value, "found": found})
    return found


def _changed(email: Email, before: list[Hit], hit: Hit, *, now: datetime, judge: bool) -> _Change:
    """Judge the hit, add it where there is room, and take back what it shows to have been no person's.

    Once earlier ones may be gone nobody can tell what is the first: it is kept then, and counts in nothing.
    """
    no_persons: set[str] = set()
    if judge and hit.hit_class is HitClass.PERSON:
        close = burst(hit, before)
        no_persons = {one.id for one in close if one.hit_class is HitClass.PERSON}
        if close or too_soon(email, hit.kind, hit.at):
            hit = replace(hit, hit_class=HitClass.SCANNER)
    after = [replace(one, hit_class=HitClass.SCANNER) if one.id in no_persons else one for one in before]
    alike = sum(one.kind is hit.kind and one.hit_class is hit.hit_class for one in after)
    taken_back = [one for one in before if one.id in no_persons]
    after = [*after, hit] if alike < MOST_KEPT else after
    if now < all_kept_until(email):
        after = counted(after)
    else:
        after = [replace(one, counts=()) if one.id in no_persons else one for one in after]
    told = _seen(_unseen(email, taken_back, after), hit)
    return _Change(email=linked(told, before, after), before=before, after=after)


def _seen(email: Email, hit: Hit) -> Email:
    """The e-mail with the times that a hit tells, where none is earlier."""
    clicked, opened = hit.kind is HitKind.CLICK, hit.kind is HitKind.OPEN
    person = hit.hit_class is HitClass.PERSON
    return replace(
        email,
        opened_at=_first(email.opened_at, hit.at if person else None),
        clicked_at=_first(email.clicked_at, hit.at if person and clicked else None),
        opened_any_at=_first(email.opened_any_at, hit.at if person or opened else None),
        clicked_any_at=_first(email.clicked_any_at, hit.at if clicked else None),
    )


def _unseen(email: Email, taken_back: Sequence[Hit], left: Sequence[Hit]) -> Email:
    """The e-mail without the times that came from hits which were no person's; the next of a person takes their place."""
    wrong = {hit.at for hit in taken_back}
    anything = [hit.at for hit in left if hit.hit_class is HitClass.PERSON or hit.kind is HitKind.OPEN]
    opens = [hit.at for hit in left if hit.hit_class is HitClass.PERSON]
    clicks = [hit.at for hit in left if hit.hit_class is HitClass.PERSON and hit.kind is HitKind.CLICK]
    return replace(
        email,
        opened_at=min(opens, default=None) if email.opened_at in wrong else email.opened_at,
        clicked_at=min(clicks, default=None) if email.clicked_at in wrong else email.clicked_at,
        opened_any_at=min(anything, default=None) if email.opened_any_at in wrong else email.opened_any_at,
    )


def _first(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)


def _whole_milliseconds(time: datetime) -> datetime:
    """As it is stored, so that what is read again is the same moment."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
