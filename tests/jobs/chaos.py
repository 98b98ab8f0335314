"""A campaign under fire: what is done to it while it is sent. `chaos_account` judges what became of it."""

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.crowd import make_people, write_people
from crm.domain.campaigns import CampaignStatus
from crm.domain.errors import StoreUnavailable
from crm.domain.ids import email_id
from crm.services import campaigns
from crm.services.unsubscribe import unsubscribe
from crm.store import Store
from crm.store.calls import utc_now
from crm.store.table import Table
from tests.conftest import open_client, store_over
from tests.engine import Engine
from tests.jobs.chaos_plan import BUSY, CHANCES, GONE, HANDOVER, LEASE, STARTING, WINDOW, WORKERS, Happened, Lines, Plan
from tests.jobs.mailing import COMPANY, accepted
from tests.jobs.processes import SmtpProcess, WorkerProcess, wait_for, worker_environment


@contextmanager
def chaos(plan: Plan, folder: Path, *, tell: Callable[[str], None] = lambda text: None) -> Iterator[tuple[Store, Happened, Path]]:
    """Send a campaign while everything goes wrong, and give the table, what happened, and the folder with the logs."""
    with ExitStack() as running:
        engine = running.enter_context(Engine(folder / "chaos.db"))
        table = Table(open_client(engine.url), f"Chaos{uuid.uuid4().hex}", patience=20.0)
        table.create_missing()
        store = store_over(table)
        happened = Happened(plan=plan)
        _community(store, happened)
        tell(f"{plan.people:,} people; seed {plan.seed}")
        options = ["--lost", str(folder / "lost"), "--slow", str(HANDOVER / 2), "--seed", str(plan.seed)]
        options += ["--always", f"{BUSY}=RETRY_451", f"{GONE}=REFUSE_550", "--chance", *CHANCES]
        smtp = running.enter_context(SmtpProcess(folder / "received", *options))
        scene = _Scene(engine=engine, store=store, smtp=smtp, happened=happened, folder=folder, tell=tell)
        running.callback(scene.end)
        scene.play()
        yield store, happened, folder


def _community(store: Store, happened: Happened) -> None:
    """Write the people; of a hundred, one has an address that is always busy, and one has none any more."""
    people = []
    for number, person in enumerate(make_people(happened.plan.people)):
        address = {25: f"gone-{number}@x.example", 50: f"busy-{number}@x.example"}.get(number % 100, person.profile.email)
        people.append(
            replace(
                person,
                profile=replace(person.profile, company=COMPANY, email=address),
                attended_event_count=0,
                hosted_event_count=0,
            )
        )
    write_people(store, people)
    happened.addresses = {person.id: person.profile.email for person in people}


@dataclass(kw_only=True)
class _Scene:
    """The stage hands: who kills, suspends, wakes and restarts."""

    engine: Engine
    store: Store
    smtp: SmtpProcess
    happened: Happened
    folder: Path
    tell: Callable[[str], None]

    def __post_init__(self) -> None:
        self.plan = self.happened.plan
        self.chance = random.Random(self.plan.seed)
        self.received = Lines(self.folder / "received")
        self.workers: list[WorkerProcess] = []
        self.asleep: list[tuple[float, WorkerProcess]] = []
        self.over = threading.Event()
        self.leaving = threading.Thread(target=self._let_people_leave, daemon=True)
        settings = {
            "LEASE_SECONDS": LEASE,
            "WINDOW": WINDOW,
            "SEND_RATE": self.plan.rate,
            "RETRY_SECONDS": self.plan.retry_seconds,
        }
        words = {name: str(value) for name, value in settings.items()}
        self.environment = worker_environment(self.engine.url, self.store.table.name, self.smtp.url, **words)

    def play(self) -> None:
        """Everything that happens, from the first worker to the campaign's end."""
        campaign_id = self.happened.campaign_id = str(uuid.uuid4())
        self._leave(self.chance.sample(sorted(self.happened.addresses), self.plan.people // 100))
        accepted(self.store, utc_now(), campaign_id=campaign_id)
        began = time.monotonic()
        self.workers = [self._worker() for _ in range(WORKERS)]
        self.leaving.start()
        acts = self._acts()
        for number, act in enumerate(acts):
            self._wait_until_settled(int(self.plan.people * 0.9 * (number + 0.5) / len(acts)))
            time.sleep(self.chance.uniform(0.0, 0.3))
            act()
            self._wake_sleepers()
        while self.asleep:
            self._wake_sleepers()
            time.sleep(0.1)
        wait_for(self._is_done, self.plan.patience, every=0.25)
        self.happened.seconds = time.monotonic() - began
        self.over.set()
        self.leaving.join()
        wait_for(lambda: all(time.monotonic() - worker.started > STARTING for worker in self.workers), 2 * STARTING)
        self.happened.exits = [worker.terminate() for worker in self.workers]
        self.store.stats.fold_all()

    def end(self) -> None:
        """Leave no process behind, whatever broke off the play."""
        self.over.set()
        for worker in self.workers:
            worker.wake()
            worker.kill()

    def _acts(self) -> list[Callable[[], None]]:
        plan = self.plan
        acts = [self._kill] * plan.kills + [self._suspend] * plan.suspensions + [self._pause] * plan.pauses
        acts += [self._kill_engine] * plan.engine_kills + [self._mail_goes_away] * plan.outages
        self.chance.shuffle(acts)
        return acts

    def _worker(self) -> WorkerProcess:
        program = ["-m", "tests.jobs.chaos_worker", str(self.folder / "notes"), *(["--late"] if self.plan.late else [])]
        return WorkerProcess(self.environment, program=program, log=self.folder / "workers.log")

    def _is_done(self) -> bool:
        return self.store.campaigns.state(self.happened.campaign_id).status is CampaignStatus.DONE

    def _wait_until_settled(self, number: int) -> None:
        """Wait until so many e-mails have an outcome; not for ever, for all lanes may be backing off."""
        deadline = time.monotonic() + 10
        while self.store.campaigns.figures(self.happened.campaign_id).settled < number and time.monotonic() < deadline:
            self._wake_sleepers()
            time.sleep(0.1)

    # what is done to them

    def _somebody(self) -> int:
        """A worker that is awake, and has been for long enough to have something in hand, if there is one."""
        asleep = [worker for _, worker in self.asleep]
        awake = [place for place, worker in enumerate(self.workers) if worker not in asleep]
        busy = [place for place in awake if time.monotonic() - self.workers[place].started > STARTING]
        return self.chance.choice(busy or awake)

    def _kill(self) -> None:
        place = self._somebody()
        self.workers[place].kill()
        self.workers[place] = self._worker()
        self._did("workers killed")

    def _suspend(self) -> None:
        worker = self.workers[self._somebody()]
        worker.suspend()
        self.asleep.append((time.monotonic() + LEASE * self.chance.uniform(1.2, 1.8), worker))
        self._did("workers suspended past their lease")
        if len(self.asleep) == WORKERS:  # somebody has to be left for the next act
            while len(self.asleep) == WORKERS:
                self._wake_sleepers()
                time.sleep(0.05)

    def _wake_sleepers(self) -> None:
        for until, worker in list(self.asleep):
            if time.monotonic() >= until:
                worker.wake()
                self.asleep.remove((until, worker))

    def _kill_engine(self) -> None:
        self.engine.kill()
        time.sleep(self.chance.uniform(0.5, 2.0))
        self.engine.start()
        self._did("engine killed")

    def _mail_goes_away(self) -> None:
        self.smtp.go_away()
        time.sleep(self.chance.uniform(1.0, 2.5))
        self.smtp.start()
        self._did("mail server away")

    def _pause(self) -> None:
        """Pause, look that it goes quiet, resume. Nobody sleeps meanwhile: who wakes may end the message that was in hand."""
        while self.asleep:
            self._wake_sleepers()
            time.sleep(0.05)
        if self._is_done():
            return
        campaigns.pause(self.store, self.happened.campaign_id, now=utc_now())
        began = time.time() + 1.0 + HANDOVER
        time.sleep(2.0 + HANDOVER)
        self.happened.paused.append((began, time.time()))
        campaigns.resume(self.store, self.happened.campaign_id, now=utc_now())
        self._did("paused and resumed")

    def _did(self, what: str) -> None:
        self.happened.count(what)
        self.tell(f"{len(self.received):,} messages: {what}")

    # people who leave

    def _let_people_leave(self) -> None:
        """One after the other, in an order of their own, as long as messages go out."""
        chance = random.Random(self.plan.seed + 1)
        staying = sorted(set(self.happened.addresses) - set(self.happened.left))
        leaving = chance.sample(staying, int(self.plan.people * self.plan.leaving))
        while leaving and not self.over.is_set():
            due = int(self.plan.people * self.plan.leaving * min(1.0, len(self.received) / self.plan.people + 0.05))
            while leaving and len(self.happened.left) < due + self.plan.people // 100:
                self._leave([leaving.pop()])
            self.over.wait(0.02)

    def _leave(self, user_ids: list[str]) -> None:
        for user_id in user_ids:
            try:
                unsubscribe(self.store, email_id(self.happened.campaign_id, user_id), user_id, now=utc_now())
            except StoreUnavailable:  # the page says so, and nothing is promised
                continue
            self.happened.left[user_id] = time.time()
