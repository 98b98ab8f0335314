"""A letter as one of its readers gets it: rendered now, kept for a quarter of an hour for the frame that shows it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from django.core.cache import caches
from django.http import Http404, HttpResponse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crm.domain.campaigns import Campaign, Letter
from crm.domain.errors import BadToken, RuleViolation
from crm.domain.filters import PeopleFilter
from crm.domain.links import TEST_LINK
from crm.domain.people import EmailStatus, Person, Profile
from crm.jobs.proof import merged
from crm.jobs.render import Content, Rendered, TemplateProblem, check_template, merge_fields, render
from crm.services.mail_settings import letterhead
from crm.store import Store
from crm.store.people_pages import Beside, PeoplePage
from crm.web.forms import number_in
from crm.web.http import CrmRequest, content_policy, permission_required
from crm.wiring import get_links, send_settings

KEPT_SECONDS = 15 * 60
FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: https: http:; frame-ancestors 'self'; sandbox"
KINDS = ("html", "phone", "text")
FOUND = 6
"""So many people a search in the audience shows."""
ONE = "~"
"""What begins the place of somebody by id, with their number behind it where it is known; other places are tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the author looks at the letter: as which of KINDS, at which place `of` how many, and who was looked for."""

    kind: str = "html"
    place: str = ""
    find: str = ""
    of: int = 0

    @classmethod
    def of_request(cls, request: CrmRequest) -> "Look":
        """What the form or the address says: buttons, `go` and `show`, count before where it was, and `go` ends a search."""
        given = request.POST or request.GET
        kind = given.get("show") or given.get("as", "")
        return cls(
            kind=kind if kind in KINDS else "html",
            place=(given.get("go") or given.get("at", ""))[:2000],
            find="" if given.get("go") else given.get("find", "").strip()[:200],
            of=number_in(given.get("of", ""), 0),
        )

    @property
    def query(self) -> str:
        """The query string that leads to the same look; empty for the first one."""
        values = {"as": self.kind if self.kind != "html" else "", "at": self.place, "find": self.find}
        told = urlencode({name: value for name, value in values.items() if value})
        return f"?{told}" if told else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who stands at a place of the audience, None where nobody does, and the places beside it, None at an end.

    `number` counts from 1; None where it is not known, because somebody was looked for. `among` are those read with them.
    """

    person: Person | None = None
    number: int | None = None
    place: str = ""
    next: str | None = None
    prev: str | None = None
    among: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the preview shows. `reader.person` is None where nobody would get it; `rendered` is None while there are problems."""

    reader: Reader
    rendered: Rendered | None
    preheader: str = ""
    problems: list[TemplateProblem] = field(default_factory=list)
    key: str = ""

    @property
    def person(self) -> Person | None:
        """Who it is shown as; None for somebody made up."""
        return self.reader.person


def content_of(store: Store, letter: Campaign | Letter) -> Content:
    """Return what is the same for everybody, with the head and foot that sending gives it; one request."""
    return Content.of(letter, letterhead(store, send_settings().letterhead))


def preview(
    store: Store,
    content: Content,
    wanted: PeopleFilter,
    place: str = "",
    *,
    refused: Sequence[TemplateProblem] = (),
    many: int = 1,
) -> Preview:
    """Render `content` for the reader at `place`, the first one where there is no such place any more.

    What is `refused` already, a text that is far too long perhaps, is told and not looked at any further. `many`: see `reader`.
    """
    seen = reader(store, wanted, place, many=many)
    fields = merge_fields(seen.person or _example())
    problems = list(refused) or check_template(content.subject, content.body, content.preheader)
    rendered = None
    if not problems:
        try:
            rendered = render(content, fields, unsubscribe_url=get_links().unsubscribe_url(*TEST_LINK))
        except RuleViolation as error:
            problems = [TemplateProblem(field="body", message=error.message)]
    return Preview(
        reader=seen,
        rendered=rendered,
        preheader=merged(content.preheader, fields) if rendered else "",
        problems=problems,
        key=_keep(rendered) if rendered else "",
    )


def reader(store: Store, wanted: PeopleFilter, place: str, *, many: int = 1) -> Reader:
    """Return who stands at `place` among those who may be mailed: one page of people, and beside somebody named by id another.

    The first place reads `many` people at once: they are the reader's `among`.
    """
    if wanted.email_status and EmailStatus.MAILABLE not in wanted.email_status:
        return Reader()
    audience = mailable(wanted)
    if place.startswith(ONE) and (found := _one(store, audience, place)):
        return found
    number, _, token = place.partition(":")
    if token and not place.startswith(ONE):
        try:
            return _at(store.people.page(audience, limit=1, token=token), number_in(number, 1), place)
        except BadToken:  # the audience is another one by now
            pass
    page = store.people.page(audience, limit=many)
    if many == 1 or not page.items:
        return _at(page, 1, "")
    following = page.items[1].id if len(page.items) > 1 else None
    return Reader(person=page.items[0], number=1, next=f"{ONE}{following}:2" if following else None, among=tuple(page.items))


def _at(page: PeoplePage, at: int, place: str) -> Reader:
    """The only one of a page; places beside it are tokens behind their numbers."""
    if not page.items:
        return Reader()
    at = max(1, at) if page.prev_token else 1
    return Reader(
        person=page.items[0],
        number=at,
        place=place,
        next=f"{at + 1}:{page.next_token}" if page.next_token else None,
        prev=f"{at - 1}:{page.prev_token}" if page.prev_token else None,
    )


def found_in(store: Store, wanted: PeopleFilter, text: str) -> list[tuple[Person, str]]:
    """Return people of the audience whose name or address begins like `text`, and their places; one request, none without."""
    if not text or (wanted.email_status and EmailStatus.MAILABLE not in wanted.email_status):
        return []
    page = store.people.page(replace(mailable(wanted), q=f"{wanted.q} {text}".strip()), limit=FOUND)
    return [(person, f"{ONE}{person.id}") for person in page.items]


def mailable(wanted: PeopleFilter) -> PeopleFilter:
    """Return the filter of those who may be mailed."""
    return replace(wanted, email_status=(EmailStatus.MAILABLE,))


def _one(store: Store, audience: PeopleFilter, place: str) -> Reader | None:
    """Somebody of the audience by id, with those beside them; None for somebody who is not in it."""
    person_id, _, told = place.removeprefix(ONE).partition(":")
    person = store.people.get_many([person_id]).get(person_id) if person_id else None
    if person is None:
        return None
    beside = store.people.beside(audience, person)
    if beside == Beside() and not _holds(store, audience, person_id):
        return None
    number = (number_in(told, 0) or None) if beside.previous else 1
    return Reader(
        person=person,
        number=number,
        place=place,
        next=_named(beside.next, number and number + 1),
        prev=_named(beside.previous, number and max(1, number - 1)),
    )


def _holds(store: Store, audience: PeopleFilter, person_id: str) -> bool:
    """Whether somebody who has nobody beside them is the only one of the audience, not somebody else."""
    only = not audience.ids or person_id in audience.ids
    return only and bool(store.people.page(replace(audience, ids=(person_id,)), limit=1).items)


def _named(person_id: str | None, number: int | None) -> str | None:
    """The place of somebody by id, with its number where that is known."""
    return person_id and f"{ONE}{person_id}{f':{number}' if number else ''}"


def _example() -> Person:
    now = datetime.now(UTC)
    profile = Profile(first_name="Ada", last_name="Example", email="ada@example.org", company="Example", city="Exampleville")
    return Person(id="example", profile=profile, created_at=now, updated_at=now)


def _keep(rendered: Rendered) -> str:
    """Keep a letter for its frame. The key begins with the time, for a cache that is full throws the lowest keys away."""
    key = f"{datetime.now(UTC).timestamp():.0f}-{secrets.token_urlsafe(16)}"
    caches["previews"].set(f"preview-{key}", {"html": rendered.html, "text": rendered.text}, KEPT_SECONDS)
    return key


@require_safe
@permission_required("crm.view_campaigns")
@never_cache
@content_policy(FRAME_POLICY, framed=True)
def frame(request: CrmRequest, key: str, kind: str) -> HttpResponse:
    """The letter for the frame, as html or as text, and nothing of ours around it."""
    kept = caches["previews"].get(f"preview-{key}")
    if kept is None or kind not in kept:
        raise Http404
    content_type = "text/html" if kind == "html" else "text/plain"
    return HttpResponse(kept[kind], content_type=f"{content_type}; charset=utf-8")
