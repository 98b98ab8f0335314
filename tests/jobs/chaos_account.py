"""What became of a campaign under fire, against what is promised."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm.domain.campaigns import CampaignStatus
from crm.domain.emails import Email, EmailState
from crm.services.verify import differences
from crm.store import Store
from crm.store.outcomes import LATER
from tests.jobs.chaos_plan import HANDOVER, Happened, Lines

SPAN = 5.0
"""Seconds over which the pace is looked at."""


@dataclass(frozen=True, slots=True)
class Check:
    """A promise, how often it was broken (or what was measured), and the most there may be."""

    promise: str
    measured: float
    most: float = 0

    @property
    def kept(self) -> bool:
        """Whether it holds."""
        return self.measured <= self.most


class Account:
    """All that the table, the mail server and the workers' notes say of a campaign."""

    def __init__(self, store: Store, happened: Happened, folder: Path) -> None:
        self.happened = happened
        self.campaign = store.campaigns.get(happened.campaign_id)
        self.figures = store.campaigns.figures(happened.campaign_id)
        self.emails = list(store.emails.walk(happened.campaign_id))
        self.waiting = list(store.chunks.all(happened.campaign_id))
        self.next_due = store.jobs.next_due()
        self.differences = differences(store)
        self.received = _read(folder / "received")
        by_address = {address: user_id for user_id, address in happened.addresses.items()}
        self.withheld = {by_address[line["recipient"]] for line in _read(folder / "lost")}
        notes = _read(folder / "notes")
        self.windows = [note for note in notes if "window" in note]
        self.lost = _lost(notes)

    def of(self, state: EmailState) -> list[Email]:
        """The e-mails that ended so."""
        return [email for email in self.emails if email.status is state]

    @property
    def in_lost_windows(self) -> set[str]:
        """Ids of the e-mails that were in the hands of workers which never wrote what became of them."""
        return {id_ for note in self.lost for id_ in note["ids"]}

    def checks(self) -> list[Check]:
        """Everything that was promised."""
        return [*self._people(), *self._outcomes(), *self._course()]

    def _people(self) -> Iterator[Check]:
        mailed = Counter(line["recipient"] for line in self.received)
        yield Check("people who got two messages", sum(1 for number in mailed.values() if number > 1))
        yield Check("messages to who had unsubscribed before their window began", len(list(self._too_late())))
        owners = Counter(email.user_id for email in self.emails)
        without = set(self.happened.addresses) - set(owners)
        yield Check("people without an end", len(without - set(self.happened.left)))
        yield Check("people with two e-mails", sum(1 for number in owners.values() if number > 1))
        yield Check("people left out, but not counted so", abs(len(without) - sum(self.campaign.left_out.values())))

    def _too_late(self) -> Iterator[dict[str, Any]]:
        """Messages whose window was opened, at the latest, after the unsubscribing of their person was acknowledged."""
        begun: dict[str, list[float]] = {}
        for note in self.windows:
            for id_ in note["ids"]:
                begun.setdefault(id_, []).append(note["began"])
        users = {email.id: email.user_id for email in self.emails}
        for line in self.received:
            left = self.happened.left.get(users[line["email_id"]])
            opened = max((moment for moment in begun[line["email_id"]] if moment <= line["at"]), default=0.0)
            if left is not None and left < opened:
                yield line

    def _outcomes(self) -> Iterator[Check]:
        got = {line["email_id"] for line in self.received}
        ended = {state: {email.id for email in self.of(state)} for state in EmailState}
        unclear = [email for email in self.emails if _unclear(email)]
        yield Check("e-mails that did not end as exactly one of sent, failed, uncertain, skipped with a reason", len(unclear))
        yield Check("e-mails called sent that the mail server has not", len(ended[EmailState.SENT] - got))
        yield Check(
            "messages of the mail server that are neither sent nor uncertain",
            len(got - ended[EmailState.SENT] - ended[EmailState.UNCERTAIN]),
        )
        withheld = {email.id for email in self.emails if email.user_id in self.withheld}
        unexplained = ended[EmailState.UNCERTAIN] - self.in_lost_windows - withheld
        yield Check("uncertain e-mails of no lost window and no lost reply", len(unexplained))
        yield Check("uncertain e-mails", len(ended[EmailState.UNCERTAIN]), len(self.in_lost_windows) + len(withheld))
        yield Check("counters that say something else than the e-mails", len(self._miscounted()))
        yield Check("differences that verify finds", len(self.differences))

    def _miscounted(self) -> list[str]:
        names = [*[state.value for state in EmailState], *LATER]
        counted = Counter(word for email in self.emails for word in _words(email))
        reasons = Counter(reason.value for email in self.emails if (reason := email.skip_reason or email.fail_reason))
        wrong = [name for name in names if getattr(self.figures, name) != counted[name]]
        return [
            *wrong,
            *[name for name in {*reasons, *self.figures.by_reason} if self.figures.by_reason.get(name, 0) != reasons[name]],
        ]

    def _course(self) -> Iterator[Check]:
        done = self.campaign.status is CampaignStatus.DONE and not self.waiting and self.next_due is None
        yield Check("work that is left over", 0 if done else 1)
        yield Check("workers that did not end as asked", sum(1 for status in self.happened.exits if status))
        quiet = [line for line in self.received if any(begin < line["at"] < end for begin, end in self.happened.paused)]
        yield Check("messages while paused", len(quiet))
        most = self.happened.plan.rate * (SPAN + 1.0 + HANDOVER)
        yield Check(f"messages within {SPAN:.0f} seconds", _busiest([line["at"] for line in self.received]), most)


def _read(path: Path) -> list[Any]:
    lines = Lines(path)
    len(lines)
    return lines.all


def _lost(notes: Iterable[Any]) -> list[Any]:
    """The windows that were begun, but not written; one that comes to nothing leaves its chunk, and is begun again."""
    lost: list[Any] = []
    open_: dict[str, Any] = {}
    for note in notes:
        if "window" in note:
            lost += [open_[note["window"]]] if note["window"] in open_ else []
            open_[note["window"]] = note
        else:
            open_.pop(note["written"], None)
    return [*lost, *open_.values()]


def _unclear(email: Email) -> bool:
    reasons = (email.skip_reason is not None, email.fail_reason is not None)
    wanted = {EmailState.SKIPPED: (True, False), EmailState.FAILED: (False, True)}
    return email.status is EmailState.QUEUED or reasons != wanted.get(email.status, (False, False))


def _words(email: Email) -> list[str]:
    """What it is to count as; of one that did not go out, whatever a server did with it counts for nothing."""
    stayed = email.status in {EmailState.FAILED, EmailState.SKIPPED}
    later = [word for word, attribute in LATER.items() if getattr(email, attribute) is not None]
    return [email.status.value, *([] if stayed else later)]


def _busiest(moments: Sequence[float]) -> int:
    """The most messages within any SPAN."""
    ordered = sorted(moments)
    most = first = 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] > SPAN:
            first += 1
        most = max(most, last - first + 1)
    return most
