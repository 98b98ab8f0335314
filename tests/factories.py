"""Made-up things with sensible values; a test names only those that matter to it."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from crm.domain.campaigns import Campaign
from crm.domain.events import Event
from crm.domain.ids import new_id
from crm.domain.people import Person, Profile

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
_number = itertools.count(1)


def make_profile(**values: Any) -> Profile:
    """A profile with an address of its own."""
    number = next(_number)
    return replace(Profile(first_name="Ada", last_name="Lovelace", email=f"ada{number}@example.org"), **values)


def make_person(**values: Any) -> Person:
    """A person; fields of the profile may be given directly."""
    own = {name: values.pop(name) for name in list(values) if name in Person.__dataclass_fields__ and name != "profile"}
    profile = values.pop("profile", None) or make_profile(**values)
    return Person(**{"id": new_id(), "profile": profile, "created_at": NOW, "updated_at": NOW, **own})


def make_event(**values: Any) -> Event:
    """An event of two hours, tomorrow."""
    number = next(_number)
    start = values.pop("start_at", NOW + timedelta(days=1))
    given = {
        "id": new_id(),
        "slug": f"meetup-{number}",
        "title": f"Meetup {number}",
        "start_at": start,
        "end_at": start + timedelta(hours=2),
        "owner": "nobody",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Event(**{**given, **values})


def make_campaign(**values: Any) -> Campaign:
    """A draft with a subject and a text."""
    given = {"id": new_id(), "subject": "Spring", "body": "Hello {{ firstName }}", "sender": "crm@example.org"}
    return Campaign(**{**given, "created_at": NOW, "updated_at": NOW, **values})
