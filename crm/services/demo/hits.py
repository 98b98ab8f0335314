"""Who opened a made-up e-mail and followed its links: people, and programs that fetch pictures and links by themselves."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from crm.domain.emails import Email
from crm.domain.hits import Hit, HitClass, HitKind, counted, linked

LINKS = 2
"""So many web links a letter has."""
PREFETCHED, SCANNED = 0.22, 0.05
"""Parts of what is delivered whose pictures a mail program fetches, and whose links a scanner follows."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An e-mail with the times of whatever fetched something of it, and the hits that are kept of it."""

    email: Email
    hits: list[Hit]


def make_hits(email: Email, present: datetime) -> Fetched:
    """Return what fetched something of an e-mail, the same whenever it is made up; nothing after the present."""
    if email.delivered_at is None:
        return Fetched(email, [])
    random = Random(f"{email.id}:hits")
    made = [*_programs(email, random), *_persons(email, random)]
    hits = counted([hit for hit in made if hit.at <= present])
    clicks = [hit.at for hit in hits if hit.kind is HitKind.CLICK]
    opens = [hit.at for hit in hits if hit.kind is HitKind.OPEN or hit.hit_class is HitClass.PERSON]
    told = replace(email, opened_any_at=min(opens, default=None), clicked_any_at=min(clicks, default=None), hits=len(hits))
    return Fetched(linked(told, [], hits), hits)


def _programs(email: Email, random: Random) -> list[Hit]:
    """A mail program that fetches the picture at delivery; a scanner that follows all links at once."""
    at = email.delivered_at or email.created_at
    prefetched, scanned, pause = random.random() < PREFETCHED, random.random() < SCANNED, random.randrange(2, 30)
    first = [_hit(email, 0, HitKind.OPEN, HitClass.PREFETCH, at + timedelta(seconds=pause))] if prefetched else []
    seconds = timedelta(seconds=1)
    clicks = [_hit(email, 1 + link, HitKind.CLICK, HitClass.SCANNER, at + seconds * (link + 1), link) for link in range(LINKS)]
    return first + (clicks if scanned else [])


def _persons(email: Email, random: Random) -> list[Hit]:
    """What its reader did: most who click follow the first link."""
    link = 0 if random.random() < 0.75 else 1
    opened = [_hit(email, 10, HitKind.OPEN, HitClass.PERSON, email.opened_at)] if email.opened_at else []
    clicked = [_hit(email, 11, HitKind.CLICK, HitClass.PERSON, email.clicked_at, link)] if email.clicked_at else []
    return opened + clicked


def _hit(email: Email, number: int, kind: HitKind, hit_class: HitClass, at: datetime, link: int | None = None) -> Hit:
    """A hit with an id of its own; to the millisecond, as it is stored."""
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    return Hit(id=f"{email.id[:24]}{number:08}", email_id=email.id, kind=kind, hit_class=hit_class, at=at, link=link)
