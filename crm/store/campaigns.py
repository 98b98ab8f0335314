"""Campaigns: their state, their content, and what their counters say.

State and content are two items. Every step of a job and every stop looks at the state, and a transaction pays for the whole
item that it looks at; the text can be a hundred times as long.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crm.domain.campaigns import Campaign, CampaignStatus
from crm.domain.emails import EmailState, FailReason, SkipReason
from crm.domain.errors import Conflict, NotFound
from crm.domain.hits import ANY, PERSONS
from crm.store import schema
from crm.store.campaign_items import campaign_of, content_of, item_of, left_out_name
from crm.store.campaign_lists import CampaignLists, keys_of
from crm.store.expressions import Clause, absent, equals, exists
from crm.store.hits import LINK
from crm.store.keys import unescape
from crm.store.outcomes import SAID, campaign_row
from crm.store.requests import Action, Check, Delete, Put, Update, changed
from crm.store.stats import CounterRange, RowKey, Snapshot

CHANGED = "This campaign was changed by someone else, or is being sent. Load it again and repeat your change."


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFigures:
    """In how many e-mails a link was clicked by a person, and by whatever."""

    persons: int
    anybody: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFigures:
    """How many of a campaign's e-mails stand where, each in one status; what happened to them later is counted once each.

    `by_reason` says why e-mails were skipped or failed: `{reason: n}`; `by_code`, where it was read, what was said of those that
    failed: `{(reason, code): n}`, the code as `domain/failures.py` has it.
    """

    queued: int = 0
    sent: int = 0
    failed: int = 0
    uncertain: int = 0
    skipped: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    opened_any: int = 0
    clicked_any: int = 0
    bounced: int = 0
    complained: int = 0
    unsubscribed: int = 0
    by_reason: Mapping[str, int]
    by_code: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> "CampaignFigures":
        """Return the figures of `{word: n}`, without reasons; other words are left alone."""
        kept: dict[str, Any] = {name: number for name, number in counts.items() if name in FIGURES}
        return cls(**kept, by_reason={})

    @property
    def statuses(self) -> tuple[EmailState, ...]:
        """Those that e-mails of it can be in: all of them while some may still go from one to another."""
        moving = self.queued or self.uncertain
        return tuple(one for one in EmailState if moving or getattr(self, one.value))

    @property
    def total(self) -> int:
        """All e-mails there are."""
        return self.queued + self.sent + self.failed + self.uncertain + self.skipped

    @property
    def settled(self) -> int:
        """Those that wait for nothing any more."""
        return self.total - self.queued


FIGURE_KEYS = ("TOTAL", *[f"REASON#{reason.value}" for reason in (*SkipReason, *FailReason)])
FIGURES = tuple(name for name in CampaignFigures.__dataclass_fields__ if name not in {"by_reason", "by_code"})


class CampaignRepository(CampaignLists):
    """Campaigns by id, and lists of them. What staff and jobs change about one is conditioned on the version they saw."""

    # reading

    def get(self, campaign_id: str) -> Campaign:
        """Return the campaign whole, as it is at this moment; one request. Raises NotFound."""
        item, content = self._table.batch_get(keys_of(campaign_id), consistent=True)
        if item is None:
            raise _not_there()
        return campaign_of(item, content)

    def state(self, campaign_id: str) -> Campaign:
        """Return the campaign without its text and filter, as it is at this moment: one read unit. Raises NotFound."""
        item = self._table.get(schema.key("campaign", id=campaign_id))
        if item is None:
            raise _not_there()
        return campaign_of(item, None)

    def figures(self, campaign_id: str) -> CampaignFigures:
        """Return what the counters say at this moment, deltas included."""
        return self.figures_many([campaign_id])[campaign_id]

    def figures_with_links(self, campaign_id: str) -> tuple[CampaignFigures, dict[int, LinkFigures]]:
        """Return the same with codes, and `{number of a link in the letter: its clicks}`, of one moment; as many requests."""
        what = campaign_row(campaign_id)
        snapshot = self._stats.snapshot(ranges=[CounterRange(what)])
        clicks = {key.removeprefix(LINK): row for key, row in snapshot.rows(what).items() if key.startswith(LINK)}
        return _figures(snapshot, what), {
            int(number): LinkFigures(
                persons=snapshot.value(what, f"{LINK}{number}", PERSONS), anybody=snapshot.value(what, f"{LINK}{number}", ANY)
            )
            for number in clicks
            if number.isdigit()
        }

    def figures_many(self, campaign_ids: Sequence[str], *, reasons: bool = True) -> dict[str, CampaignFigures]:
        """Return `{id: figures}` from one snapshot of the counters: a request per eleven campaigns, per 100 without `reasons`."""
        names = FIGURE_KEYS if reasons else FIGURE_KEYS[:1]
        keys = [(campaign_row(campaign_id), key) for campaign_id in dict.fromkeys(campaign_ids) for key in names]
        return self.figures_in(self._stats.snapshot(keys=keys), campaign_ids)

    def figure_keys(self, campaign_ids: Iterable[str], reasons: Sequence[SkipReason | FailReason] = ()) -> list[RowKey]:
        """Return what to ask a snapshot for, so that `figures_in` finds the figures in it, with those reasons alone."""
        names = ("TOTAL", *[f"REASON#{reason.value}" for reason in reasons])
        return [(campaign_row(campaign_id), name) for campaign_id in campaign_ids for name in names]

    def figures_in(self, snapshot: Snapshot, campaign_ids: Iterable[str]) -> dict[str, CampaignFigures]:
        """Return `{id: figures}` out of a snapshot that was asked for `figure_keys` among others; nothing is read."""
        return {campaign_id: _figures(snapshot, campaign_row(campaign_id)) for campaign_id in campaign_ids}

    # writing

    def create(self, campaign: Campaign, *others: Action) -> Campaign:
        """Write a new campaign, with `others` in the same transaction; return it as stored."""
        stored = replace(campaign, version=1)
        actions = [Put(item=item_of(stored), expect=[absent()]), Put(item=content_of(stored), expect=[absent()])]
        self._table.write([*actions, *others])
        return stored

    def save(self, campaign: Campaign, *others: Action) -> Campaign:
        """Write a draft whole, with `others`; return it one version up. Raises Conflict when it has moved on or is no draft."""
        stored = replace(campaign, version=campaign.version + 1)
        expect = [equals("version", campaign.version), equals("status", CampaignStatus.DRAFT.value)]
        self._table.write(
            [Put(item=item_of(stored), expect=expect, error=Conflict(CHANGED)), Put(item=content_of(stored)), *others]
        )
        return stored

    def removal(self, draft: Campaign) -> list[Action]:
        """Return the actions that remove a draft; they raise Conflict when it has moved on or is none."""
        expect = [equals("version", draft.version), equals("status", CampaignStatus.DRAFT.value)]
        state, content = keys_of(draft.id)
        return [Delete(key=state, expect=expect, error=Conflict(CHANGED)), Delete(key=content)]

    def move(self, old: Campaign, new: Campaign, *, chunks: int = 0, still: bool = False) -> Update:
        """Return the action that turns the state of `old`, as read, into that of `new`, one version up; content stays.

        `chunks` are being put in the same transaction; with `still` none may have been put since `old` was read.
        """
        raised = replace(new, version=old.version + 1, chunks_put=old.chunks_put)
        expect = [equals("version", old.version), *([equals("chunksPut", old.chunks_put)] if still else [])]
        return replace(changed(item_of(old), item_of(raised), expect=expect), increments={"chunksPut": chunks} if chunks else {})

    def unmoved(self, seen: Campaign) -> Check:
        """Return the action that lets a transaction pass only while the state is as seen and no chunk was put since."""
        expect = [equals("version", seen.version), equals("chunksPut", seen.chunks_put)]
        return Check(key=schema.key("campaign", id=seen.id), expect=expect)

    def queueing(
        self, campaign_id: str, *, chunks: int, expect: Sequence[Clause] = (), left_out: Mapping[str, int] | None = None
    ) -> Update:
        """Return the action that tells the campaign that chunks are being put, which keeps anyone from calling it done."""
        increments = {"chunksPut": chunks, **{left_out_name(reason): number for reason, number in (left_out or {}).items()}}
        return Update(
            key=schema.key("campaign", id=campaign_id),
            increments={name: number for name, number in increments.items() if number},
            expect=[exists(), *expect],
        )


def _not_there() -> NotFound:
    return NotFound("There is no such campaign.")


def _figures(snapshot: Snapshot, what: str) -> CampaignFigures:
    reasons: dict[str, int] = {}
    codes: dict[tuple[str, str], int] = {}
    for key, row in snapshot.rows(what).items():
        head, _, reason = key.partition("#")
        number = sum(value for value in row.values() if isinstance(value, int))
        if head == "REASON" and number:
            reasons[reason] = number
        if key.startswith(SAID) and number:
            why, _, code = reason.partition("#")
            codes[why, unescape(code)] = number
    return CampaignFigures(**{name: snapshot.value(what, "TOTAL", name) for name in FIGURES}, by_reason=reasons, by_code=codes)
