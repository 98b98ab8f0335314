"""E-mails as items, and new ones."""

from datetime import UTC, datetime
from typing import Any

from crm.domain.campaigns import Utm
from crm.domain.emails import Email, EmailState, FailReason, SkipReason
from crm.domain.keeping import FOR_EVER, HIT_DAYS, Keeping
from crm.domain.mail_domains import OTHER, domain_of
from crm.store import schema
from crm.store.keys import moment, stamp
from crm.store.link_marks import links_of, marks
from crm.store.schema import Item

MAX_ERROR = 120
"""Characters of the provider's words that are kept, so that an e-mail stays within 700 bytes."""
TIMES = {
    "firstTriedAt": "first_tried_at",
    "sentAt": "sent_at",
    "failedAt": "failed_at",
    "uncertainAt": "uncertain_at",
    "deliveredAt": "delivered_at",
    "openedAt": "opened_at",
    "clickedAt": "clicked_at",
    "openedAnyAt": "opened_any_at",
    "clickedAnyAt": "clicked_any_at",
    "bouncedAt": "bounced_at",
    "complainedAt": "complained_at",
    "unsubscribedAt": "unsubscribed_at",
}
ATTRIBUTE = {time: name for name, time in TIMES.items()}
NUMBERS = frozenset(TIMES) - {"firstTriedAt", "sentAt", "failedAt", "uncertainAt"}
"""Times that are kept as milliseconds since 1970: an e-mail may have all of them and is to stay small."""
WAITING = "keptUntil"
"""Where the end of an e-mail stands while it is queued, so that none goes that is still to be sent; later it is its expiry."""
OF_ADDRESS = "@"
"""What stands for the domain that an e-mail counts under where its address ends with just that: it is to stay small. An e-mail
without either is from before domains were counted, of a campaign that never chose which have names: it counts under OTHER."""
SAME = {"openedAnyAt": "openedAt", "clickedAnyAt": "clickedAt"}
"""Times that are left out where a person was the first, as they mostly are."""


def item_of(email: Email) -> Item:
    """Return the item of an e-mail, with the keys of its indexes."""
    times = {name: _kept(name, time) for name, attribute in TIMES.items() if (time := getattr(email, attribute)) is not None}
    first = {name: None for name, person in SAME.items() if name in times and times[name] == times.get(person)}
    return schema.keyed(
        "email",
        {
            "id": email.id,
            "campaignId": email.campaign_id,
            "userId": email.user_id,
            "email": email.email,
            "domain": OF_ADDRESS if email.email.endswith(f"@{email.domain}") else email.domain,
            "status": email.status.value,
            "utmCampaign": email.utm.campaign,
            "utmSource": email.utm.source,
            "utmMedium": email.utm.medium,
            "skipReason": email.skip_reason.value if email.skip_reason else None,
            "failReason": email.fail_reason.value if email.fail_reason else None,
            "error": email.error[:MAX_ERROR],
            "attempts": email.attempts or None,
            "hits": email.hits or None,
            "erased": email.erased or None,
            "links": marks(email.links),
            "linksAny": marks(email.links_any) if email.links_any != email.links else None,
            "hitDays": email.hit_days if email.hit_days != HIT_DAYS else None,
            WAITING if email.status is EmailState.QUEUED else schema.TTL_ATTRIBUTE: epoch(email.kept_until),
            "createdAt": stamp(email.created_at),
            **times,
            **first,
        },
    )


def email_of(item: Item) -> Email:
    """Return the e-mail that an item holds."""
    kept = {**{name: item[person] for name, person in SAME.items() if person in item}, **item}
    times: dict[str, Any] = {attribute: _time(kept[name]) for name, attribute in TIMES.items() if name in kept}
    return Email(
        id=item["id"],
        campaign_id=item["campaignId"],
        user_id=item["userId"],
        email=item.get("email", ""),
        domain="" if (domain := item.get("domain", OTHER)) == OF_ADDRESS else domain,
        status=EmailState(item["status"]),
        utm=Utm(campaign=item.get("utmCampaign", ""), source=item.get("utmSource", ""), medium=item.get("utmMedium", "")),
        skip_reason=SkipReason(item["skipReason"]) if "skipReason" in item else None,
        fail_reason=FailReason(item["failReason"]) if "failReason" in item else None,
        error=item.get("error", ""),
        attempts=item.get("attempts", 0),
        hits=item.get("hits", 0),
        erased=item.get("erased", False),
        links=links_of(str(kept.get("links", ""))),
        links_any=links_of(str(kept.get("linksAny", kept.get("links", "")))),
        kept_until=datetime.fromtimestamp(until, UTC) if (until := item.get(schema.TTL_ATTRIBUTE, item.get(WAITING))) else None,
        hit_days=item.get("hitDays", HIT_DAYS),
        created_at=moment(item["createdAt"]),
        **times,
    )


def epoch(time: datetime | None) -> int | None:
    """Return whole seconds since 1970, as expiry wants them."""
    return int(time.timestamp()) if time is not None else None


def _kept(name: str, time: datetime) -> str | int:
    return round(time.timestamp() * 1000) if name in NUMBERS else stamp(time)


def _time(kept: str | int) -> datetime:
    return moment(kept) if isinstance(kept, str) else datetime.fromtimestamp(kept / 1000, UTC)


def new_email(
    email_id: str,
    *,
    campaign_id: str,
    user_id: str,
    address: str,
    utm: Utm,
    now: datetime,
    named: frozenset[str] | None = None,
    keeping: Keeping = FOR_EVER,
) -> Email:
    """Return an e-mail that waits to be sent; with `named` it counts under its domain only where that is one of these."""
    return Email(
        id=email_id,
        campaign_id=campaign_id,
        user_id=user_id,
        email=address,
        domain="" if named is None or domain_of(address) in named else OTHER,
        status=EmailState.QUEUED,
        utm=utm,
        created_at=now,
        kept_until=keeping.until(now),
        hit_days=keeping.hit_days,
    )
