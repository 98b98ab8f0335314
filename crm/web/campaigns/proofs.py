"""What to look at in a letter before it goes, as the page shows it: each thing with the field that it is about."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from crm.domain.campaigns import Letter
from crm.domain.filters import PeopleFilter
from crm.domain.links import TEST_LINK
from crm.domain.people import EmailStatus, Person
from crm.jobs.proof import blanks
from crm.jobs.render import Content, merge_fields
from crm.services.letter_checks import Check, Checked, Proof, checks
from crm.store import Store
from crm.web.campaigns.preview import Preview, mailable
from crm.wiring import get_links

LOOKED_AT = 50
"""So many people of the audience are looked at for fields that are empty."""
WHERE = {
    "subject": "Subject",
    "preheader": "Preheader",
    "body": "Letter",
    "sender": "Sender",
    "replyTo": "Reply address",
    "utmCampaign": "UTM tags",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One check: `href` leads to where it can be mended, which is called `where`; both are empty where nowhere is."""

    stops: bool
    words: str
    where: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofread:
    """All checks of a letter, and what is good about it."""

    rows: Sequence[Row]
    checked: Checked

    @property
    def stops(self) -> list[Row]:
        """What keeps the letter from being sent."""
        return [row for row in self.rows if row.stops]


def proofread(
    store: Store,
    letter: Letter,
    wanted: PeopleFilter,
    shown: Preview,
    content: Content,
    *,
    senders: Sequence[str],
    page: str = "",
) -> Proofread:
    """Look a letter over as it turned out for one reader, and for the gaps it leaves for others: one page of people, unless
    `shown` has read them.

    `page` is the address of the letter's page; empty where it is this one.
    """
    people = [merge_fields(person) for person in _some(store, wanted, shown)] if shown.rendered else []
    checked = checks(
        Proof(
            letter=letter,
            problems=shown.problems,
            subject=shown.rendered.subject if shown.rendered else "",
            html=shown.rendered.html if shown.rendered else "",
            unsubscribe_url=get_links().unsubscribe_url(*TEST_LINK),
            postal_address=content.postal_address,
            senders=senders,
            blanks=blanks(letter, people),
            looked_at=len(people),
        )
    )
    return Proofread(rows=[_row(check, page) for check in checked.checks], checked=checked)


def _some(store: Store, wanted: PeopleFilter, shown: Preview) -> Sequence[Person]:
    """The first of the audience: those that the preview has read already, where it shows the first one."""
    if shown.reader.among or shown.person is None:
        return shown.reader.among
    if wanted.email_status and EmailStatus.MAILABLE not in wanted.email_status:
        return []
    return store.people.page(mailable(wanted), limit=LOOKED_AT).items


def _row(check: Check, page: str) -> Row:
    if check.field == "postalAddress":
        return Row(stops=check.stops, words=check.words, where="Settings", href=reverse("settings:mail"))
    where = WHERE.get(check.field, "")
    return Row(stops=check.stops, words=check.words, where=where, href=f"{page}#id_{check.field}" if where else "")
