"""Sending a campaign: making its e-mails, handing them over by one worker process and by two, and what memory that takes."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bench.crowd import make_people, write_people
from bench.mail_worker import SENDER, send_settings
from bench.meter import Reading
from bench.place import Place, tell
from bench.processes import Told, mail_server, received_by, work
from bench.report import Bound, Cell, Grid, Result
from crm.domain.campaigns import Campaign, CampaignStatus, Letter, Utm
from crm.domain.filters import PeopleFilter
from crm.domain.people import Person
from crm.jobs.kinds import STEPS
from crm.jobs.work import Held, Work
from crm.mail.null import NullMailer
from crm.services import campaigns
from crm.services.campaign_jobs import EXPAND, expand_job
from crm.store import Store

COMPANY = "Everybody of the bench"
RECIPIENTS = 2_000
MOST_UNITS = 9.0
"""Write units that a recipient may cost, expansion, leases and folding included."""
JUDGED_FROM = 500
"""Recipients from which that is judged: each campaign costs about 90 write units besides, whoever it goes to."""
MOST_GROWTH = 1.25
"""How much more memory a worker may take for the largest audience than for the smallest."""
MEGABYTE = 1_000_000
BODY = """Dear {{ firstName }},

we meet again on **Thursday** at the old library; {{ company }} brings the cake.

[Tell us whether you come](https://community.example/thursday)

See you soon
Your community team
"""
COLUMNS = (
    "what",
    "workers",
    "recipients",
    "per second",
    "requests each",
    "read units each",
    "write units each",
    "peak MB",
    "MB at start",
)
NOTES = (
    "Expanding makes the e-mails, in this process; workers are processes of their own. Leases, polls and folds are counted.",
    "SMTP is real: the mail server is a process of this machine too, and has each message on disk before it answers.",
    "MB are those of the largest worker; at start: before its first step. Tracked: with a picture and redirects in each letter;",
    "what an open or a click costs comes on top, when it happens.",
)
MEMORY_NOTES = ("One worker makes the e-mails and hands them to a null mailer. Its memory must not grow with the audience.",)


@dataclass(frozen=True, slots=True)
class Case:
    """A way to send."""

    name: str
    workers: int
    smtp: bool = False
    tracking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One campaign: what expanding cost, seconds from the workers' start to its end, and what each worker told."""

    expanding: Reading
    seconds: float
    told: list[Told]

    @property
    def write_units(self) -> float:
        """Those of expanding and sending."""
        return self.expanding.cost.write_units + sum(told.write_units for told in self.told)


CASES = (
    Case("null mailer", 1),
    Case("null mailer", 2),
    Case("null mailer, tracked", 1, tracking=True),
    Case("SMTP", 1, smtp=True),
    Case("SMTP", 2, smtp=True),
)


def run(place: Place, sizes: Sequence[int]) -> Result:
    """Send one campaign after the other to the same people: 2,000, fewer where all sizes are smaller. Then one of each size."""
    result = _sending(place, sizes)
    if len(set(sizes)) > 1:
        memory = _memory(place, [min(sizes), max(sizes)])
        result.grids.extend(memory.grids)
        result.bounds.extend(memory.bounds)
    return result


def _sending(place: Place, sizes: Sequence[int]) -> Result:
    people = _recipients(min(RECIPIENTS, max(sizes)))
    rows: list[tuple[Cell, ...]] = []
    result = Result()
    with place.store() as store, tempfile.TemporaryDirectory() as folder:
        tell(f"writing {len(people):,} people to mail")
        write_people(store, people)
        for number, case in enumerate(CASES):
            tell(f"sending to {len(people):,} people: {case.name}, workers: {case.workers}")
            log = Path(folder) / f"{number}.jsonl"
            sent = _sent(place, store, case, log)
            rows += [_expanding_row(people, sent.expanding)] if not rows else []
            rows.append(_sending_row(case, people, sent))
            if len(people) >= JUDGED_FROM:
                result.bounds.append(_cost_bound(case, people, sent))
            if case.smtp:
                result.bounds.append(_once_bound(case, people, log))
    result.grids.append(Grid(title="Sending", columns=COLUMNS, rows=rows, notes=NOTES))
    return result


def _memory(place: Place, sizes: Sequence[int]) -> Result:
    """One worker on its own, from the accepted campaign to its end, at two sizes."""
    rows: list[tuple[Cell, ...]] = []
    peaks = []
    for number in sizes:
        with place.store() as store:
            tell(f"writing {number:,} people to mail")
            write_people(store, _recipients(number))
            tell(f"one worker makes and sends {number:,} e-mails")
            campaign = _accepted(store, CASES[0])
            began, told = work(1, url=place.url, table=store.table.name, email_url="null:")
            seconds = _checked(store, campaign, began)
        cost = [getattr(told[0], name) / number for name in ("requests", "read_units", "write_units")]
        memory = [round(getattr(told[0], name) / MEGABYTE) for name in ("peak", "before")]
        rows.append(("expanding and sending", 1, number, round(number / seconds), *cost, *memory))
        peaks.append(told[0].peak)
    promise = f"memory of a worker, {sizes[-1]:,} recipients for each byte at {sizes[0]:,}"
    grid = Grid(title="Memory of a worker", columns=COLUMNS, rows=rows, notes=MEMORY_NOTES)
    return Result(grids=[grid], bounds=[Bound(promise=promise, measured=peaks[-1] / peaks[0], most=MOST_GROWTH)])


def _recipients(number: int) -> list[Person]:
    return [replace(person, profile=replace(person.profile, company=COMPANY)) for person in make_people(number)]


def _sent(place: Place, store: Store, case: Case, log: Path) -> Sent:
    campaign = _accepted(store, case)
    with place.meter.reading() as expanding:
        _expand(store, campaign)
    with ExitStack() as server:
        email_url = server.enter_context(mail_server(log)) if case.smtp else "null:"
        began, told = work(case.workers, url=place.url, table=store.table.name, email_url=email_url)
    return Sent(expanding=expanding, seconds=_checked(store, campaign, began), told=told)


def _accepted(store: Store, case: Case) -> Campaign:
    return campaigns.create_and_send(
        store,
        Letter(
            subject="We meet on Thursday, {{ firstName }}",
            body=BODY,
            sender=SENDER,
            utm=Utm(campaign="thursday", source="crm", medium="newsletter"),
            tracking=case.tracking,
        ),
        wanted=PeopleFilter(company=(COMPANY,)),
        send_at=None,
        actor="bench",
        now=store.table.clock(),
        default_sender=SENDER,
    )


def _checked(store: Store, campaign: Campaign, began: datetime) -> float:
    """The seconds it took; AssertionError unless everybody was mailed."""
    done = store.campaigns.get(campaign.id)
    figures = store.campaigns.figures(campaign.id)
    if done.status is not CampaignStatus.DONE or done.finished_at is None or figures.sent != campaign.audience.matched:
        raise AssertionError(f"the campaign ended {done.status} with {figures}")
    return (done.finished_at - began).total_seconds()


def _expand(store: Store, campaign: Campaign) -> None:
    """Do the steps that make the e-mails, and leave the lanes to the workers."""
    parts = Work(store=store, mailer=NullMailer(), settings=send_settings())
    held = Held.take(parts, expand_job(campaign.id), "bench")
    if held is None:
        raise AssertionError("the campaign is not due")
    while not held.over:
        STEPS[EXPAND](parts, held)


def _expanding_row(people: Sequence[Person], reading: Reading) -> tuple[Cell, ...]:
    number, cost = len(people), reading.cost
    each = (cost.requests / number, cost.read_units / number, cost.write_units / number)
    return ("expanding", None, number, round(number / reading.seconds), *each, None, None)


def _sending_row(case: Case, people: Sequence[Person], sent: Sent) -> tuple[Cell, ...]:
    number = len(people)
    each = [sum(getattr(told, name) for told in sent.told) / number for name in ("requests", "read_units", "write_units")]
    memory = [round(max(getattr(told, name) for told in sent.told) / MEGABYTE) for name in ("peak", "before")]
    return (f"sending, {case.name}", case.workers, number, round(number / sent.seconds), *each, *memory)


def _cost_bound(case: Case, people: Sequence[Person], sent: Sent) -> Bound:
    promise = f"write units for each recipient, {case.name}, workers: {case.workers}"
    return Bound(promise=promise, measured=sent.write_units / len(people), most=MOST_UNITS)


def _once_bound(case: Case, people: Sequence[Person], log: Path) -> Bound:
    """How many people the mail server did not get exactly one message for."""
    received = Counter(received_by(log))
    wrong = sum(1 for person in people if received[person.profile.email] != 1)
    return Bound(promise=f"people not mailed exactly once, {case.name}, workers: {case.workers}", measured=wrong, most=0)
