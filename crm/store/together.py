"""Things of several kinds at once: for a page that shows a few of each, and reads them together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crm.domain.campaigns import Campaign
from crm.domain.events import Event, EventStatus
from crm.domain.imports import Import
from crm.store import schema
from crm.store.campaign_items import campaign_of
from crm.store.event_items import event_of
from crm.store.imports import import_of
from crm.store.requests import Key
from crm.store.schema import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Those that exist, by id; campaigns are without text and filter, events that are drafts are left out."""

    campaigns: Mapping[str, Campaign]
    events: Mapping[str, Event]
    imports: Mapping[str, Import]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which of them, by id."""

    campaigns: Sequence[str] = ()
    events: Sequence[str] = ()
    imports: Sequence[str] = ()

    @property
    def keys(self) -> list[Key]:
        """What to ask for, so that `found` knows what the items are."""
        ids = {"campaign": self.campaigns, "event": self.events, "import": self.imports}
        return [schema.key(entity, id=one) for entity, some in ids.items() for one in some]


def found(items: Sequence[Item | None]) -> Found:
    """Return what items of those keys hold, in their order; None is what is not there."""
    there = [item for item in items if item is not None]
    return Found(
        campaigns={item["id"]: campaign_of(item, None) for item in there if item["entityType"] == "campaign"},
        events={item["id"]: event_of(item) for item in there if item["entityType"] == "event" and not _is_draft(item)},
        imports={item["id"]: import_of(item) for item in there if item["entityType"] == "import"},
    )


def _is_draft(event: Item) -> bool:
    return bool(event["status"] == EventStatus.DRAFT.value)
