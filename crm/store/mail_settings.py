"""The organisation's mail settings: one item."""

from dataclasses import replace

from crm.domain.errors import Conflict
from crm.domain.keeping import HIT_DAYS, Keeping
from crm.domain.logo import Logo
from crm.domain.mail_settings import MailSettings, Sender
from crm.store import schema
from crm.store.expressions import absent, equals
from crm.store.keys import moment, stamp
from crm.store.requests import Action, Put
from crm.store.schema import Item
from crm.store.table import Table

STALE = "These settings were changed by someone else meanwhile. Look at them as they are now, then repeat your change."


class MailSettingsRepository:
    """Read consistently, written under a version."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self) -> MailSettings:
        """Return the settings as they are at this moment, the defaults while nobody has set any; one request."""
        item = self._table.get(schema.key("mailSettings"))
        return settings_of(item) if item is not None else MailSettings()

    def save(self, settings: MailSettings, *also: Action) -> MailSettings:
        """Write them, with `also`, and return them one version up; Conflict when the stored version is another."""
        stored = replace(settings, version=settings.version + 1)
        expect = equals("version", settings.version) if settings.version else absent()
        self._table.write([Put(item=item_of(stored), expect=[expect], error=Conflict(STALE)), *also])
        return stored


def item_of(settings: MailSettings) -> Item:
    """Return the item of the settings."""
    attributes = {
        "id": "mail",
        "organisation": settings.organisation,
        "postalAddress": settings.postal_address,
        "senders": [_sender_item(sender) for sender in settings.senders],
        "colleagues": list(settings.colleagues),
        "tracking": settings.tracking,
        "quietDays": settings.quiet_days,
        "keepYears": settings.keeping.years,
        "keepHitDays": settings.keeping.hit_days if settings.keeping.hit_days != HIT_DAYS else None,
        "logo": _logo_item(settings.logo) if settings.logo else None,
        "version": settings.version,
    }
    return schema.keyed("mailSettings", attributes)


def settings_of(item: Item) -> MailSettings:
    """Return the settings that an item holds."""
    return MailSettings(
        organisation=item.get("organisation", ""),
        postal_address=item.get("postalAddress", ""),
        senders=tuple(_sender_of(one) for one in item.get("senders", [])),
        colleagues=tuple(item.get("colleagues", [])),
        tracking=item.get("tracking", True),
        quiet_days=item.get("quietDays"),
        keeping=Keeping(years=item.get("keepYears"), hit_days=item.get("keepHitDays", HIT_DAYS)),
        logo=_logo_of(item["logo"]) if "logo" in item else None,
        version=item["version"],
    )


def _logo_item(logo: Logo) -> Item:
    return {"mark": logo.mark, "kind": logo.kind, "width": logo.width, "height": logo.height}


def _logo_of(item: Item) -> Logo:
    return Logo(mark=item["mark"], kind=item["kind"], width=item["width"], height=item["height"])


def _sender_item(sender: Sender) -> Item:
    item: Item = {"name": sender.name, "address": sender.address, "addedBy": sender.added_by, "addedAt": stamp(sender.added_at)}
    return item | ({"verifiedAt": stamp(sender.verified_at)} if sender.verified_at else {})


def _sender_of(item: Item) -> Sender:
    return Sender(
        name=item["name"],
        address=item["address"],
        added_by=item["addedBy"],
        added_at=moment(item["addedAt"]),
        verified_at=moment(item["verifiedAt"]) if "verifiedAt" in item else None,
    )
