"""Which counters can no longer be recounted, because e-mails and hits that they counted are no longer kept one by one."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from crm.domain.keeping import FOR_EVER, Keeping
from crm.services.verify.ledger import Group
from crm.store.hits import HOURS, LINK
from crm.store.keys import unescape
from crm.store.outcomes import DOMAINS
from crm.store.stats import Counter

MONTHS = "EMAILS"
EMAILS, CAMPAIGN = f"{MONTHS}#", "CAMPAIGN#"
CLOCKS_DIFFER = timedelta(hours=1)
"""A worker whose clock is ahead deletes sooner; so much sooner is left out what is about to go."""


def group_of(counter: Counter) -> Group:
    """Return the group of a counter: what goes at one moment is one group, so that it can be left out.

    >>> group_of(Counter("DOMAINS#2026-05", "04T09#c1#sent", "example.org")), group_of(Counter("STATE", "ny"))
    (('counter', 'DOMAINS#2026-05', '04T09#c1'), ('counter', 'STATE'))
    """
    if counter.what.startswith(DOMAINS):
        return "counter", counter.what, counter.key.rpartition("#")[0]
    if counter.what == MONTHS or counter.what.startswith((EMAILS, HOURS)):
        return "counter", counter.what, counter.key
    if counter.what.startswith(CAMPAIGN):
        return "counter", counter.what, LINK if counter.key.startswith(LINK) else ""
    return "counter", counter.what


@dataclass(slots=True)
class Kept:
    """What each campaign keeps of its e-mails, and the hour of each month in which it made the first: whole once all is seen."""

    keeping: dict[str, Keeping] = field(default_factory=dict)
    hours: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def see(self, counter: Counter) -> None:
        """Note in which hour a campaign made e-mails, from the row of that hour."""
        if counter.what.startswith(EMAILS):
            hour, campaign_id = _hour(counter.what, counter.key)
            place = f"{hour:%Y-%m}", campaign_id
            self.hours[place] = min(hour, self.hours.get(place, hour))

    def lost(self, now: datetime) -> "Lost":
        """Return what can't be recounted at `now`."""
        first: dict[str, datetime] = {}
        for (_, campaign_id), hour in self.hours.items():
            first[campaign_id] = min(hour, first.get(campaign_id, hour))
        late = now + CLOCKS_DIFFER
        gone = {place for place, hour in self.hours.items() if self.keeping.get(place[1], FOR_EVER).has_ended(hour, late)}
        return Lost(
            late=late, keeping=self.keeping, first=first, months={month for month, _ in gone}, campaigns={c for _, c in gone}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """What may be gone by `late`: months and campaigns of which some e-mails are; `first` is the first hour of each campaign."""

    late: datetime
    keeping: dict[str, Keeping]
    first: dict[str, datetime]
    months: set[str]
    campaigns: set[str]

    def holds(self, group: Group) -> bool:
        """Tell whether that group counts something that may be gone."""
        if len(group) < 3 or group[0] != "counter":
            return False
        _, what, row = group
        if what == MONTHS:
            return row in self.months
        if what.startswith(CAMPAIGN):
            campaign_id = unescape(what.removeprefix(CAMPAIGN))
            first = self.first.get(campaign_id)
            return campaign_id in self.campaigns or (row == LINK and first is not None and self._hits(campaign_id, first))
        hour, campaign_id = _hour(what, row)
        if what.startswith(HOURS):
            return campaign_id in self.campaigns or self._hits(campaign_id, hour)
        return self.keeping.get(campaign_id, FOR_EVER).has_ended(hour, self.late)

    def _hits(self, campaign_id: str, hour: datetime) -> bool:
        """Whether hits of that hour, or of a later one, may be gone."""
        return hour + timedelta(days=self.keeping.get(campaign_id, FOR_EVER).hit_days) <= self.late


def _hour(what: str, row: str) -> tuple[datetime, str]:
    """The UTC hour and the campaign of a row such as `EMAILS#2026-05 | 04T09#c1`."""
    hour, _, campaign_id = row.partition("#")
    moment = datetime.strptime(f"{what.partition('#')[2]}-{hour}", "%Y-%m-%dT%H").replace(tzinfo=UTC)
    return moment, unescape(campaign_id)
