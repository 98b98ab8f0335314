"""Subjects of campaigns as one person gets to read them."""

from collections.abc import Iterable

from crm.domain.errors import RuleViolation
from crm.domain.people import Person
from crm.jobs.merge import SPAN
from crm.jobs.render import Content, merge_fields, render
from crm.store import Store


def subjects_for(store: Store, person: Person, campaign_ids: Iterable[str]) -> dict[str, str]:
    """Return `{id: subject}` of the campaigns that exist, merged for this person as they are now; a request per 100."""
    wanted = set(campaign_ids)
    found = store.campaigns.subjects(wanted) if wanted else {}
    return {campaign_id: _merged(subject, person) if "{" in subject else subject for campaign_id, subject in found.items()}


def _merged(subject: str, person: Person) -> str:
    """The subject for this person; without its merge fields where they can't be filled in."""
    try:
        return render(Content(subject=subject, body="", organisation=""), merge_fields(person), unsubscribe_url="").subject
    except RuleViolation:
        return " ".join(SPAN.sub("", subject).split())
