"""How much of a list is asked for at a time: as much as is wanted just then, by the share that passed so far."""

import math
from dataclasses import dataclass

MOST_AT_ONCE = 1000
"""Items of one request: about what the engine's 1 MB holds."""
EVERYBODY = 1_000_000_000
"""Wanted of a list that is read to its end: always as much as goes at once."""
FEW_STRANDS, MORE, LESS = 8, 2, 3


@dataclass(slots=True)
class Pace:
    """How much to ask for: `left` matches are still wanted, and `share` of what is read is expected to pass.

    `pending` pointers were taken already, and wait for their people.
    """

    left: int
    share: float
    read: int = 0
    passed: int = 0
    pending: int = 0

    def size(self, weight: float = 1.0, spare: int = 0) -> int:
        """Return how many items to ask one strand for, of which that share of the stage is expected; 0 is never asked."""
        share = self.share if self.read < 20 else max((self.passed + 0.5) / (self.read + 1), 0.001)
        return max(1, min(MOST_AT_ONCE, math.ceil(max(1, self.left - self.pending) / share * weight) + spare))

    def saw(self, read: int, passed: int) -> None:
        """Note what one request brought."""
        self.read += read
        self.passed += passed


def spare(strands: int, times: int, *, pointers: bool) -> int:
    """Return how many items more than its share one of several strands is asked for, which was asked so many times before.

    Strands that are merged run out unevenly. Pointers are small, so some too many save requests; whole people are not, so a few
    strands are asked for too little at first, and for their share of what is left where they run out: with four, a page of 50
    reads 56 on average, and more than 60 once in a hundred times. Many strands are asked for too much: requests count.
    """
    if strands == 1:
        return 0
    if pointers or strands > FEW_STRANDS:
        return MORE
    return 0 if times else -LESS
