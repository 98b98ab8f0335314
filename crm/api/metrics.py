"""Figures for what watches the site, as text that Prometheus reads (exposition format 0.0.4)."""

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import django
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from crm import VERSION
from crm.api.auth import SEND_ONE, token_shown
from crm.api.errors import TooMany, problem, too_many
from crm.services.system import System, look
from crm.staff import why_not
from crm.wiring import get_store

RIGHT = "crm.view_jobs"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure with its values, each under labels."""

    name: str
    kind: str
    words: str
    values: Sequence[tuple[Mapping[str, str], float]] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Give it as text."""
        yield f"# HELP {self.name} {self.words}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.values:
            given = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            yield f"{self.name}{{{given}}} {value:.12g}" if given else f"{self.name} {value:.12g}"


@csrf_exempt
@login_not_required
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures of this moment, for a token whose owner may see the background work; a table that is away is a figure too."""
    if request.method not in {"GET", "HEAD"}:
        response = problem(405, "This address takes GET, HEAD.")
        response.headers["Allow"] = "GET, HEAD"
        return response
    try:
        use = token_shown(request)
    except TooMany as error:
        return too_many(request, error)
    if use is None:
        return problem(401, SEND_ONE)
    if not use.owner.has_perm(RIGHT):
        return problem(403, f"This needs a token of somebody who may do it. {why_not(use.owner, RIGHT)}")
    text = "\n".join(line for metric in _metrics(look(get_store(), now=timezone.now())) for line in metric.lines())
    return HttpResponse(f"{text}\n", content_type=CONTENT_TYPE)


def _metrics(system: System) -> Iterator[Metric]:
    versions = {"version": VERSION, "python": platform.python_version(), "django": django.get_version()}
    yield Metric(name="crm_build_info", kind="gauge", words="What runs; always 1.", values=[(versions, 1)])
    yield _one("crm_table_up", "Whether the table answers.", system.reachable)
    if not system.reachable:
        return
    yield _one("crm_table_answer_seconds", "How long the table took to answer one read.", system.answer_seconds)
    yield _one("crm_jobs_due", "Jobs that could be worked on now and that no worker has.", system.due)
    yield _one("crm_job_oldest_due_seconds", "How long the longest waiting of them is due.", system.oldest_due_seconds)
    yield _one("crm_jobs_failed", "Jobs that rest after an error before they are tried again.", system.failed)
    yield _one("crm_workers", "Workers that were heard of within the last 45 seconds.", len(system.alive))
    yield _one("crm_sends_per_second", "Messages handed over a second, over the last five minutes.", system.sent_a_second)
    yield Metric(
        name="crm_worker_messages_total",
        kind="counter",
        words="Messages a worker handed over since it started.",
        values=[({"worker": worker.name}, worker.sent) for worker in system.workers],
    )
    yield Metric(
        name="crm_worker_jobs",
        kind="gauge",
        words="Jobs a worker has in hand.",
        values=[({"worker": worker.name}, worker.in_hand) for worker in system.alive],
    )


def _one(name: str, words: str, value: float) -> Metric:
    return Metric(name=name, kind="gauge", words=words, values=[({}, value)])


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
