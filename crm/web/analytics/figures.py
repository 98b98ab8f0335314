"""The numbers on top of the analytics: tiles, and the way from created to clicked. All of them from one reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crm.domain.emails import EmailState
from crm.domain.metrics import EmailQuery
from crm.domain.outcomes import HANDED_OVER, Hits, Outcome
from crm.services.analytics import Summary
from crm.web.analytics.links import Links, Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A number with its name and what it is a part of, or what to know about it. `css` is how bad it is."""

    name: str
    shown: Number
    note: str
    css: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One number of the funnel, of how many it is a part, and how many there are in all."""

    name: str
    shown: Number
    above: int


def tiles(summary: Summary, links: Links, hits: Hits) -> list[Tile]:
    """Return the seven tiles."""
    totals = summary.totals
    sent, failed, uncertain = totals["sent"], totals["failed"], totals["uncertain"]
    share_failed = f"{100 * failed / summary.emails:.2f}% of all" if failed else "none"
    notes = {
        "sent": f"of {summary.emails:,} {'e-mail' if summary.emails == 1 else 'e-mails'}",
        "queued": "wait for their turn" if totals["queued"] else "nothing waits",
        "failed": share_failed,
        "uncertain": "not settled yet" if uncertain else "none",
        "skipped": "may not be mailed" if totals["skipped"] else "none",
    }
    css = {"failed": "bad", "uncertain": "warn"}
    out = [
        Tile(name=word.capitalize(), shown=links.behind(totals, word), note=note, css=css.get(word, ""))
        for word, note in notes.items()
    ]
    for name, word in (("Opened", hits.opened), ("Clicked", hits.clicked)):
        note = f"{100 * totals[word] / sent:.1f}% of sent" if sent else "nothing was sent"
        out.append(Tile(name=name, shown=links.behind(totals, word), note=note))
    return out


def funnel(summary: Summary, links: Links, hits: Hits) -> list[Stage]:
    """Return created, sent, delivered where a provider told of it, opened and clicked."""
    totals = summary.totals
    words = [
        ("Sent", EmailState.SENT.value),
        *([("Delivered", Outcome.DELIVERED.value)] if totals["delivered"] else []),
        ("Opened", hits.opened.value),
        ("Clicked", hits.clicked.value),
    ]
    found = [("Created", links.all_behind(summary.emails)), *((name, links.behind(totals, word)) for name, word in words)]
    above = [0, *(shown.number for _, shown in found)]
    return [Stage(name=name, shown=shown, above=above[place]) for place, (name, shown) in enumerate(found)]


def beside(summary: Summary, links: Links) -> list[Stage]:
    """Return what else came of those sent, where it did."""
    words = (Outcome.BOUNCED, Outcome.COMPLAINED, Outcome.UNSUBSCRIBED)
    found = [(word.value.capitalize(), links.behind(summary.totals, word.value)) for word in words]
    return [Stage(name=name, shown=shown, above=summary.totals["sent"]) for name, shown in found if shown.number]


def listed(summary: Summary, query: EmailQuery) -> int | None:
    """Return how many e-mails the list has; None where no counter tells: of an outcome among some states."""
    totals, outcome = summary.totals, query.outcome
    if outcome is None:
        return summary.emails
    if query.statuses:
        return None
    handed_over = _sum(totals, HANDED_OVER)
    lacking = {Outcome.NOT_OPENED: "opened", Outcome.NOT_CLICKED: "clicked"}
    if outcome in lacking:
        return max(0, handed_over - totals[lacking[outcome]])
    return handed_over if outcome is Outcome.SENT else totals[outcome.value]


def _sum(totals: Mapping[str, int], words: Sequence[str]) -> int:
    return sum(totals[word] for word in words)
