"""Requests of one step in several threads, so that one prepares its own while the others wait for their answers."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

THREADS, AT_ONCE = 3, 36
"""Threads of one step, and people that one of them takes: three transactions."""
Given = TypeVar("Given")
Result = TypeVar("Result")


def together(work: Callable[[Sequence[Given]], list[Result]], given: Sequence[Given]) -> list[Result]:
    """Return what `work` makes of all that is given, in its order, share by share."""
    if len(given) <= AT_ONCE:
        return work(given) if given else []
    with ThreadPoolExecutor(THREADS, thread_name_prefix="import") as threads:
        shares = [given[start : start + AT_ONCE] for start in range(0, len(given), AT_ONCE)]
        return [one for some in threads.map(work, shares) for one in some]
