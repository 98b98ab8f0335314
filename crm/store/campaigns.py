"""Campaigns: their state, their content, and what their counters say.

State and content are two items. Every step of a job and every stop looks at the state, and a transaction pays for the whole
item that it looks at; the text can be a hundred times as long.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crm.domain.campaigns import Audience, Campaign, CampaignStatus, Utm
from crm.domain.emails import FailReason, SkipReason
from crm.domain.errors import Conflict, NotFound
from crm.domain.filters import filter_values, parse_filter
from crm.store import ranges, schema
from crm.store.expressions import Clause, absent, equals, exists
from crm.store.keys import moment, render, stamp
from crm.store.outcomes import campaign_row
from crm.store.requests import Action, Check, Put, Query, Update, changed
from crm.store.schema import BY_DATE, Item
from crm.store.stats import Snapshot, StatsRepository
from crm.store.table import Table
from crm.store.tokens import TokenSigner

FIRST_YEAR = 2020
"""No campaign is older: the list asks no earlier year."""
LEFT_OUT = "leftOut"
TIMES = {"sendAt": "send_at", "startedAt": "started_at", "finishedAt": "finished_at", "archivedAt": "archived_at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPage:
    """Some campaigns, newest first, and the tokens of the pages beside; None where there is none."""

    items: list[Campaign]
    next_token: str | None
    prev_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFigures:
    """How many of a campaign's e-mails stand where, each in one status; what happened to them later is counted once each.

    `by_reason` says why e-mails were skipped or failed: `{reason: n}`.
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

    @property
    def total(self) -> int:
        """All e-mails there are."""
        return self.queued + self.sent + self.failed + self.uncertain + self.skipped

    @property
    def settled(self) -> int:
        """Those that wait for nothing any more."""
        return self.total - self.queued


FIGURE_KEYS = ("TOTAL", *[f"REASON#{reason.value}" for reason in (*SkipReason, *FailReason)])
FIGURES = tuple(name for name in CampaignFigures.__dataclass_fields__ if name != "by_reason")


def item_of(campaign: Campaign) -> Item:
    """Return the item with a campaign's state."""
    return schema.keyed(
        "campaign",
        {
            "id": campaign.id,
            "subject": campaign.subject,
            "sender": campaign.sender,
            "utmCampaign": campaign.utm.campaign,
            "utmSource": campaign.utm.source,
            "utmMedium": campaign.utm.medium,
            "matched": campaign.audience.matched,
            "suppressed": dict(campaign.audience.suppressed),
            "excluded": dict(campaign.audience.excluded),
            **{left_out_name(reason): number for reason, number in campaign.left_out.items()},
            "status": campaign.status.value,
            "resumeTo": campaign.resume_to.value if campaign.resume_to else None,
            "expanded": campaign.expanded,
            "chunksPut": campaign.chunks_put,
            "createdBy": campaign.created_by,
            "createdAt": stamp(campaign.created_at),
            "updatedAt": stamp(campaign.updated_at),
            "version": campaign.version,
            **{name: stamp(time) if (time := getattr(campaign, attribute)) else None for name, attribute in TIMES.items()},
        },
    )


def content_of(campaign: Campaign) -> Item:
    """Return the item with a campaign's content."""
    attributes = {
        "id": campaign.id,
        "campaignId": campaign.id,
        "preheader": campaign.preheader,
        "replyTo": campaign.reply_to,
        "body": campaign.body,
        "utmContent": campaign.utm.content,
        "utmTerm": campaign.utm.term,
        "tracking": campaign.tracking or None,
        "filter": filter_values(campaign.audience_filter),
    }
    return schema.keyed("content", attributes)


def campaign_of(item: Item, content: Item | None) -> Campaign:
    """Return the campaign that the two items hold; without its content, one without text and filter."""
    times: dict[str, Any] = {attribute: moment(item[name]) for name, attribute in TIMES.items() if name in item}
    written = content or {}
    return Campaign(
        id=item["id"],
        subject=item.get("subject", ""),
        preheader=written.get("preheader", ""),
        sender=item.get("sender", ""),
        reply_to=written.get("replyTo", ""),
        body=written.get("body", ""),
        utm=_utm_of(item, written),
        tracking=written.get("tracking", False),
        audience_filter=parse_filter(written.get("filter", {}), stored=True),
        audience=Audience(
            matched=item.get("matched", 0), suppressed=item.get("suppressed", {}), excluded=item.get("excluded", {})
        ),
        left_out=_left_out(item),
        status=CampaignStatus(item["status"]),
        resume_to=CampaignStatus(item["resumeTo"]) if "resumeTo" in item else None,
        expanded=item.get("expanded", False),
        chunks_put=item.get("chunksPut", 0),
        created_by=item.get("createdBy", ""),
        created_at=moment(item["createdAt"]),
        updated_at=moment(item["updatedAt"]),
        version=item.get("version", 0),
        **times,
    )


def _utm_of(item: Item, written: Item) -> Utm:
    return Utm(
        campaign=item.get("utmCampaign", ""),
        source=item.get("utmSource", ""),
        medium=item.get("utmMedium", ""),
        content=written.get("utmContent", ""),
        term=written.get("utmTerm", ""),
    )


def left_out_name(reason: str) -> str:
    """Return the attribute that counts who was left out for that reason.

    >>> left_out_name("unsubscribed")
    'leftOutUnsubscribed'
    """
    return LEFT_OUT + reason[:1].upper() + reason[1:]


def _left_out(item: Item) -> dict[str, int]:
    head = len(LEFT_OUT)
    return {name[head].lower() + name[head + 1 :]: number for name, number in item.items() if name.startswith(LEFT_OUT)}


class CampaignRepository:
    """Campaigns by id and by date. What staff and jobs change about one is conditioned on the version they saw."""

    def __init__(self, table: Table, stats: StatsRepository, signer: TokenSigner) -> None:
        self._table = table
        self._stats = stats
        self._signer = signer

    # reading

    def get(self, campaign_id: str) -> Campaign:
        """Return the campaign whole, as it is at this moment; one request. Raises NotFound."""
        item, content = self._table.batch_get(_keys(campaign_id), consistent=True)
        if item is None:
            raise _not_there()
        return campaign_of(item, content)

    def state(self, campaign_id: str) -> Campaign:
        """Return the campaign without its text and filter, as it is at this moment: one read unit. Raises NotFound."""
        item = self._table.get(schema.key("campaign", id=campaign_id))
        if item is None:
            raise _not_there()
        return campaign_of(item, None)

    def page(self, *, limit: int = 50, token: str | None = None) -> CampaignPage:
        """Return campaigns, newest first; a query per year on the way and a batch. Raises BadToken."""
        position = self._signer.read("campaigns", token) if token else None
        found = ranges.read(self._table, self._years(), limit=limit, position=position)
        ids = [item["PK"].partition("#")[2] for item in found.items]
        return CampaignPage(
            items=list(self.get_many(ids).values()),
            next_token=self._signer.sign("campaigns", found.next) if found.next else None,
            prev_token=self._signer.sign("campaigns", found.prev) if found.prev else None,
        )

    def get_many(self, campaign_ids: Sequence[str]) -> dict[str, Campaign]:
        """Return `{id: campaign}` of those that exist, in the order given; one request per 50."""
        items = self._table.batch_get([key for campaign_id in campaign_ids for key in _keys(campaign_id)], consistent=True)
        pairs = zip(items[::2], items[1::2], strict=True)
        return {item["id"]: campaign_of(item, content) for item, content in pairs if item is not None}

    def subjects(self, campaign_ids: Iterable[str]) -> dict[str, str]:
        """Return `{id: subject}` of those that exist; one request per 100."""
        items = self._table.batch_get([schema.key("campaign", id=campaign_id) for campaign_id in campaign_ids])
        return {item["id"]: item.get("subject", "") for item in items if item is not None}

    def states(self) -> Iterator[Campaign]:
        """Give all campaigns without text and filter, newest first; a query per year, and a batch per 100 as they are taken."""
        ids = [item["PK"].partition("#")[2] for query in self._years() for item in self._table.walk(query)]
        for start in range(0, len(ids), 100):
            items = self._table.batch_get([schema.key("campaign", id=campaign_id) for campaign_id in ids[start : start + 100]])
            yield from (campaign_of(item, None) for item in items if item is not None)

    def figures(self, campaign_id: str) -> CampaignFigures:
        """Return what the counters say at this moment, deltas included."""
        return self.figures_many([campaign_id])[campaign_id]

    def figures_many(self, campaign_ids: Sequence[str]) -> dict[str, CampaignFigures]:
        """Return `{id: figures}` from one snapshot of the counters: a request per eleven campaigns."""
        rows = {campaign_id: campaign_row(campaign_id) for campaign_id in campaign_ids}
        snapshot = self._stats.snapshot(keys=[(row, key) for row in rows.values() for key in FIGURE_KEYS])
        return {campaign_id: _figures(snapshot, row) for campaign_id, row in rows.items()}

    def _years(self) -> list[Query]:
        this_year = self._table.clock().year
        partitions = [
            render(BY_DATE.entry("campaign").partition, {"createdAt": str(year)})
            for year in range(this_year + 1, FIRST_YEAR - 1, -1)
        ]
        return [
            Query(partition=partition, index=BY_DATE, low="0", high="9", forward=False) for partition in partitions if partition
        ]

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
        gone = Conflict("This campaign was changed by someone else, or is being sent. Load it again and repeat your change.")
        expect = [equals("version", campaign.version), equals("status", CampaignStatus.DRAFT.value)]
        self._table.write([Put(item=item_of(stored), expect=expect, error=gone), Put(item=content_of(stored)), *others])
        return stored

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


def _keys(campaign_id: str) -> list[dict[str, str]]:
    return [schema.key("campaign", id=campaign_id), schema.key("content", campaignId=campaign_id)]


def _not_there() -> NotFound:
    return NotFound("There is no such campaign.")


def _figures(snapshot: Snapshot, what: str) -> CampaignFigures:
    reasons: dict[str, int] = {}
    for key, row in snapshot.rows(what).items():
        head, _, reason = key.partition("#")
        number = sum(value for value in row.values() if isinstance(value, int))
        if head == "REASON" and number:
            reasons[reason] = number
    return CampaignFigures(**{name: snapshot.value(what, "TOTAL", name) for name in FIGURES}, by_reason=reasons)
