"""A letter as one of its readers gets it: rendered now, kept for a quarter of an hour for the frame that shows it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from django.core.cache import cache
from django.http import Http404, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crm.domain.campaigns import Campaign, Letter
from crm.domain.errors import RuleViolation
from crm.domain.filters import PeopleFilter
from crm.domain.people import EmailStatus, Person, Profile
from crm.jobs.render import Content, Rendered, TemplateProblem, check_template, merge_fields, render
from crm.services.mail_settings import letterhead
from crm.store import Store
from crm.web.http import CrmRequest, content_policy, permission_required
from crm.wiring import get_links, send_settings

KEPT_SECONDS = 15 * 60
FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: https: http:; frame-ancestors 'self'; sandbox"
TEST_LINK = ("test", "test")
"""Ids in the unsubscribe link of what nobody was really mailed: the page behind it says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the preview shows. `person` is None where nobody would get it; `rendered` is None while there are problems.

    `place` is where in the audience it stands, `next` and `prev` are the places beside it, None at an end.
    """

    person: Person | None
    rendered: Rendered | None
    problems: list[TemplateProblem] = field(default_factory=list)
    key: str = ""
    number: int = 1
    place: str = ""
    next: str | None = None
    prev: str | None = None


def content_of(store: Store, letter: Campaign | Letter) -> Content:
    """Return what is the same for everybody, with the head and foot that sending gives it; one request."""
    return Content.of(letter, letterhead(store, send_settings().letterhead))


def preview(
    store: Store, content: Content, wanted: PeopleFilter, place: str = "", *, refused: Sequence[TemplateProblem] = ()
) -> Preview:
    """Render `content` for the reader at `place`, the first one by default. BadToken for a place of another audience.

    What is `refused` already, a text that is far too long perhaps, is told and not looked at any further.
    """
    person, number, following, before = reader(store, wanted, place)
    problems = list(refused) or check_template(content.subject, content.body)
    rendered = None
    if not problems:
        try:
            fields = merge_fields(person or _example())
            rendered = render(content, fields, unsubscribe_url=get_links().unsubscribe_url(*TEST_LINK))
        except RuleViolation as error:
            problems = [TemplateProblem(field="body", message=error.message)]
    return Preview(
        person=person,
        rendered=rendered,
        problems=problems,
        key=_keep(rendered) if rendered else "",
        number=number,
        place=place,
        next=following,
        prev=before,
    )


def reader(store: Store, wanted: PeopleFilter, place: str) -> tuple[Person | None, int, str | None, str | None]:
    """Return who stands at `place` among those who may be mailed, the number of the place, and the places beside it."""
    mailable = replace(wanted, email_status=(EmailStatus.MAILABLE,))
    if wanted.email_status and EmailStatus.MAILABLE not in wanted.email_status:
        return None, 0, None, None
    number, _, token = place.partition(":")
    at = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 1
    page = store.people.page(mailable, limit=1, token=token or None)
    if not page.items:
        return None, 0, None, None
    at = max(1, at) if page.prev_token else 1
    following = f"{at + 1}:{page.next_token}" if page.next_token else None
    return page.items[0], at, following, f"{at - 1}:{page.prev_token}" if page.prev_token else None


def _example() -> Person:
    now = datetime.now(UTC)
    profile = Profile(first_name="Ada", last_name="Example", email="ada@example.org", company="Example", city="Exampleville")
    return Person(id="example", profile=profile, created_at=now, updated_at=now)


def _keep(rendered: Rendered) -> str:
    key = secrets.token_urlsafe(16)
    cache.set(f"preview-{key}", {"html": rendered.html, "text": rendered.text}, KEPT_SECONDS)
    return key


@require_safe
@permission_required("crm.view_campaigns")
@never_cache
@content_policy(FRAME_POLICY, framed=True)
def frame(request: CrmRequest, key: str, kind: str) -> HttpResponse:
    """The letter for the frame, as html or as text, and nothing of ours around it."""
    kept = cache.get(f"preview-{key}")
    if kept is None or kind not in kept:
        raise Http404
    content_type = "text/html" if kind == "html" else "text/plain"
    return HttpResponse(kept[kind], content_type=f"{content_type}; charset=utf-8")
