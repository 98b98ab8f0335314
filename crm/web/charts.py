"""Charts that the server draws: plain numbers for the SVG in `_plot.html` of analytics and events, `campaigns/_split.html`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.formats import date_format

from crm.domain.metrics import days_between

STACK = ("sent", "queued", "skipped", "uncertain", "failed")
"""The order of every stack."""
LEFT, TOP, BOTTOM = 5.2, 8, 216
RULES = 4
LABELS = 8
SMALL_BOTTOM, SMALL_RULES, SMALL_LABELS = 72, 2, 4
STEPS = ("day", "week", "month")
MAX_COLUMNS = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A rectangle: `name` picks the colour, x and width in per cent; y and height in pixels where it stands in a plot."""

    name: str
    x: str
    width: str
    y: str = ""
    height: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What one bar shows: its first and last day, and how many of what."""

    first: date
    last: date
    values: Mapping[str, int]

    @property
    def label(self) -> str:
        """The day, or the month, that stands under the bar."""
        whole_month = self.first.day == 1 and (self.last - self.first).days >= 27
        return date_format(self.first, "M Y" if whole_month else "j M")

    @property
    def title(self) -> str:
        """The bar in words."""
        names = [*STACK, "opened"] if self.values.get("opened") else STACK
        return f"{self.label}: " + ", ".join(f"{self.values.get(name, 0):,} {name}" for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a plot with its pieces; `label` is empty where there is no room for it, `minor` ones go on a phone."""

    title: str
    label: str
    minor: bool
    middle: str
    pieces: list[Piece]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A chart of stacked bars. `rules` are (y of the line, y of its text, text), from 0 up; `line` is a path: those opened."""

    bars: list[Bar]
    rules: list[tuple[float, float, str]]
    names: list[str]
    line: str


def columns(series: Sequence[Mapping[str, int | str]], *, first: date, last: date, step: str) -> list[Column]:
    """Return one column per day, week (from Monday) or month from `first` to `last`, also where nothing happened."""
    found = {str(day["date"]): day for day in series}
    out: dict[date, dict[str, int]] = {}
    for day in days_between(first, last):
        begin = day - timedelta(days=day.weekday()) if step == "week" else day.replace(day=1) if step == "month" else day
        values = out.setdefault(max(begin, first), {})
        for name, number in found.get(day.isoformat(), {}).items():
            if isinstance(number, int):
                values[name] = values.get(name, 0) + number
    begins = list(out)
    ends = [*(begin - timedelta(days=1) for begin in begins[1:]), last]
    return [Column(first=begin, last=end, values=out[begin]) for begin, end in zip(begins, ends, strict=True)]


def step_for(first: date, last: date) -> str:
    """Return the finest step with which the bars of the range are wide enough to see."""
    days = (last - first).days + 1
    return "day" if days <= 62 else "week" if days <= 62 * 7 else "month"


def steps_that_fit(first: date, last: date) -> list[str]:
    """Return the steps that make some bars, but not too many."""
    days = (last - first).days + 1
    return [
        step for step, size in zip(STEPS, (1, 7, 28), strict=True) if days / size <= MAX_COLUMNS and (days > size or size == 1)
    ]


def plot(shown: Sequence[Column]) -> Plot:
    """Return the chart of some columns, in their order."""
    highest = max((sum(column.values.get(name, 0) for name in STACK) for column in shown), default=0)
    rule = _nice(highest / RULES)
    scale = (BOTTOM - TOP) / (rule * RULES)
    slot = (100 - LEFT) / max(1, len(shown))
    every = max(1, -(-len(shown) // LABELS))
    bars = []
    for number, column in enumerate(shown):
        x = LEFT + slot * number
        labelled = number % every == 0
        bars.append(
            Bar(
                title=column.title,
                label=column.label if labelled else "",
                minor=(number // every) % 2 == 1,
                middle=f"{x + slot / 2:.2f}%",
                pieces=_stack(column.values, x + slot * 0.17, slot * 0.66, scale),
            )
        )
    rules = [(BOTTOM - rule * n * scale, BOTTOM - rule * n * scale + 4, _short(rule * n)) for n in range(RULES + 1)]
    names = [name for name in STACK if any(column.values.get(name) for column in shown)]
    return Plot(bars=bars, rules=rules, names=names, line=_line([column.values.get("opened", 0) for column in shown], scale))


def small_plot(shown: Sequence[Column], name: str) -> Plot:
    """Return the chart of one number per column, `name` in their values, for `svg.plot-s`: bars in the first colour."""
    highest = max((column.values.get(name, 0) for column in shown), default=0)
    rule = _nice(highest / SMALL_RULES)
    scale = (SMALL_BOTTOM - TOP) / (rule * SMALL_RULES)
    slot = (100 - LEFT) / max(1, len(shown))
    every = max(1, -(-len(shown) // SMALL_LABELS))
    bars = []
    for number, column in enumerate(shown):
        x, value = LEFT + slot * number, column.values.get(name, 0)
        height = max(1.0, value * scale)
        place = {"x": f"{x + slot * 0.17:.2f}%", "width": f"{slot * 0.66:.2f}%"}
        piece = Piece(name=STACK[0], **place, y=f"{SMALL_BOTTOM - height:.1f}", height=f"{height:.1f}")
        labelled = number % every == 0
        bars.append(
            Bar(
                title=f"{column.label}: {value:,} {name}",
                label=column.label if labelled else "",
                minor=(number // every) % 2 == 1,
                middle=f"{x + slot / 2:.2f}%",
                pieces=[piece] if value else [],
            )
        )
    rules = [
        (SMALL_BOTTOM - rule * n * scale, SMALL_BOTTOM - rule * n * scale + 4, _short(rule * n)) for n in range(SMALL_RULES + 1)
    ]
    return Plot(bars=bars, rules=rules, names=[name], line="")


def _line(values: Sequence[int], scale: float) -> str:
    """The path of a line over the bars, in a box of 100 by the height of the plot; empty where there is nothing to show."""
    if not any(values):
        return ""
    step = 100 / len(values)
    points = [f"{step * (n + 0.5):.2f} {BOTTOM - TOP - value * scale:.1f}" for n, value in enumerate(values)]
    return "M" + " L".join(points)


def _stack(values: Mapping[str, int], x: float, width: float, scale: float) -> list[Piece]:
    """A small number is still a pixel high, so that nothing that happened is invisible."""
    pieces = []
    y = float(BOTTOM)
    for name in STACK:
        if number := values.get(name, 0):
            height = max(1.0, number * scale)
            y = max(float(TOP) - 4, y - height)
            pieces.append(Piece(name=name, x=f"{x:.2f}%", width=f"{width:.2f}%", y=f"{y:.1f}", height=f"{height:.1f}"))
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
