"""Numbers of seats as people write them."""

import re

from crm.domain.errors import RuleViolation

MAX_CAPACITY = 1_000_000
WRITTEN = re.compile(r"[0-9]+|[0-9]{1,3}(?:([.,’'\s])[0-9]{3}(?:\1[0-9]{3})*)")
"""Digits, or groups of three with one sign between them: `1,5` and `12.5` are no number of seats, and not 15 or 125 either."""


def parse_seats(text: str) -> int | None:
    """Return the number of seats that `text` means, None where it is empty: no limit. RuleViolation where there can't be so many.

    >>> parse_seats(" 40 "), parse_seats("1,200"), parse_seats("1 000 000"), parse_seats("")
    (40, 1200, 1000000, None)
    """
    typed = text.strip()
    if not typed:
        return None
    number = int(re.sub("[^0-9]", "", typed)[:20]) if WRITTEN.fullmatch(typed) else 0
    if not 1 <= number <= MAX_CAPACITY:
        raise RuleViolation(
            f"{typed[:40]} is not possible. Write 1 to {MAX_CAPACITY:,}, such as 40 or 1,200, or leave it empty for no limit.",
            field="maxCapacity",
        )
    return number
