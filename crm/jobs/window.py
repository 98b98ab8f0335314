"""One window of a lane: what is in hand between taking a chunk and writing its outcomes in one transaction."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from crm.domain.campaigns import Campaign
from crm.domain.emails import Email, EmailState, SkipReason
from crm.domain.errors import StoreUnavailable
from crm.domain.ids import email_id
from crm.domain.people import EmailStatus, Person
from crm.jobs.handover import Again
from crm.jobs.work import Held, Work
from crm.store.chunks import Chunk, new_chunk
from crm.store.email_items import ATTRIBUTE, item_of
from crm.store.expressions import equals
from crm.store.heirs import heirs_of
from crm.store.jobs import LeaseLost
from crm.store.outcomes import email_changes, outcome
from crm.store.requests import Action
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)
AWAY_SECONDS = 1.0
BETWEEN_ROUNDS = 0.1
PATIENCE_AT_END = 15.0
"""How long a worker that should stop still tries to write outcomes while the store is away."""
MERGE_SECONDS = 10
"""How soon it is looked again at an e-mail to somebody who is just being merged: the other entry may be getting one now."""
LOST = "The worker that had this e-mail in hand stopped; it may have been sent."
PROOF = ("delivered_at", "bounced_at", "complained_at", "opened_at", "clicked_at")
"""Times of an e-mail that only one which went out can have."""
FETCHED = ("opened_any_at", "clicked_any_at")
"""Times that prove it only where the answer is unknown: a mail server can look at what it is handed, and then refuse it."""
OUTCOME = (
    *("status", "skip_reason", "fail_reason", "error", "attempts"),
    *("first_tried_at", "sent_at", "failed_at", "uncertain_at"),
)
"""What a hand-over makes of an e-mail besides its address; all else comes from elsewhere, also meanwhile."""
CLOCKS_DIFFER = timedelta(seconds=6)
"""So far clocks differ: what was fetched longer than that before a window was due, was fetched at an earlier hand-over."""


@dataclass(slots=True, kw_only=True)
class Window:
    """A chunk that is being sent: who is to be mailed, what became of whom, and who was not reached."""

    chunk: Chunk
    emails: dict[str, Email]
    people: dict[str, Person] = field(default_factory=dict)
    pairs: list[tuple[Email, Email]] = field(default_factory=list)
    again: list[Again] = field(default_factory=list)

    @property
    def waiting(self) -> list[Email]:
        """Those of which nothing was written down yet, in order."""
        done = {old.id for old, _ in self.pairs} | {one.email.id for one in self.again}
        return [email for email in self.emails.values() if email.id not in done]

    def is_settled(self, email: Email) -> bool:
        """Whether its outcome is written down, or that it waits for later."""
        return any(old.id == email.id for old, _ in self.pairs) or any(one.email.id == email.id for one in self.again)

    def settle(self, new: Email) -> None:
        """Write down what became of an e-mail; one that is uncertain was sent if an event has told of it meanwhile."""
        self.pairs.append((self.emails[new.id], _told(new, fetched_since=self.chunk.due_at - CLOCKS_DIFFER)))


def _told(new: Email, *, fetched_since: datetime | None = None) -> Email:
    """An e-mail that was delivered, opened, clicked, bounced or complained of was sent, whoever lost the answer.

    That a program fetched something of it counts from `fetched_since` on, and without that not at all.
    """
    times = [time for name in PROOF if (time := getattr(new, name))]
    if fetched_since is not None:
        times += [time for name in FETCHED if (time := getattr(new, name)) and time >= fetched_since]
    if new.status is not EmailState.UNCERTAIN or not times:
        return new
    return replace(new, status=EmailState.SENT, sent_at=min(times), uncertain_at=None, error="")


def open_window(work: Work, chunk: Chunk) -> Window:
    """Read a chunk's e-mails that are still queued and their people, consistently; write down who must not be mailed.

    Nor is what was queued again, and is known by now to have gone out the first time. That a program fetched something of it
    does not tell that: some mail servers follow links, and then refuse.
    """
    found = work.store.emails.get_many(chunk.email_ids)
    queued = {email.id: email for email in found.values() if email.status is EmailState.QUEUED}
    window = Window(chunk=chunk, emails=queued)
    for email in queued.values():
        if (sent := _told(replace(email, status=EmailState.UNCERTAIN))).status is EmailState.SENT:
            window.settle(sent)
    look_at_people(work, window, window.waiting)
    return window


def look_at_people(work: Work, window: Window, emails: Sequence[Email]) -> None:
    """Read those who are to get `emails` as they are now, consistently, and write down who must not be mailed."""
    people = work.store.people.get_many([email.user_id for email in emails])
    addresses = {person.profile.email for person in people.values()}
    suppressed = work.store.suppressions.lookup_many(addresses) if addresses else {}
    window.people |= people
    there = [(email, people[email.user_id]) for email in emails if email.user_id in people and not people[email.user_id].leaving]
    twice = _had_already(work, window.chunk.campaign_id, there)
    for email, person in there:
        if (reason := _skip_reason(person, suppressed)) is not None or email.id in twice:
            window.settle(skipped(email, reason or SkipReason.MERGED))
        elif person.merging:
            window.again.append(Again(email=email, due_at=work.clock() + timedelta(seconds=MERGE_SECONDS)))
    _let_go(work, window, [email for email in emails if not any(email is one for one, _ in there)])


def _let_go(work: Work, window: Window, emails: Sequence[Email]) -> None:
    """Skip e-mails to who is gone, or just goes, without an address; of who was merged they stand with whom they became."""
    heirs = heirs_of(work.store.table, [email.user_id for email in emails]) if emails else {}
    left = work.store.people.get_many(sorted(set(heirs.values()))) if heirs else {}
    for email in emails:
        heir = heirs.get(email.user_id, "")
        reason = SkipReason.MERGED if heir in left else SkipReason.ERASED
        window.settle(replace(skipped(email, reason), email="", user_id=heir if heir in left else email.user_id))


def skipped(email: Email, reason: SkipReason) -> Email:
    """Return the e-mail as one that is not handed over."""
    return replace(email, status=EmailState.SKIPPED, skip_reason=reason, error="")


def _had_already(work: Work, campaign_id: str, pairs: Sequence[tuple[Email, Person]]) -> set[str]:
    """The e-mails whose person has the campaign under another id: they were several entries, before these were merged.

    Where nothing is found of such an id, it may have had the campaign as well once that forgets what it sent. One request where
    there is anybody like that, and one more where nothing is found. Of several that wait, the one of the id that stayed goes.
    """
    others = {email.id: _ids_of(email, person) for email, person in pairs if person.merged_from}
    found = work.store.emails.get_many(list({id_ for ids in others.values() for id_ in ids})) if others else {}
    unknown = {id_ for id_, ids in others.items() if not found.keys() >= set(ids)}
    if unknown and work.store.campaigns.state(campaign_id).keeps_all(work.clock()):
        unknown.clear()
    return unknown | {
        email.id
        for email, person in pairs
        for place, id_ in enumerate(others.get(email.id, ()))
        if id_ != email.id and id_ in found and _goes_first(found[id_], person, place, _place(email, others[email.id]))
    }


def _ids_of(email: Email, person: Person) -> list[str]:
    return [email_id(email.campaign_id, one) for one in (person.id, *person.merged_from)]


def _place(email: Email, ids: Sequence[str]) -> int:
    return ids.index(email.id) if email.id in ids else len(ids)


def _goes_first(other: Email, person: Person, place: int, mine: int) -> bool:
    """Whether the other one went out, or will; what still waits under the id of who is gone will not."""
    if other.status is EmailState.QUEUED:
        return other.user_id == person.id and place < mine
    return other.status in {EmailState.SENT, EmailState.UNCERTAIN}


def _skip_reason(person: Person, suppressed: dict[str, EmailStatus]) -> SkipReason | None:
    status = suppressed[person.profile.email]
    status = person.email_status if status is EmailStatus.MAILABLE else status
    return None if status is EmailStatus.MAILABLE else SkipReason(status.value)


def take_over(work: Work, held: Held, campaign: Campaign, sort_key: str) -> None:
    """Settle the window of a worker that died or slept: what it had queued may have gone out, so it is uncertain."""
    chunk = work.store.chunks.get(campaign.id, sort_key)
    if chunk is None:
        held.save(_without_window(held))
        return
    found = work.store.emails.get_many(chunk.email_ids)
    window = Window(chunk=chunk, emails={id_: email for id_, email in found.items() if email.status is EmailState.QUEUED})
    people = work.store.people.get_many([email.user_id for email in window.waiting])
    for email in window.waiting:
        address = email.email if email.user_id in people else ""
        window.settle(replace(email, email=address, status=EmailState.UNCERTAIN, uncertain_at=work.clock(), error=LOST))
    write_outcomes(work, held, window)
    uncertain = sum(1 for _, new in window.pairs if new.status is EmailState.UNCERTAIN)
    logger.warning("window taken over", extra={"campaign_id": campaign.id, "job": held.job.key.name, "uncertain": uncertain})


def write_outcomes(
    work: Work, held: Held, window: Window, *, due_at: datetime | None = None, trouble: str = "", setbacks: int = 0
) -> None:
    """Write all that is known of a window and put back the rest, in one transaction that empties it.

    With `due_at` the lane is given back until then. While the store is away it is tried on and on: what went out must be
    known. Raises LeaseLost when the lane was taken over meanwhile, which has made these e-mails uncertain.
    """
    state = _without_window(held, trouble=trouble, setbacks=setbacks)
    given_up = work.clock() + timedelta(seconds=PATIENCE_AT_END)
    unsure = False
    while True:
        try:
            if unsure and _written_already(work, held, window):
                return
            _write(held, state, _actions(work, window), due_at)
        except StoreUnavailable:
            if work.stopping.is_set() and work.clock() > given_up:
                raise
            logger.warning("store away while outcomes are in hand", extra={"campaign_id": window.chunk.campaign_id})
            time.sleep(AWAY_SECONDS)
        except ConditionFailed:
            if held.left <= 0 or (work.stopping.is_set() and work.clock() > given_up):
                raise LeaseLost from None
            time.sleep(BETWEEN_ROUNDS)
        else:
            return
        unsure = True


def _write(held: Held, state: Mapping[str, object], actions: Sequence[Action], due_at: datetime | None) -> None:
    if due_at is None:
        held.save(state, *actions)
    else:
        held.release(due_at, *actions, state=state)


def _written_already(work: Work, held: Held, window: Window) -> bool:
    """After a write without an answer, or one that was refused: its transaction deletes the chunk, so the chunk tells.

    A refusal can be our own work found again: the reply was lost, and an engine that was restarted knows no request twice.
    Where the chunk is still there, what was found changed is left out of the next try. Raises LeaseLost.
    """
    if work.store.chunks.get(window.chunk.campaign_id, window.chunk.sort_key) is None:
        held.look_again()
        return True
    _leave_out_changed(work, window)
    return False


def _leave_out_changed(work: Work, window: Window) -> None:
    """Forget outcomes of e-mails that are no longer queued: nobody but a lane changes that, so this is an intruder's.

    Where the address was taken out meanwhile, because the person was erased, it is taken out of the outcome as well; where an
    event has told of an e-mail that is uncertain, it was sent.
    """
    found = work.store.emails.get_many(window.chunk.email_ids)
    kept = {id_: email for id_, email in found.items() if email.status is EmailState.QUEUED}
    for email in window.emails.values():
        if email.id not in kept:
            logger.error("queued e-mail was changed", extra={"email_id": email.id, "campaign_id": email.campaign_id})
    window.emails = {id_: kept[id_] for id_ in window.emails if id_ in kept}
    outcomes = [new for old, new in window.pairs if old.id in kept]
    window.pairs = []
    for new in outcomes:
        window.settle(_caught_up(new, kept[new.id]))
    window.again = [replace(one, email=_caught_up(one.email, kept[one.email.id])) for one in window.again if one.email.id in kept]


def _caught_up(new: Email, stored: Email) -> Email:
    """The e-mail as it is stored, with its outcome: what else became of it since it was read, events or an erase, holds."""
    return replace(stored, email=new.email if stored.email else "", **{name: getattr(new, name) for name in OUTCOME})


def _without_window(held: Held, *, trouble: str = "", setbacks: int = 0) -> dict[str, object]:
    return {**held.state, "window": None, "trouble": trouble, "setbacks": setbacks or None}


def _actions(work: Work, window: Window) -> list[Action]:
    if not window.pairs and not window.again and window.emails:
        return []
    chunk = window.chunk
    put = [new_chunk(chunk.campaign_id, chunk.lane, due_at, ids) for due_at, ids in _put_back(work, window)]
    changes = email_changes(window.pairs)
    actions: list[Action] = [_outcome(old, new) for old, new in window.pairs]
    actions += [outcome(window.emails[one.email.id], one.email) for one in window.again]
    actions += [chunk.delete, *[one.put for one in put], *work.store.stats.delta(changes, now=work.clock())]
    if put:
        actions.append(work.store.campaigns.queueing(chunk.campaign_id, chunks=len(put)))
    return actions


def _outcome(old: Email, new: Email) -> Action:
    """An outcome; that an e-mail is uncertain holds only as long as no event tells of it that was not known."""
    action = outcome(old, new)
    if new.status is not EmailState.UNCERTAIN:
        return action
    known = item_of(old)
    names = [ATTRIBUTE[attribute] for attribute in (*PROOF, *FETCHED)]
    return replace(action, expect=[*action.expect, *[equals(name, known.get(name)) for name in names]])


def _put_back(work: Work, window: Window) -> Iterable[tuple[datetime, list[str]]]:
    """The chunks of what is tried again, by when, and of what was not reached: one for each number of tries, and one.

    Slow refusals are due at as many different times, but there must be room for all in one transaction.
    """
    parts: dict[int, tuple[datetime, list[str]]] = {}
    for one in window.again:
        due_at, ids = parts.get(one.email.attempts, (one.due_at, []))
        parts[one.email.attempts] = (max(due_at, one.due_at), [*ids, one.email.id])
    waiting = [email.id for email in window.waiting]
    return [*parts.values(), *([(work.clock(), waiting)] if waiting else [])]
