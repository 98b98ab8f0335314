"""Campaign + person -> message. A campaign is compiled once and then merged for each person."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from liquid import BoundTemplate

from crm.domain.campaigns import Campaign, Letter, Utm
from crm.domain.errors import FieldError, RuleViolation
from crm.domain.mail_settings import Letterhead
from crm.domain.people import ATTRIBUTES, Person
from crm.jobs.layout import page_parts, text_foot
from crm.jobs.letter import letter
from crm.jobs.merge import FIELDS, HTML, MERGE_ERRORS, PLAIN, TemplateProblem, problems, values

__all__ = ["FIELDS", "Content", "Rendered", "TemplateProblem", "check_template", "merge_fields", "render"]

EMPTY_PARAGRAPH = re.compile(r"<(p|li|h[1-6])(?: [^>]*)?>\s*</\1>\n?")
EMPTY_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
COMPILED_CAMPAIGNS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is the same for everybody who gets a campaign. `organisation` and `postal_address` stand in every e-mail's foot."""

    subject: str
    body: str
    organisation: str
    postal_address: str = ""
    preheader: str = ""
    utm: Utm = field(default_factory=Utm)

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
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message for one person: the subject on one line, a whole HTML page, and the same as plain text."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class _Compiled:
    subject: BoundTemplate
    preheader: BoundTemplate
    html: BoundTemplate
    text: BoundTemplate
    parts: tuple[str, str, str, str, str]
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


def render(content: Content, fields: Mapping[str, str | int], *, unsubscribe_url: str) -> Rendered:
    """Merge a campaign for one person. RuleViolation when it can't be: for everybody (see check_template) or for this person."""
    compiled = _compiled(content)
    merged = values(fields, unsubscribe_url)
    try:
        subject = " ".join(compiled.subject.render(merged).split())
        preheader = compiled.preheader.render(merged)
        body = EMPTY_PARAGRAPH.sub("", compiled.html.render(merged))
        text = EMPTY_LINES.sub("\n\n", compiled.text.render(merged)).strip("\n")
    except MERGE_ERRORS as error:
        raise RuleViolation(f"The text can't be merged for this person: {error.args[0] if error.args else error}.") from error
    head, before, card, foot, end = compiled.parts
    page = (head, html.escape(subject), before, preheader, card, body, foot, html.escape(unsubscribe_url), end)
    return Rendered(subject=subject, html="".join(page), text=f"{text}\n{compiled.text_foot}{unsubscribe_url}\n")


@lru_cache(maxsize=COMPILED_CAMPAIGNS)
def _compiled(content: Content) -> _Compiled:
    if found := check_template(content.subject, content.body, content.preheader):
        errors = [FieldError(field=problem.field, message=problem.message) for problem in found]
        raise RuleViolation("; ".join(problem.message for problem in found), errors=errors)
    converted = letter(content.body, content.utm)
    return _Compiled(
        subject=PLAIN.from_string(content.subject),
        preheader=HTML.from_string(content.preheader),
        html=HTML.from_string(converted.html),
        text=PLAIN.from_string(converted.text),
        parts=page_parts(content.organisation, content.postal_address),
        text_foot=text_foot(content.organisation, content.postal_address),
    )
