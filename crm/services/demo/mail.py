"""What a made-up community says of its mail: an address, a sender that was verified, two templates."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from crm.domain.errors import Conflict
from crm.domain.mail_settings import Sender
from crm.domain.starters import STARTERS
from crm.services.demo.people import demo_id
from crm.store import Store

POSTAL_ADDRESS = "Community House\n12 Harbour Street\n4021 Port Elsewhere"
TEAM = ("Events team", "events@community.example")
NAMES = {"starter-invitation": "Meetup invitation", "starter-newsletter": "Monthly newsletter"}
"""Which of those that come with the program were made one's own, under which name."""


def write_mail(store: Store, seed: int, now: datetime) -> None:
    """Write settings where nobody has set any, and the templates that are not there yet."""
    settings = store.mail_settings.get()
    if not settings.version:
        name, address = TEAM
        added = now - timedelta(days=100)
        team = Sender(name=name, address=address, added_at=added, verified_at=added + timedelta(minutes=7))
        with suppress(Conflict):
            store.mail_settings.save(replace(settings, postal_address=POSTAL_ADDRESS, senders=(team,)))
    for number, starter in enumerate(one for one in STARTERS if one.id in NAMES):
        made = now - timedelta(days=80 - 30 * number)
        own = replace(starter, id=demo_id(seed, "template", number), name=NAMES[starter.id], created_at=made, updated_at=made)
        with suppress(Conflict):
            store.templates.create(own)
