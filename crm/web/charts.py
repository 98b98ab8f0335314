"""Charts that the server draws: plain numbers for the SVG in `_plot.html` of analytics and events, `campaigns/_split.html`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

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
BROAD = 0.66
"""Share of its place that a bar takes."""
SERIES = ("sent", "clicked")
"""The colours of the bars that stand beside each other in a small plot."""
WORDS = {"opened_any": "opened, programs too", "clicked_any": "clicked, programs too"}
"""What a chart calls a counter that isn't called what it is."""


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
    """What one bar shows: its first and last day, or the hour that it is about, and how many of what."""

    first: date
    last: date
    values: Mapping[str, int]

    @property
    def label(self) -> str:
        """The hour, the day or the month that stands under the bar."""
        if isinstance(self.first, datetime):
            return date_format(self.first, "D H:i")
        whole_month = self.first.day == 1 and (self.last - self.first).days >= 27
        return date_format(self.first, "M Y" if whole_month else "j M")

    def title(self, names: Sequence[str]) -> str:
        """The bar in words: how many of each name, those left out of which there are none."""
        found = [(self.values.get(name, 0), WORDS.get(name, name)) for name in names]
        return f"{self.label}: " + ", ".join(f"{number:,} {words}" for number, words in found if number)


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
    """A chart of bars. `rules` are (y of the line, y of its text, text), from 0 up; `line` is a path over them, "" for none.

    `keys` are colours of bars and what they mean, `line_key` what the line means.
    """

    bars: list[Bar]
    rules: list[tuple[float, float, str]]
    keys: list[tuple[str, str]]
    line: str = ""
    line_key: str = ""


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


def hours(counts: Mapping[datetime, Mapping[str, int]], *, first: datetime, last: datetime) -> list[Column]:
    """Return one column per hour from that of `first` to that of `last`, also where nothing happened; in the zone of `first`.

    Args:
        counts: What happened, by the beginning of its hour; aware.
    """
    hour, end = (moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0) for moment in (first, last))
    out = []
    while hour <= end:
        here = hour.astimezone(first.tzinfo)
        out.append(Column(first=here, last=here, values=counts.get(hour, {})))
        hour += timedelta(hours=1)
    return out


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


def plot(shown: Sequence[Column], line: str = "opened") -> Plot:
    """Return the chart of some columns, in their order: where e-mails stand as stacked bars, over them `line` of their values."""
    highest = max((sum(column.values.get(name, 0) for name in STACK) for column in shown), default=0)
    rules, scale = _rules(highest, RULES, BOTTOM)
    lined = [column.values.get(line, 0) if any(column.values.values()) else None for column in shown]
    names = (*STACK, line) if any(lined) else STACK
    return Plot(
        bars=[
            _bar(shown, number, LABELS, column.title(names), _stack(column.values, *_place(shown, number), scale))
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
        bars.append(_bar(shown, number, SMALL_LABELS, column.title(names), pieces))
    return Plot(bars=bars, rules=rules, keys=list(zip(SERIES, names, strict=False)))


def _place(shown: Sequence[Column], number: int) -> tuple[float, float]:
    """Where a bar begins and how wide it is, in per cent."""
    slot = (100 - LEFT) / len(shown)
    return LEFT + slot * (number + (1 - BROAD) / 2), slot * BROAD


def _bar(shown: Sequence[Column], number: int, labels: int, title: str, pieces: list[Piece]) -> Bar:
    """A bar with its label, where it has one: no more than `labels` in all, half of them on a phone."""
    every = -(-len(shown) // labels)
    x, width = _place(shown, number)
    return Bar(
        title=title,
        label=shown[number].label if number % every == 0 else "",
        minor=(number // every) % 2 == 1,
        middle=f"{x + width / 2:.2f}%",
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

    None is a column with nothing in it: the line ends before it. A column that stands alone has a dash as wide as its bar.
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
            drawn.append(f"M{x - step * BROAD / 2:.2f} {y:.1f} H{x + step * BROAD / 2:.2f}")
    return " ".join(drawn)


def _stack(values: Mapping[str, int], x: float, width: float, scale: float) -> list[Piece]:
    """A small number is still a pixel high, so that nothing that happened is invisible."""
    pieces = []
    y = float(BOTTOM)
    for name in STACK:
        if number := values.get(name, 0):
            height = max(1.0, number * scale)
            y = max(float(TOP) - 4, y - height)
            pieces.append(_piece(name, x, width, y + height, height))
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
