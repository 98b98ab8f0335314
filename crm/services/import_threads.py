"""Requests of one step in several threads, so that one prepares its own while the others wait for their answers."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TypeVar

THREADS, AT_ONCE = 3, 36
"""Threads of one step, and people that one of them takes: three transactions."""
Given = TypeVar("Given")
Result = TypeVar("Result")


def together(work: Callable[[Sequence[Given]], list[Result]], given: Sequence[Given]) -> list[Result]:
    """Return what `work` makes of all that is given, in its order, share by share."""
    return together_numbered(lambda some, _: work(some), given)


def together_numbered(work: Callable[[Sequence[Given], int], list[Result]], given: Sequence[Given]) -> list[Result]:
    """Return the same where `work` is told the number of its share, from 0 on."""
    if len(given) <= AT_ONCE:
        return work(given, 0) if given else []
    with ThreadPoolExecutor(THREADS, thread_name_prefix="import") as threads:
        shares = [given[start : start + AT_ONCE] for start in range(0, len(given), AT_ONCE)]
        return [one for some in threads.map(work, shares, count()) for one in some]
