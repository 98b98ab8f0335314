"""Opens and clicks: whose they are, by rules that docs/decisions/0208-who-opened-it.md gives reasons for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from crm.domain.emails import Email, EmailState

MOST_KEPT = 30
"""Hits of one kind and class that are kept of one e-mail: a page that reloads itself for a day fills no table."""
SOON = {"open": timedelta(seconds=2), "click": timedelta(seconds=5)}
"""Nobody opens, or reads and clicks, so soon after the hand-over; what looks through mail on its way does."""
TWO_LINKS, MANY_LINKS = timedelta(seconds=2), timedelta(seconds=10)
"""Nobody follows two different links of one e-mail within so little time, or three within the longer one."""


class HitKind(StrEnum):
    """What was fetched: the picture at the end of the letter, or the address behind a link."""

    OPEN = "open"
    CLICK = "click"


class HitClass(StrEnum):
    """Who fetched it. `SCANNER`: what judges mail or follows links by itself; `PREFETCH`: a mail program before anybody looks."""

    PERSON = "person"
    SCANNER = "scanner"
    PREFETCH = "prefetch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One open or click as it is kept: no network address, no browser. `link` is the number of the link in the letter, from 0,
    None for an open or where it is not known. `counts` says in which counters it stands: see `counted`.
    """

    id: str
    email_id: str
    kind: HitKind
    hit_class: HitClass
    at: datetime
    link: int | None = None
    counts: tuple[str, ...] = ()


PREFETCHING = re.compile(r"\bpre(fetch|render|view)\b", re.IGNORECASE)
"""In `Sec-Purpose`, `Purpose`, `X-Purpose` and `X-Moz`: fetched before anybody asked for it."""
BARE_BROWSER = re.compile(r"mozilla/\d(\.\d)?", re.IGNORECASE)
"""All that Apple's Mail Privacy Protection says of itself when it fetches every picture at delivery."""
FETCHED_WHEN_OPENED = re.compile(r"GoogleImageProxy|YahooMailProxy", re.IGNORECASE)
"""Proxies that fetch a picture when somebody opens the e-mail."""
PROGRAM = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|scan|preview|fetcher|monitor|headless|phantomjs|selenium|puppeteer|playwright"
    r"|barracuda|proofpoint|mimecast|symantec|messagelabs|trend ?micro|sophos|fireeye|trellix|mcafee|forcepoint|websense"
    r"|ironport|cisco|zscaler|fortinet|fortimail|cloudmark|vade ?secure|safelinks|microsoft office existence|virustotal|clamav"
    r"|checkpoint|kaspersky|avast|bitdefender|spamassassin|rspamd|linkcheck"
    r"|curl|wget|libwww|lwp|urllib|requests/|aiohttp|httpx|okhttp|java/|jakarta|apache-http|go-http|node-fetch|axios|undici"
    r"|python|perl|ruby|php|guzzle|winhttp|powershell|dart/|facebookexternalhit|whatsapp/",
    re.IGNORECASE,
)
"""Programs that say what they are: judges of mail, crawlers, makers of previews, libraries."""


def classify(*, user_agent: str, method: str = "GET", purpose: str = "") -> HitClass:
    """Return whose a request is by what it says of itself; `purpose` is what its headers of that name say, joined.

    >>> classify(user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0").value
    'person'
    >>> classify(user_agent="Mozilla/5.0").value, classify(user_agent="curl/8.5.0").value
    ('prefetch', 'scanner')
    """
    user_agent = user_agent.strip()
    if method != "GET" or not user_agent:
        return HitClass.SCANNER
    if PREFETCHING.search(purpose):
        return HitClass.PREFETCH
    if FETCHED_WHEN_OPENED.search(user_agent):
        return HitClass.PERSON
    if PROGRAM.search(user_agent):
        return HitClass.SCANNER
    return HitClass.PREFETCH if BARE_BROWSER.fullmatch(user_agent) else HitClass.PERSON


def all_kept_until(email: Email) -> datetime:
    """Return until when every hit of an e-mail is still there, however early it was: none outlives its e-mail's end.

    That holds also while the e-mail itself is there for longer, because it waits to be sent.
    """
    until = email.created_at + timedelta(days=email.hit_days)
    return min(until, email.kept_until or until)


def too_soon(email: Email, kind: HitKind, at: datetime) -> bool:
    """Whether it came before somebody can have read the e-mail: it is only just handed over, or was a moment ago."""
    handed_over = email.sent_at or email.uncertain_at
    if handed_over is None:
        return email.status is EmailState.QUEUED
    return at < handed_over + SOON[kind]


def burst(hit: Hit, earlier: Sequence[Hit]) -> list[Hit]:
    """Return the earlier clicks of a person that were no person's, now that this one follows them so soon; none for most hits."""
    if hit.kind is not HitKind.CLICK or hit.link is None:
        return []
    clicks = [one for one in earlier if one.kind is HitKind.CLICK and one.link is not None]
    for span, links in ((TWO_LINKS, 2), (MANY_LINKS, 3)):
        close = [one for one in clicks if abs(hit.at - one.at) <= span]
        if len({hit.link, *[one.link for one in close]}) >= links:
            return close
    return []


HOUR, PERSONS, ANY = "hour", "persons", "any"
"""What a hit can count as: the first of its kind and class, the first of a person on its link, the first on its link."""


def counted(hits: Sequence[Hit]) -> list[Hit]:
    """Return all hits of one e-mail, each with what it counts as, so that everything counts once and what counts goes on to.

    Of those that could count as the same, the one that does already stays, else the earliest does.
    """
    ordered = sorted(hits, key=lambda hit: (hit.at, hit.id))
    bearers: dict[tuple[object, ...], Hit] = {}
    for standing in (True, False):
        for hit in ordered:
            for place in _places(hit):
                if not standing or place[0] in hit.counts:
                    bearers.setdefault(place, hit)
    return [replace(hit, counts=tuple(str(place[0]) for place in _places(hit) if bearers[place].id == hit.id)) for hit in hits]


def _places(hit: Hit) -> list[tuple[object, ...]]:
    places: list[tuple[object, ...]] = [(HOUR, hit.kind, hit.hit_class)]
    if hit.kind is HitKind.CLICK and hit.link is not None:
        places.append((ANY, hit.link))
        if hit.hit_class is HitClass.PERSON:
            places.append((PERSONS, hit.link))
    return places


def linked(email: Email, before: Sequence[Hit], after: Sequence[Hit]) -> Email:
    """Return the e-mail with the links that its hits count for, now that those `before` have become those `after`."""
    followed = {
        word: (links - _counting(before, word)) | _counting(after, word)
        for word, links in ((PERSONS, email.links), (ANY, email.links_any))
    }
    return replace(email, links=followed[PERSONS], links_any=followed[ANY])


def _counting(hits: Sequence[Hit], word: str) -> frozenset[int]:
    return frozenset(hit.link for hit in hits if hit.link is not None and word in hit.counts)
