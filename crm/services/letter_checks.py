"""What to look at in a letter before it goes: what keeps it from being sent, and what its author will want to know."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from html.parser import HTMLParser
from typing import Protocol

from crm.domain.campaigns import Letter
from crm.domain.mail_settings import mailbox
from crm.domain.people import folded_address

PHONE_SUBJECT = 40
"""So many characters of a subject are seen on most phones."""
CLIPPED_BYTES = 102_000
"""Gmail shows so much of the HTML part and hides the rest, the link to unsubscribe with it."""
PLACEHOLDERS = re.compile(
    r"lorem ipsum|dolor sit amet|\b(?:TBD|TBA|TODO|FIXME)\b|\bX{3,}\b|(?i:\[(?:insert|your|first|last)\b[^\]\n]{0,40}\](?!\())"
)


class Level(StrEnum):
    """`STOP` keeps a letter from being sent, `WARN` does not."""

    STOP = "stop"
    WARN = "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing to look at. `field` is the API's name of what it is about; `words` say what is wrong and what to do."""

    level: Level
    field: str
    words: str

    @property
    def stops(self) -> bool:
        """Whether nothing goes out until it is mended."""
        return self.level is Level.STOP


class Problem(Protocol):
    """What the renderer finds wrong with a text, for everybody."""

    @property
    def field(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def suggestion(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A letter and how it turned out. `subject` and `html` are those of one reader, empty while there are `problems`.

    `senders` are those it may be from; `blanks` counts people by field that is empty and printed nevertheless, among the first
    `looked_at` of the audience. `unsubscribe_url` is the link that each letter has.
    """

    letter: Letter
    problems: Sequence[Problem] = ()
    subject: str = ""
    html: str = ""
    unsubscribe_url: str = ""
    postal_address: str = ""
    senders: Sequence[str] = ()
    blanks: Mapping[str, int] = field(default_factory=dict)
    looked_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """All that was found, what stops it first; how many links of the author it has, and how large its HTML part is."""

    checks: tuple[Check, ...]
    links: int = 0
    kilobytes: int = 0

    @property
    def stops(self) -> list[Check]:
        """What keeps it from being sent."""
        return [check for check in self.checks if check.stops]


@dataclass(slots=True)
class _Link:
    href: str
    text: str = ""


class _Parts(HTMLParser):
    """Collects links with their texts, and what stands for pictures that are not shown."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[_Link] = []
        self.alts: list[str] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link that begins, or a picture; a picture in a link says what the link is."""
        values = dict(attrs)
        if tag == "a":
            self.links.append(_Link(href=values.get("href") or ""))
            self.inside = True
        elif tag == "img":
            self.alts.append(values.get("alt") or "")
            self.handle_data(self.alts[-1])

    def handle_endtag(self, tag: str) -> None:
        """A link ends."""
        self.inside = self.inside and tag != "a"

    def handle_data(self, data: str) -> None:
        """Text belongs to the link it stands in."""
        if self.inside:
            self.links[-1].text += data


def checks(proof: Proof) -> Checked:
    """Return what to look at in a letter, what stops it first; nothing is read or written."""
    parts = _Parts()
    parts.feed(proof.html)
    own = [link for link in parts.links if link.href != proof.unsubscribe_url]
    size = len(proof.html.encode())
    found = [*_stops(proof), *_warnings(proof, own, parts.alts, size)]
    return Checked(checks=tuple(found), links=len(own), kilobytes=-(-size // 1000))


def _stops(proof: Proof) -> list[Check]:
    letter, found = proof.letter, list[tuple[str, str]]()
    if not letter.subject.strip():
        found.append(("subject", "There is no subject yet. Write one."))
    if not letter.body.strip():
        found.append(("body", "There is no letter yet. Write it."))
    for problem in proof.problems:
        hint = f" Did you mean {problem.suggestion}?" if problem.suggestion else ""
        found.append((problem.field, f"{problem.message}{hint}"))
    if letter.sender and not _may_send(letter.sender, proof.senders):
        found.append(("sender", f"{letter.sender} is not in the list of verified senders. Choose another one."))
    return [Check(level=Level.STOP, field=name, words=words) for name, words in found]


def _may_send(sender: str, senders: Sequence[str]) -> bool:
    """Whether the address is one of theirs, whatever the name before it."""
    known = {folded_address(parts[1]) for one in senders if (parts := mailbox(one))}
    parts = mailbox(sender)
    return sender in senders or (parts is not None and folded_address(parts[1]) in known)


def _warnings(proof: Proof, links: Sequence[_Link], alts: Sequence[str], size: int) -> list[Check]:
    letter, found = proof.letter, list[tuple[str, str]]()
    if len(proof.subject) > PHONE_SUBJECT:
        found.append(("subject", f"The subject has {len(proof.subject)} characters; phones show about {PHONE_SUBJECT}."))
    if empty := [link.href for link in links if not link.text.strip()]:
        found.append(("body", f"A link has no text, so nobody can press it: {empty[0][:80]}. Write it as [text](address)."))
    if bare := sum(not alt.strip() for alt in alts):
        words = "A picture has" if bare == 1 else f"{bare} pictures have"
        found.append(("body", f"{words} no text for those who do not see it. Write it as ![what it shows](address)."))
    if size > CLIPPED_BYTES:
        found.append(
            (
                "body",
                f"The letter is {-(-size // 1000)} KB; Gmail hides what is beyond {CLIPPED_BYTES // 1000} KB, the link to "
                "unsubscribe too. Make it shorter.",
            )
        )
    tags = letter.utm
    if proof.html and (tags.campaign or tags.source or tags.content or tags.term) and not _tagged(links):
        found.append(("utmCampaign", "UTM tags are given, but no link takes them. Add a link to a web page, or empty the tags."))
    if left := _placeholders(letter):
        found.append((left[0], f"“{left[1]}” looks like a placeholder. Write what is meant."))
    for name, people in proof.blanks.items():
        found.append(("body", _gap(name, people, proof.looked_at)))
    if not proof.postal_address:
        found.append(
            (
                "postalAddress",
                "No postal address is set; in many countries each mailing must have one. An administrator sets it "
                "under Settings, Mail.",
            )
        )
    return [Check(level=Level.WARN, field=name, words=words) for name, words in found]


def _tagged(links: Sequence[_Link]) -> bool:
    return any("utm_" in link.href.lower() for link in links)


def _placeholders(letter: Letter) -> tuple[str, str] | None:
    """The first text that was left to be filled in, with its field."""
    texts = {"subject": letter.subject, "preheader": letter.preheader, "body": letter.body}
    return next(((name, found[0]) for name, text in texts.items() if (found := PLACEHOLDERS.search(text))), None)


def _gap(name: str, people: int, looked_at: int) -> str:
    """
    >>> _gap("company", 1, 1)
    'The only person of the audience has no company, and the letter prints it. Write {{ company | default: "…" }}.'
    """
    whom = f"{people} of the first {looked_at} people have" if people > 1 else f"1 of the first {looked_at} people has"
    whom = "The only person of the audience has" if looked_at == 1 else whom
    return f'{whom} no {name}, and the letter prints it. Write {{{{ {name} | default: "…" }}}}.'
