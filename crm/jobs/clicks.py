"""Where a link of an e-mail leads: made anew from the letter for the person who got it, so no address stands in a link."""

from crm.domain.errors import NotFound
from crm.domain.links import Links
from crm.domain.people import Person
from crm.jobs.render import link_target, merge_fields
from crm.store import Store

NOWHERE = NotFound("This link leads nowhere any more.")


def destination(store: Store, links: Links, email_id: str, number: int) -> str:
    """Return the web address behind link `number` of an e-mail, with its UTM tags. Raises NotFound.

    For whoever is gone it is that of somebody of whom nothing is known. Three requests, four for somebody who was merged.
    """
    email = store.emails.get(email_id)
    campaign = store.campaigns.get(email.campaign_id)
    person = _reader(store, email.user_id)
    fields = merge_fields(person) if person is not None else {}
    url = links.unsubscribe_url(email.id, email.user_id)
    address = link_target(campaign, number, fields, unsubscribe_url=url)
    if address is None:
        raise NOWHERE
    return address


def _reader(store: Store, user_id: str) -> Person | None:
    person = store.people.get_many([user_id]).get(user_id)
    if person is None and (heir := store.merges.heir(user_id)) is not None:
        person = store.people.get_many([heir]).get(heir)
    return person
