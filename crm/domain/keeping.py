"""How long e-mails, and single opens and clicks, are kept one by one: docs/decisions/0220-how-long-what-is-kept.md says why."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

YEARS = (1, 2, 3, 5)
"""Years that can be chosen for e-mails."""
SHORTEST = timedelta(days=365)
"""No e-mail goes before it is that old."""
HIT_DAYS = 400
"""Days that an open or click is kept where nothing else was chosen, and the most: a year, and a month to look back at it."""
FEWEST_HIT_DAYS = 30
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What a campaign took over when it was accepted. `years` None keeps its e-mails for ever. Counters stay in any case."""

    years: int | None = None
    hit_days: int = HIT_DAYS

    def until(self, created_at: datetime) -> datetime | None:
        """Return when an e-mail that was made then goes, None for never: all of one UTC hour go at one moment.

        >>> Keeping(years=1).until(datetime.fromisoformat("2028-02-29T09:30:00+00:00")).isoformat()
        '2029-03-01T10:00:00+00:00'
        """
        if self.years is None:
            return None
        over = created_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + HOUR
        try:
            return over.replace(year=over.year + self.years)
        except ValueError:  # the 29th of February
            return over.replace(year=over.year + self.years, month=3, day=1)

    def has_ended(self, hour: datetime, now: datetime) -> bool:
        """Tell whether the e-mails that were made in that UTC hour are no longer kept."""
        until = self.until(hour)
        return until is not None and until <= now


FOR_EVER = Keeping()
"""What holds where nothing was chosen: e-mails for ever, hits for HIT_DAYS."""
