"""Charts that the server draws: plain numbers for `_plot.html` of analytics, `_small_plot.html` and `campaigns/_split.html`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crm.web.columns import WORDS, Column

STACK = ("sent", "queued", "skipped", "uncertain", "failed")
"""The order of every stack."""
LEFT, TOP, BOTTOM = 5.2, 8, 216
RULES = 4
LABELS = 8
SMALL_BOTTOM, SMALL_RULES, SMALL_LABELS = 72, 2, 4
BROAD, DASH = 0.66, 0.9
"""Shares of its place that a bar takes, and the mark over one that stands alone."""
EDGE = 96
"""Per cent from which on a label ends at its bar, so that it doesn't stand out at the right."""
LINE_HEIGHT = 15
GAP = 1.0
"""Pixels between the pieces of a stack, where they are high enough for one."""
SERIES = ("sent", "clicked")
"""The colours of the bars that stand beside each other in a small plot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A rectangle: `name` picks the colour, x and width in per cent; y and height in pixels where it stands in a plot."""

    name: str
    x: str
    width: str
    y: str = ""
    height: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a plot with its pieces, in a place of its own that says `told` when pointed at: lines, each with its height.

    `label` is empty where there is no room for it, `minor` ones go on a phone; it stands at `middle`, or ends there where
    `anchor` says so.
    """

    told: list[tuple[int, str]]
    place: Piece
    label: str
    minor: bool
    middle: str
    anchor: str
    pieces: list[Piece]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A chart of bars. `rules` are (y of the line, y of its text, text), from 0 up; `line` is a path over them, "" for none.

    `keys` are colours of bars and what they mean, `line_key` what the line means.
    """

    bars: list[Bar]
    rules: list[tuple[float, float, str]]
    keys: list[tuple[str, str]]
    line: str = ""
    line_key: str = ""


def plot(shown: Sequence[Column], line: str = "opened") -> Plot:
    """Return the chart of some columns, in their order: where e-mails stand as stacked bars, over them `line` of their values."""
    sums = [sum(column.values.get(name, 0) for name in STACK) for column in shown]
    highest = max([*sums, *[column.values.get(line, 0) for column in shown]], default=0)
    rules, scale = _rules(highest, RULES, BOTTOM)
    lined = [column.values.get(line, 0) if any(column.values.values()) else None for column in shown]
    names = (*STACK, line) if any(lined) else STACK
    return Plot(
        bars=[
            _bar(shown, number, LABELS, column.told(names), _stack(column.values, *_place(shown, number), scale))
            for number, column in enumerate(shown)
        ],
        rules=rules,
        keys=[(name, name) for name in STACK if any(column.values.get(name) for column in shown)],
        line=_line(lined, scale),
        line_key=WORDS.get(line, line),
    )


def small_plot(shown: Sequence[Column], *names: str) -> Plot:
    """Return the chart of one or two numbers per column, `names` in their values, beside each other; for `svg.plot-s`."""
    highest = max((column.values.get(name, 0) for column in shown for name in names), default=0)
    rules, scale = _rules(highest, SMALL_RULES, SMALL_BOTTOM)
    bars = []
    for number, column in enumerate(shown):
        x, width = _place(shown, number)
        pieces = [
            _piece(colour, x + width / len(names) * n, width / len(names), SMALL_BOTTOM, max(1.0, value * scale))
            for n, (name, colour) in enumerate(zip(names, SERIES, strict=False))
            if (value := column.values.get(name, 0))
        ]
        bars.append(_bar(shown, number, SMALL_LABELS, column.told(names), pieces))
    return Plot(bars=bars, rules=rules, keys=list(zip(SERIES, names, strict=False)))


def _place(shown: Sequence[Column], number: int) -> tuple[float, float]:
    """Where a bar begins and how wide it is, in per cent."""
    slot = (100 - LEFT) / len(shown)
    return LEFT + slot * (number + (1 - BROAD) / 2), slot * BROAD


def _bar(shown: Sequence[Column], number: int, labels: int, told: Sequence[str], pieces: list[Piece]) -> Bar:
    """A bar with its label, where it has one: no more than `labels` in all, half of them on a phone."""
    every = -(-len(shown) // labels)
    slot = (100 - LEFT) / len(shown)
    x = LEFT + slot * number
    at_the_end = x + slot / 2 > EDGE
    return Bar(
        told=[(-LINE_HEIGHT * (len(told) - 1 - n), line) for n, line in enumerate(told)],
        place=Piece(name="place", x=f"{x:.2f}%", width=f"{slot:.2f}%"),
        label=shown[number].label if number % every == 0 else "",
        minor=(number // every) % 2 == 1,
        middle=f"{min(x + slot, 100) if at_the_end else x + slot / 2:.2f}%",
        anchor="end" if at_the_end else "middle",
        pieces=pieces,
    )


def _piece(name: str, x: float, width: float, bottom: float, height: float) -> Piece:
    return Piece(name=name, x=f"{x:.2f}%", width=f"{width:.2f}%", y=f"{bottom - height:.1f}", height=f"{height:.1f}")


def _rules(highest: float, many: int, bottom: int) -> tuple[list[tuple[float, float, str]], float]:
    """The lines behind the bars, and the pixels of one."""
    rule = _nice(highest / many)
    scale = (bottom - TOP) / (rule * many)
    heights = [bottom - rule * n * scale for n in range(many + 1)]
    return [(y, y + 4, _short(rule * n)) for n, y in enumerate(heights)], scale


def _line(values: Sequence[int | None], scale: float) -> str:
    """The path of a line over the bars, in a box of 100 by the height of the plot; empty where there is nothing to show.

    None is a column with nothing in it: the line ends before it. A column that stands alone has a dash across its bar.
    """
    if not any(values):
        return ""
    step = 100 / len(values)
    drawn: list[str] = []
    for n, value in enumerate(values):
        if value is None:
            continue
        before, after = (0 <= other < len(values) and values[other] is not None for other in (n - 1, n + 1))
        x, y = step * (n + 0.5), BOTTOM - TOP - value * scale
        if before or after:
            drawn.append(f"{'L' if before else 'M'}{x:.2f} {y:.1f}")
        else:
            drawn.append(f"M{x - step * DASH / 2:.2f} {y:.1f} H{x + step * DASH / 2:.2f}")
    return " ".join(drawn)


def _stack(values: Mapping[str, int], x: float, width: float, scale: float) -> list[Piece]:
    """A small number is still a pixel high, so that nothing that happened is invisible."""
    pieces: list[Piece] = []
    y = float(BOTTOM)
    for name in (name for name in STACK if values.get(name)):
        height = max(1.0, values[name] * scale)
        gap = GAP if pieces and height > 3 * GAP else 0.0
        y = max(TOP - 4.0, y - height)
        pieces.append(_piece(name, x, width, y + height - gap, height - gap))
    return pieces


def _nice(step: float) -> int:
    """Return the next round number: 1, 2, 3, 4, 5, 6 or 8 times a power of ten.

    >>> _nice(0), _nice(3.2), _nice(3900)
    (1, 4, 4000)
    """
    power = 1
    while True:
        for factor in (1, 2, 3, 4, 5, 6, 8):
            if step <= factor * power:
                return factor * power
        power *= 10


def _short(number: int) -> str:
    """Return a number as an axis shows it.

    >>> _short(0), _short(800), _short(12000), _short(1500), _short(3000000)
    ('0', '800', '12k', '1.5k', '3M')
    """
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + unit
    return str(number)


def split(values: Mapping[str, int], total: int) -> list[Piece]:
    """Return the shares of `total` as pieces of one bar; what is not there yet is the empty rest. None is invisibly small."""
    names = [name for name in ("sent", "skipped", "uncertain", "failed") if values.get(name)]
    shares = {name: max(0.5, 100 * values[name] / max(1, total)) for name in names}
    too_much = max(1.0, sum(shares.values()) / 100)
    pieces = []
    x = 0.0
    for name in names:
        width = shares[name] / too_much
        pieces.append(Piece(name=name, x=f"{x:.2f}%", width=f"{width:.2f}%"))
        x += width
    return pieces


def spark(values: Sequence[int]) -> str:
    """Return the path of a small line in a box of 100 by 32; empty where there is no line to draw.

    >>> spark([0, 2, 1])
    'M0.0 30.0 L50.0 4.0 L100.0 17.0'
    """
    if len(values) < 2 or not any(values):
        return ""
    low, high = min(values), max(values)
    height = 26 / (high - low) if high > low else 0
    points = [f"{100 * n / (len(values) - 1):.1f} {30 - (value - low) * height:.1f}" for n, value in enumerate(values)]
    return "M" + " L".join(points)
