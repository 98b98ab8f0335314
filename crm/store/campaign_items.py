"""A campaign as its two items: its state, which is looked at often, and its content, which is longer."""

from typing import Any

from crm.domain.campaigns import Audience, Campaign, CampaignStatus, Utm
from crm.domain.filters import filter_values, parse_filter
from crm.domain.keeping import HIT_DAYS, Keeping
from crm.store import schema
from crm.store.keys import moment, stamp
from crm.store.schema import Item

LEFT_OUT = "leftOut"
TIMES = {"sendAt": "send_at", "startedAt": "started_at", "finishedAt": "finished_at", "archivedAt": "archived_at"}


def item_of(campaign: Campaign) -> Item:
    """Return the item with a campaign's state. Its status stands there twice: the index carries the one no e-mail has."""
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
            "campaignStatus": campaign.status.value,
            "resumeTo": campaign.resume_to.value if campaign.resume_to else None,
            "expanded": campaign.expanded,
            "chunksPut": campaign.chunks_put,
            "keepYears": campaign.keeping.years,
            "keepHitDays": campaign.keeping.hit_days if campaign.keeping.hit_days != HIT_DAYS else None,
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
        "editedBy": campaign.edited_by,
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
        edited_by=written.get("editedBy", ""),
        audience_filter=parse_filter(written.get("filter", {}), stored=True),
        audience=Audience(
            matched=item.get("matched", 0), suppressed=item.get("suppressed", {}), excluded=item.get("excluded", {})
        ),
        left_out=_left_out(item),
        status=CampaignStatus(item["status"]),
        resume_to=CampaignStatus(item["resumeTo"]) if "resumeTo" in item else None,
        expanded=item.get("expanded", False),
        chunks_put=item.get("chunksPut", 0),
        keeping=keeping_of(item),
        created_by=item.get("createdBy", ""),
        created_at=moment(item["createdAt"]),
        updated_at=moment(item["updatedAt"]),
        version=item.get("version", 0),
        **times,
    )


def keeping_of(item: Item) -> Keeping:
    """Return how long the e-mails of the campaign in `item` are kept."""
    return Keeping(years=item.get("keepYears"), hit_days=item.get("keepHitDays", HIT_DAYS))


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
