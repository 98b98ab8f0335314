"""Campaign + person -> message. A campaign is compiled once and then merged for each person."""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from liquid import BoundTemplate

from crm.domain.campaigns import Campaign, Letter, Utm
from crm.domain.errors import FieldError, RuleViolation
from crm.domain.logo import Picture
from crm.domain.mail_settings import Letterhead
from crm.domain.people import ATTRIBUTES, Person
from crm.jobs.layout import hidden_text, page_parts, picture, text_foot
from crm.jobs.letter import MARKED, WEB_ADDRESS, letter
from crm.jobs.merge import FIELDS, HTML, MERGE_ERRORS, PLAIN, TemplateProblem, problems, values

__all__ = [
    "FIELDS",
    "Content",
    "Rendered",
    "TemplateProblem",
    "Tracking",
    "check_template",
    "link_target",
    "merge_fields",
    "render",
]

EMPTY_PARAGRAPH = re.compile(r"<(p|li|h[1-6])(?: [^>]*)?>\s*</\1>\n?")
EMPTY_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
COMPILED_CAMPAIGNS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is the same for everybody who gets a campaign.

    `organisation` and `postal_address` stand in every e-mail's foot, `logo` or the organisation at its head.
    """

    subject: str
    body: str
    organisation: str
    postal_address: str = ""
    preheader: str = ""
    utm: Utm = field(default_factory=Utm)
    logo: Picture | None = None

    @classmethod
    def of(cls, letter: Campaign | Letter, letterhead: Letterhead) -> "Content":
        """Return the content of a campaign, or of a letter that may become one."""
        return cls(
            subject=letter.subject,
            body=letter.body,
            preheader=letter.preheader,
            organisation=letterhead.organisation,
            postal_address=letterhead.postal_address,
            utm=letter.utm,
            logo=letterhead.logo,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message for one person: the subject on one line, a whole HTML page, and the same as plain text."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """Whom the HTML of one e-mail tells of opens and clicks: a picture, and for each web link what leads on to it."""

    open_url: str
    click_url: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class _Body:
    """A letter converted and compiled; `links` are the addresses of its web links."""

    html: BoundTemplate
    text: BoundTemplate
    links: tuple[BoundTemplate, ...]


@dataclass(frozen=True, slots=True)
class _Compiled:
    subject: BoundTemplate
    preheader: BoundTemplate
    body: _Body
    parts: tuple[str, str, str, str, str, str]
    text_foot: str


def check_template(subject: str, body: str, preheader: str = "") -> list[TemplateProblem]:
    """Return everything that keeps these texts from being merged for everybody; empty when they can be sent."""
    found = problems("subject", subject) + problems("preheader", preheader) + problems("body", body)
    if any(problem.field == "body" for problem in found):
        return found
    faults = letter(body, Utm()).faults
    return found + [TemplateProblem(field="body", message=message, suggestion=hint) for message, hint in faults]


def merge_fields(person: Person) -> dict[str, str | int]:
    """Return what a template may say of a person, by the API's names."""
    texts: dict[str, str | int] = {name: getattr(person.profile, attribute) for name, attribute in ATTRIBUTES.items()}
    return texts | {"hostedEventCount": person.hosted_event_count, "attendedEventCount": person.attended_event_count}


def render(
    content: Content, fields: Mapping[str, str | int], *, unsubscribe_url: str, tracking: Tracking | None = None
) -> Rendered:
    """Merge a campaign for one person. RuleViolation when it can't be: for everybody (see check_template) or for this person.

    With `tracking` the web links of the HTML lead there; the plain text keeps the addresses themselves, for it shows them.
    """
    compiled = _compiled(content)
    merged = values(fields, unsubscribe_url)
    try:
        subject = " ".join(compiled.subject.render(merged).split())
        preheader = hidden_text(" ".join(compiled.preheader.render(merged).split()))
        body = _linked(EMPTY_PARAGRAPH.sub("", compiled.body.html.render(merged)), tracking)
        text = EMPTY_LINES.sub("\n\n", compiled.body.text.render(merged)).strip("\n")
    except MERGE_ERRORS as error:
        raise RuleViolation(f"The text can't be merged for this person: {error.args[0] if error.args else error}.") from error
    told = picture(tracking.open_url) if tracking else ""
    between = (html.escape(subject), preheader, body, html.escape(unsubscribe_url), told, "")
    page = "".join(part for pair in zip(compiled.parts, between, strict=True) for part in pair)
    return Rendered(subject=subject, html=page, text=f"{text}\n{compiled.text_foot}{unsubscribe_url}\n")


def link_target(letter: Campaign | Letter, number: int, fields: Mapping[str, str | int], *, unsubscribe_url: str) -> str | None:
    """Return where link `number` of a letter leads for one person, None where it has no such link.

    A link that their letter would not have any more, because what is known of them has changed, leads where its address alone
    says; a person of whom nothing is known by now is like one without any field.
    """
    body = _body(letter.body, letter.utm)
    if not 0 <= number < len(body.links):
        return None
    for known in (fields, {}):
        for address in _addresses(body, number, values(known, unsubscribe_url)):
            if WEB_ADDRESS.match(address):
                return address
    return None


def _addresses(body: _Body, number: int, merged: Mapping[str, object]) -> Iterator[str]:
    """The address of a link as the whole letter gives it, which may have computed a part of it, then as it stands there."""
    for template in (body.html, body.links[number]):
        try:
            text = template.render(merged)
        except MERGE_ERRORS:
            continue
        if template is body.html:
            yield from (html.unescape(link[2]) for link in MARKED.finditer(text) if int(link[1]) == number)
        else:
            yield text.strip()


def _linked(page: str, tracking: Tracking | None) -> str:
    """Put into each link where it leads: to the address itself, or past the count of clicks."""
    if tracking is None:
        return MARKED.sub(lambda link: f'"{link[2]}"', page)
    return MARKED.sub(lambda link: f'"{html.escape(tracking.click_url(int(link[1])))}"', page)


@lru_cache(maxsize=COMPILED_CAMPAIGNS)
def _compiled(content: Content) -> _Compiled:
    if found := check_template(content.subject, content.body, content.preheader):
        errors = [FieldError(field=problem.field, message=problem.message) for problem in found]
        raise RuleViolation("; ".join(problem.message for problem in found), errors=errors)
    return _Compiled(
        subject=PLAIN.from_string(content.subject),
        preheader=PLAIN.from_string(content.preheader),
        body=_body(content.body, content.utm),
        parts=page_parts(content.organisation, content.postal_address, content.logo),
        text_foot=text_foot(content.organisation, content.postal_address),
    )


@lru_cache(maxsize=COMPILED_CAMPAIGNS)
def _body(body: str, utm: Utm) -> _Body:
    converted = letter(body, utm)
    return _Body(
        html=HTML.from_string(converted.html),
        text=PLAIN.from_string(converted.text),
        links=tuple(PLAIN.from_string(address) for address in converted.links),
    )
