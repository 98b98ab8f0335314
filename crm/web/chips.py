"""The active values of a filter, as every list shows them (`_chips.html`)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One active value; `query` is the page without it. `exclude`: everything but it; `out`: the label says so itself."""

    label: str
    value: str
    query: str
    exclude: bool = False
    out: bool = False
