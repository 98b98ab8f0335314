"""Made-up campaigns of the last sixty days, with what became of each e-mail."""

from collections import Counter as Tally
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from crm.domain.campaigns import Audience, Campaign, CampaignStatus, Utm
from crm.domain.emails import Email, EmailState, FailReason, SkipReason
from crm.domain.filters import PeopleFilter
from crm.domain.hits import Hit
from crm.domain.ids import email_id
from crm.domain.mail_domains import most_frequent
from crm.domain.outcomes import Outcome
from crm.domain.people import EmailStatus, Person
from crm.services.demo.hits import make_hits
from crm.services.demo.names import LETTERS
from crm.services.demo.people import Crowd, chance, demo_id
from crm.store.email_items import new_email

DAYS = 59
"""How far back the oldest campaign lies."""
MOST = 3000
"""E-mails of one campaign, about."""
SHARES = (0.75, 0.3, 0.5, 0.15, 0.4, 0.08, 0.6, 0.2)
"""How much of the community one campaign after the other is for, where `MOST` allows it."""
LATELY = timedelta(days=7)
MEDIUMS = ("newsletter", "invitation", "reminder")
CONTENTS = ("button", "", "text-link", "")
TERMS = ("", "meetups", "")
REFUSALS = (
    (0.005, "550 5.1.1 no such mailbox here"),
    (0.0075, "554 5.7.1 refused as spam"),
    (0.009, "552 5.2.2 mailbox is full"),
)
"""What servers say that refuse an e-mail for good, each up to a part of all e-mails."""
GIVEN_UP = ((0.011, "451 4.7.1 greylisted, try again later"), (0.013, "452 4.2.2 mailbox is full"))
"""What those say that it was given up with, after many tries."""


@dataclass(frozen=True, slots=True)
class PlannedCampaign:
    """A campaign that is over (or a draft), its e-mails, what was fetched of them, and the domains they count under by name."""

    campaign: Campaign
    emails: list[Email]
    hits: list[Hit] = field(default_factory=list)
    named: frozenset[str] = frozenset()


@dataclass(slots=True)
class Mailings:
    """All campaigns, the oldest first, and whose address was suppressed when: `{person's id: (why, when)}`."""

    campaigns: list[PlannedCampaign] = field(default_factory=list)
    suppressed: dict[str, tuple[EmailStatus, datetime]] = field(default_factory=dict)


def make_mailings(seed: int, number: int, crowd: Crowd, present: datetime, sender: str) -> Mailings:
    """Return `number` campaigns: of six or more the last is a draft and the third last was cancelled half-way.

    The first of those was put away since, and the fourth left out who had clicked in the third.
    """
    mailings = Mailings()
    _left_before(seed, crowd, present, mailings)
    groups = _groups(crowd)
    drafts = 1 if number >= 6 else 0
    for place in range(number - drafts):
        began = _began(chance(seed, "campaign", place), place, number - drafts, present)
        stopped = number >= 6 and place == number - 4
        planned = _campaign(
            seed, place, began, groups, mailings, present, sender, stopped=stopped, choosy=number >= 8 and place == 3
        )
        mailings.campaigns.append(_put_away(planned) if number >= 6 and not place else planned)
    for place in range(number - drafts, number):
        draft = _content(seed, place, PeopleFilter(tag=("speaker",)), present - timedelta(hours=3), sender)
        mailings.campaigns.append(PlannedCampaign(draft, []))
    return mailings


def _put_away(planned: PlannedCampaign) -> PlannedCampaign:
    """Archived some days after it was done."""
    finished = planned.campaign.finished_at or planned.campaign.created_at
    at = finished + timedelta(days=20)
    return replace(planned, campaign=replace(planned.campaign, archived_at=at, updated_at=at))


def _left_before(seed: int, crowd: Crowd, present: datetime, mailings: Mailings) -> None:
    """Some have unsubscribed, bounced or complained long ago."""
    for place, person in enumerate(crowd.people):
        random = chance(seed, "left", place)
        if random.random() < 0.022:
            why = random.choices(list(EmailStatus)[1:], (70, 25, 5))[0]
            first = max(person.created_at, present - timedelta(days=300))
            mailings.suppressed[person.id] = (why, first + (present - first) * random.random() * 0.7)


def _groups(crowd: Crowd) -> list[tuple[PeopleFilter, list[Person]]]:
    """Everybody, and whoever shares a tag, state, title or company: the audiences one can choose from."""
    groups: dict[PeopleFilter, list[Person]] = defaultdict(list)
    for person in crowd.people:
        profile = person.profile
        groups[PeopleFilter()].append(person)
        for tag in profile.tags:
            groups[PeopleFilter(tag=(tag,))].append(person)
        if profile.state:
            groups[PeopleFilter(state=(profile.state,))].append(person)
        if profile.job_title:
            groups[PeopleFilter(job_title=(profile.job_title,))].append(person)
        if profile.company:
            groups[PeopleFilter(company=(profile.company,))].append(person)
    return sorted(groups.items(), key=lambda pair: (len(pair[1]), pair[0].fingerprint()))


def _began(random: Random, place: int, number: int, present: datetime) -> datetime:
    """Spread over the days, at an hour of work; the latest began yesterday or today."""
    days = DAYS * (1 - place / (number - 1)) if number > 1 else 0.0
    moment = (present - timedelta(days=days + 1)).replace(hour=random.randrange(7, 16), minute=random.choice((0, 15, 30)))
    return moment.replace(second=0, microsecond=0)


def _content(seed: int, place: int, wanted: PeopleFilter, made: datetime, sender: str) -> Campaign:
    subject, slug, sentence = LETTERS[place % len(LETTERS)]
    return Campaign(
        id=demo_id(seed, "campaign", place),
        subject=subject,
        preheader=f"{sentence[0].upper()}{sentence[1:]}",
        body=f"Dear {{{{ firstName }}}},\n\n{sentence[0].upper()}{sentence[1:]}\n\n"
        f"[Read more](https://community.example/{slug})\n\nNot for you this time? [See what else is on](https://community.example/all)\n\n"
        "See you soon  \nYour community team",
        tracking=True,
        sender=sender,
        utm=Utm(
            campaign=f"{slug}-{made:%Y-%m}",
            source="crm",
            medium=MEDIUMS[place % len(MEDIUMS)],
            content=CONTENTS[place % len(CONTENTS)],
            term=TERMS[place % len(TERMS)],
        ),
        audience_filter=wanted,
        created_by="demo",
        created_at=made,
        updated_at=made,
    )


def _campaign(
    seed: int,
    place: int,
    began: datetime,
    groups: list[tuple[PeopleFilter, list[Person]]],
    mailings: Mailings,
    present: datetime,
    sender: str,
    *,
    stopped: bool,
    choosy: bool,
) -> PlannedCampaign:
    """One campaign; a `stopped` one was cancelled half-way, a `choosy` one leaves out who clicked in the one before."""
    random = chance(seed, "mails", place)
    everybody = len(groups[-1][1]) if groups else 0
    size = min(SHARES[place % len(SHARES)] * everybody, MOST)
    wanted, group = min(groups, key=lambda pair: abs(len(pair[1]) - size)) if groups else (PeopleFilter(), [])
    audience = [person for person in group if person.created_at < began]
    left = {person.id: mailings.suppressed[person.id][0] for person in audience if _left_by(mailings, person, began)}
    value, clicked = _clicked(mailings.campaigns[-1]) if choosy else ("", frozenset())
    receivers = [person for person in audience if person.id not in left and person.id not in clicked]
    excluded = {value: len(audience) - len(left) - len(receivers)} if choosy else {}
    suppressed = dict(Tally(why.value for why in left.values()))
    span = timedelta(seconds=min(3 * 3600, 15 * len(receivers)))
    campaign = replace(
        _content(seed, place, replace(wanted, without=tuple(excluded)), began - timedelta(minutes=40), sender),
        audience=Audience(matched=len(audience), suppressed=suppressed, excluded=excluded),
        left_out=suppressed,
        status=CampaignStatus.CANCELLED if stopped else CampaignStatus.DONE,
        expanded=True,
        chunks_put=-(-len(receivers) // 50),
        send_at=began,
        started_at=began,
        finished_at=began + span + timedelta(seconds=20),
        updated_at=began + span + timedelta(seconds=20),
    )
    sent = len(receivers) * 6 // 10 if stopped else len(receivers)
    named = most_frequent(person.profile.email for person in receivers)
    emails = []
    for number, person in enumerate(receivers):
        email = _queued(campaign, person, began + span * (number / len(receivers)), named)
        skipped = replace(email, status=EmailState.SKIPPED, skip_reason=SkipReason.CANCELLED)
        emails.append(_outcome(random, email, person, mailings, present) if number < sent else skipped)
    fetched = [make_hits(email, present) for email in emails]
    return PlannedCampaign(campaign, [one.email for one in fetched], [hit for one in fetched for hit in one.hits], named)


def _clicked(planned: PlannedCampaign) -> tuple[str, frozenset[str]]:
    """Who clicked in a campaign: as a value of `without`, and their ids."""
    people = frozenset(email.user_id for email in planned.emails if email.clicked_at is not None)
    return f"mailed:{planned.campaign.id}:{Outcome.CLICKED}", people


def _left_by(mailings: Mailings, person: Person, moment: datetime) -> bool:
    return person.id in mailings.suppressed and mailings.suppressed[person.id][1] <= moment


def _queued(campaign: Campaign, person: Person, created: datetime, named: frozenset[str]) -> Email:
    return new_email(
        email_id(campaign.id, person.id),
        campaign_id=campaign.id,
        user_id=person.id,
        address=person.profile.email,
        utm=campaign.utm,
        now=created.replace(microsecond=0).astimezone(UTC),
        named=named,
    )


def _outcome(random: Random, email: Email, person: Person, mailings: Mailings, present: datetime) -> Email:
    """What became of one e-mail; who bounced, complained or unsubscribed is suppressed from then on.

    Only what went out lately may still wait for somebody's decision: older things were settled.
    """
    recent = present - email.created_at < LATELY
    tried = email.created_at + timedelta(seconds=random.randrange(1, 40))
    dice = random.random()
    if words := _words(dice, REFUSALS):
        return replace(email, status=EmailState.FAILED, fail_reason=FailReason.REFUSED, error=words, attempts=1, failed_at=tried)
    if recent and (words := _words(dice, GIVEN_UP)):
        given_up = min(tried + timedelta(hours=5), present)
        return replace(
            email,
            status=EmailState.FAILED,
            fail_reason=FailReason.GAVE_UP,
            error=words,
            attempts=6,
            first_tried_at=tried,
            failed_at=given_up,
        )
    if dice < 0.016 and recent:
        return replace(email, status=EmailState.UNCERTAIN, error="no answer after the last line", uncertain_at=tried)
    if dice < 0.019:
        return replace(email, status=EmailState.SKIPPED, skip_reason=SkipReason.UNSUBSCRIBED)
    sent = replace(email, status=EmailState.SENT, sent_at=tried)
    if random.random() < 0.008:
        return _suppress(replace(sent, bounced_at=_later(tried, 40, present)), person, EmailStatus.BOUNCED, mailings, present)
    return _read(random, replace(sent, delivered_at=_later(tried, 3, present)), person, mailings, present)


def _words(dice: float, known: tuple[tuple[float, str], ...]) -> str:
    return next((words for up_to, words in known if dice < up_to), "")


def _read(random: Random, sent: Email, person: Person, mailings: Mailings, present: datetime) -> Email:
    """Whether a delivered e-mail was opened, clicked, and what else; nothing happens after the present."""
    delivered = sent.delivered_at or sent.created_at
    opened = delivered + timedelta(hours=random.expovariate(1 / 9))
    if random.random() > 0.47 or opened >= present:
        return sent
    read = replace(sent, opened_at=opened)
    clicked = opened + timedelta(minutes=random.uniform(0.2, 6))
    if random.random() < 0.27 and clicked < present:
        read = replace(read, clicked_at=clicked)
    if random.random() < 0.006 and clicked < present:
        return _suppress(replace(read, unsubscribed_at=clicked), person, EmailStatus.UNSUBSCRIBED, mailings, present)
    if random.random() < 0.001 and clicked < present:
        return _suppress(replace(read, complained_at=clicked), person, EmailStatus.COMPLAINED, mailings, present)
    return read


def _later(moment: datetime, seconds: int, present: datetime) -> datetime:
    return min(moment + timedelta(seconds=seconds), present)


def _suppress(email: Email, person: Person, why: EmailStatus, mailings: Mailings, present: datetime) -> Email:
    when = email.unsubscribed_at or email.complained_at or email.bounced_at or present
    mailings.suppressed.setdefault(person.id, (why, when))
    return email
