"""A campaign under fire: workers and engine killed, the mail server breaking off and away, people leaving meanwhile."""

import logging
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import django

from bench.place import Place, tell
from bench.report import Bound, Cell, Grid, Result
from crm.domain.emails import EmailState

if TYPE_CHECKING:
    from tests.jobs.chaos_account import Account

RATE = 150.0
"""Messages a second: slow enough for everything to happen while mail goes out."""
NOTES = (
    "Lost windows were in the hands of workers that were killed or slept past their lease; the server withheld lost replies.",
    "An uncertain e-mail is one of either. Left out: unsubscribed before their e-mail was made.",
)


def run(place: Place, sizes: Sequence[int]) -> Result:
    """Send one campaign to the largest size, 1,000 people for 4 kills, and judge what became of it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from tests.jobs.chaos import chaos
    from tests.jobs.chaos_account import Account
    from tests.jobs.chaos_plan import Plan

    people = max(sizes)
    seed = random.randrange(1_000_000) if place.seed is None else place.seed
    logging.getLogger("crm").setLevel(logging.WARNING)
    plan = Plan(
        people=people,
        rate=RATE,
        kills=max(3, people // 250),
        suspensions=max(1, people // 1000),
        engine_kills=max(1, people // 5000),
        outages=max(1, people // 3000),
        pauses=max(1, people // 5000),
        retry_seconds=0.5,
        patience=600.0,
        seed=seed,
    )
    with tempfile.TemporaryDirectory() as folder, chaos(plan, Path(folder), tell=tell) as (store, happened, logs):
        return result_of(Account(store, happened, logs))


def result_of(account: "Account") -> Result:
    """Return what happened and what became of it, as tables."""
    checks = account.checks()
    bounds = [Bound(promise=f"under fire: {check.promise}", measured=check.measured, most=check.most) for check in checks]
    return Result(grids=[_grid(account)], bounds=bounds)


def _grid(account: "Account") -> Grid:
    happened = account.happened
    rows: list[tuple[Cell, ...]] = [("people", len(happened.addresses)), ("seconds", round(happened.seconds))]
    rows += [(what, number) for what, number in sorted(happened.done.items())]
    rows.append(("unsubscribed meanwhile", len(happened.left)))
    rows += [(state.value, len(account.of(state))) for state in EmailState if state is not EmailState.QUEUED]
    rows.append(("left out", sum(account.campaign.left_out.values())))
    rows += [("windows", len(account.windows)), ("lost windows", len(account.lost))]
    rows += [("e-mails in lost windows", len(account.in_lost_windows)), ("lost replies", len(account.withheld))]
    return Grid(title=f"A campaign under fire, seed {happened.plan.seed}", columns=("what", "number"), rows=rows, notes=NOTES)
