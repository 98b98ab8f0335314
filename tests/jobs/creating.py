"""Creates an event with the attendees whose ids come in, as a process of its own: `python -m tests.jobs.creating URL TABLE`."""

import os
import sys
from datetime import timedelta

import django


def main(url: str, name: str) -> None:
    """Create an event with ten seats too few, as if it had been asked for two minutes ago: a worker may go on with it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()

    from crm.services import events
    from crm.store.calls import utc_now
    from crm.store.table import Table
    from tests.conftest import open_client, store_over

    ids = sys.stdin.read().split()
    now = utc_now() - timedelta(minutes=2)
    start = now + timedelta(days=30)
    new = events.NewEvent(
        slug="conference",
        title="Conference",
        start_at=start,
        end_at=start + timedelta(hours=8),
        owner=ids[0],
        host_ids=ids[:3],
        attendee_ids=ids,
        max_capacity=len(ids) - 10,
        overflow=True,
    )
    events.create(store_over(Table(open_client(url), name)), new, now=now)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
