"""The shell and what every page gets: policy, parts, errors, forms, paging, CSV, tags."""

import copy
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.handlers.wsgi import WSGIHandler
from django.http import StreamingHttpResponse
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.utils import timezone

from crm import second_factor, staff
from crm.logs import JsonFormatter, PlainFormatter
from crm.web.csv import csv_response
from crm.web.forms import FormIdField
from crm.web.middleware import HeadMiddleware
from crm.web.paging import Pager

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.broken_pages")]

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _templates_of_the_tests(settings: Any) -> None:
    """Find the templates beside this file too."""
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"].append(Path(__file__).parent / "templates")
    settings.TEMPLATES = templates


@pytest.fixture
def browse() -> Callable[[str], Client]:
    """A browser in which somebody with that role is signed in; it shows the page for bugs instead of raising."""

    def signed_in(role: str) -> Client:
        user = User.objects.create_user(role.lower(), first_name="Ingrid", last_name="Sjöberg")
        staff.set_role(user, role)
        client = Client(raise_request_exception=False)
        client.force_login(user)
        return client

    return signed_in


# --- policy ------------------------------------------------------------------------------------------------------------


def test_every_page_has_the_strict_policy_and_nothing_inline(browse: Callable[[str], Client]) -> None:
    client = browse("Admin")

    for path in ("/settings/", "/settings/tokens/", "/settings/staff/", "/accounts/password/change/", "/nowhere", "/fail/bug/"):
        response = client.get(path)
        html = response.content.decode()
        policy = response.headers["Content-Security-Policy"]

        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", html), path
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html), path


def test_one_view_can_have_a_policy_of_its_own_and_be_framed(browse: Callable[[str], Client]) -> None:
    response = browse("Admin").get("/preview/")

    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'self'"
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_only_the_place_where_one_is_is_marked(browse: Callable[[str], Client]) -> None:
    html = browse("Admin").get("/settings/tokens/").content.decode()

    assert re.findall(r'<a href="([^"]+)" aria-current="true">', html) == ["/settings/"]


def test_the_rail_shows_role_and_only_what_one_may_see(browse: Callable[[str], Client]) -> None:
    html = browse("Door").get("/settings/").content.decode()

    assert "Ingrid Sjöberg" in html
    assert "Door ·" in html
    assert 'href="/people/"' not in html
    assert re.search(r'<a href="/settings/" aria-current="page">', html)
    assert re.search(r'<form[^>]*method="post" action="/accounts/logout/">', html)


# --- parts and toasts ----------------------------------------------------------------------------------------------------


def test_htmx_gets_only_the_part_it_asks_for(browse: Callable[[str], Client]) -> None:
    response = browse("Viewer").get("/parts/", headers={**HTMX, "HX-Target": "rows"})

    assert response.content.decode().strip() == '<ul id="rows"><li>1 row</li><li>2 rows</li><li>3 rows</li></ul>'
    assert "HX-Request" in response.headers["Vary"]
    assert "HX-History-Restore-Request" in response.headers["Vary"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**HTMX, "HX-Target": "something-else"},
        {**HTMX, "HX-Target": "rows", "HX-History-Restore-Request": "true"},
        {**HTMX, "HX-Target": "rows", "HX-Boosted": "true"},
    ],
)
def test_all_others_get_the_whole_page(browse: Callable[[str], Client], headers: dict[str, str]) -> None:
    html = browse("Viewer").get("/parts/", headers=headers).content.decode()

    assert html.lstrip().startswith("<!doctype html>")
    assert '<ul id="rows">' in html


def test_a_message_becomes_a_toast_on_the_page(browse: Callable[[str], Client]) -> None:
    html = browse("Viewer").get("/told/").content.decode()

    assert '<b>418 people tagged</b><span class="sub">“Göteborg &lt;regulars&gt;”</span>' in html
    assert html.count('class="toast-s"') == 1


def test_a_message_comes_along_with_the_part(browse: Callable[[str], Client]) -> None:
    html = browse("Viewer").get("/told/", headers={**HTMX, "HX-Target": "rows"}).content.decode()

    assert html.startswith('<ul id="rows">')
    assert 'hx-swap-oob="beforeend:#toasts"' in html
    assert "418 people tagged" in html


# --- errors ----------------------------------------------------------------------------------------------------------------

FAILURES = [
    ("not-found", 404, "No such person."),
    ("rule", 422, "The event ends before it starts."),
    ("conflict", 409, "Somebody saved first."),
    ("token", 400, "The link was changed."),
    ("down", 503, "The database does not answer."),
    ("http404", 404, "It may have been deleted"),
    ("denied", 403, "Not with that role."),
]


@pytest.mark.parametrize(("kind", "status", "words"), FAILURES)
def test_an_error_becomes_a_page_with_its_status_and_sentence(
    browse: Callable[[str], Client], kind: str, status: int, words: str
) -> None:
    response = browse("Viewer").get(f"/fail/{kind}/")

    html = response.content.decode()
    assert response.status_code == status
    assert words in html
    assert 'class="rail"' in html


@pytest.mark.parametrize(("kind", "status", "words"), FAILURES)
def test_an_error_becomes_a_toast_for_htmx(browse: Callable[[str], Client], kind: str, status: int, words: str) -> None:
    response = browse("Viewer").get(f"/fail/{kind}/", headers={**HTMX, "HX-Target": "rows"})

    html = response.content.decode()
    assert response.status_code == status
    assert response.headers["HX-Retarget"] == "#toasts"
    assert response.headers["HX-Reswap"] == "beforeend"
    assert words in html
    assert "<html" not in html
    assert 'role="alert"' in html


def test_a_database_that_is_down_says_when_to_come_back(browse: Callable[[str], Client]) -> None:
    response = browse("Viewer").get("/fail/down/")

    assert response.headers["Retry-After"] == "5"


def _typed_again(html: str) -> list[tuple[str, str]]:
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html)
    return [(name, unescape(value)) for name, value in fields if name != "csrfmiddlewaretoken"]


def test_what_was_typed_can_be_sent_again_when_the_database_is_down(browse: Callable[[str], Client]) -> None:
    typed = {"firstName": 'Zoë "Zo" <b>', "text": "two\nlines", "tag": ["a", "b"], "csrfmiddlewaretoken": "old"}

    html = browse("Editor").post("/fail/down/?show=notes", typed).content.decode()

    assert '<form id="again" method="post" action="/fail/down/?show=notes">' in html
    assert "Try again</button>" in html
    assert _typed_again(html) == [("firstName", 'Zoë "Zo" <b>'), ("text", "two\nlines"), ("tag", "a"), ("tag", "b")]
    assert 'value="old"' not in html


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("down", {"login": "ingrid", "new_password": "secret"}),
        ("down", {"text": "x" * 500_001}),
        ("down", {"file": BytesIO(b"name"), "tag": "a"}),
        ("conflict", {"firstName": "Zoë"}),
    ],
)
def test_passwords_files_and_very_much_are_not_handed_back(
    browse: Callable[[str], Client], kind: str, typed: dict[str, Any]
) -> None:
    html = browse("Editor").post(f"/fail/{kind}/", typed).content.decode()

    assert 'id="again"' not in html
    assert _typed_again(html) == []


def test_a_bug_shows_a_page_that_needs_nothing_that_may_be_broken(
    browse: Callable[[str], Client], django_assert_num_queries: Callable[[int], Any]
) -> None:
    from crm.web.http import server_error

    assert browse("Viewer").get("/fail/bug/").status_code == 500
    with django_assert_num_queries(0):
        response = server_error(RequestFactory().get("/fail/bug/"))
    assert "Something broke on our side" in response.content.decode()


def test_an_unknown_address_is_a_page_for_staff_and_for_strangers(browse: Callable[[str], Client]) -> None:
    for client in (browse("Viewer"), Client()):
        response = client.get("/nowhere/at/all/")

        assert response.status_code == 404
        assert "There is nothing here" in response.content.decode()


def test_an_unknown_address_of_the_api_is_problem_json() -> None:
    response = Client().get("/api/nowhere")

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == 404


def headers_alone(address: str) -> tuple[dict[str, str], bytes]:
    """What the server is given for HEAD; the client of the tests takes a body away by itself."""
    sent: dict[str, str] = {}

    def start(_: str, headers: list[tuple[str, str]], *__: object) -> Callable[[bytes], object]:
        sent.update(headers)
        return len

    response = WSGIHandler()(RequestFactory().head(address).environ, start)
    body = b"".join(response)
    response.close()
    return sent, body


@pytest.mark.parametrize("address", ["/open/", "/nowhere/", "/api/nowhere"])
def test_asked_for_headers_alone_an_answer_has_its_length_but_no_body(address: str) -> None:
    whole = Client().get(address)

    headers, body = headers_alone(address)

    assert body == b""
    assert int(headers["Content-Length"]) == len(whole.content) > 0
    assert headers["Content-Type"] == whole.headers["Content-Type"]


def test_asked_for_headers_alone_a_file_is_not_even_begun() -> None:
    rows = iter([["Zoë"], ["Ada"]])

    response = HeadMiddleware(lambda _: csv_response("people.csv", ["name"], rows))(RequestFactory().head("/"))

    assert isinstance(response, StreamingHttpResponse)
    assert list(response) == []
    assert len(list(rows)) == 2
    assert response.headers["Content-Disposition"] == 'attachment; filename="people.csv"'


def test_the_wrong_method_is_a_page_that_still_says_what_is_allowed(browse: Callable[[str], Client]) -> None:
    response = browse("Viewer").get("/only-post/")

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert "can’t be done that way" in response.content.decode()


def test_a_form_without_its_token_is_refused_with_what_to_do() -> None:
    client = Client(enforce_csrf_checks=True)

    response = client.post("/accounts/login/", {"login": "x", "password": "y"})

    assert response.status_code == 403
    assert "reload the page" in response.content.decode()


TYPED = {"firstName": "Zoë", "tag": ["a", "b"]}
BACK = [("firstName", "Zoë"), ("tag", "a"), ("tag", "b")]


@pytest.mark.parametrize(
    ("headers", "typed", "handed_back"),
    [
        ({"Origin": "http://testserver"}, TYPED, BACK),
        ({"Origin": "https://elsewhere.example"}, TYPED, []),  # what others made up is not one click away from being done
        ({"Origin": "null"}, TYPED, []),
        ({}, TYPED, []),
        ({"Origin": "http://testserver"}, {**TYPED, "password": "secret"}, []),
    ],
)
def test_a_form_that_is_no_longer_good_is_handed_back_where_it_is_ours(
    browse: Callable[[str], Client], headers: dict[str, str], typed: dict[str, Any], handed_back: list[tuple[str, str]]
) -> None:
    client = browse("Editor")
    client.handler.enforce_csrf_checks = True

    response = client.post("/place/", typed, headers=headers)

    html = response.content.decode()
    assert response.status_code == 403
    assert _typed_again(html) == handed_back
    assert ("What you typed is still here" in html) is bool(handed_back)
    assert ("reload the page" in html) is not bool(handed_back)


def test_a_form_that_is_handed_back_can_be_sent(browse: Callable[[str], Client]) -> None:
    client = browse("Editor")
    client.handler.enforce_csrf_checks = True
    html = client.post("/fail/down/", TYPED, headers={"Origin": "http://testserver"}).content.decode()
    tokens = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)

    answer = client.post("/fail/down/", {**TYPED, "csrfmiddlewaretoken": tokens[-1]}, headers={"Origin": "http://testserver"})

    assert answer.status_code == 503


def test_what_was_typed_into_a_session_that_is_over_is_handed_back() -> None:
    nobody = Client()

    typed = nobody.post("/place/", TYPED)
    nothing = nobody.post("/place/")
    htmx = nobody.post("/place/", TYPED, headers=HTMX)

    html = typed.content.decode()
    assert typed.status_code == 403
    assert "Sign in in another tab. What you typed is still here" in html
    assert _typed_again(html) == BACK
    assert 'target="_blank"' in html
    assert nothing.headers["Location"] == "/accounts/login/?next=/place/"
    assert (htmx.status_code, htmx.headers["HX-Retarget"]) == (403, "#toasts")
    assert "Your session is over. Sign in in another tab. What you typed is still here" in htmx.content.decode()
    assert 'target="_blank"' in htmx.content.decode()


@pytest.mark.parametrize(
    ("typed", "headers", "words"),
    [
        (TYPED, {}, "What you typed is still here: then send it again."),
        (TYPED, HTMX, "What you typed is still here: then send it again."),
        ({"file": BytesIO(b"name")}, {}, "Then go back, and send the form again."),
    ],
)
def test_what_was_typed_stays_where_a_second_factor_is_asked_meanwhile(
    browse: Callable[[str], Client], typed: dict[str, Any], headers: dict[str, str], words: str
) -> None:
    client = browse("Editor")
    second_factor.ask(second_factor.Who.EVERYBODY)

    response = client.post("/place/", typed, headers=headers)

    html = response.content.decode()
    assert response.status_code == 403
    assert f"Set yours up in another tab. {words}" in html
    assert _typed_again(html) == (BACK if typed is TYPED and not headers else [])


LONG, MANY = {"text": "x" * 3_000_000}, {f"field{number}": "x" for number in range(1_001)}
PLAIN = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("headers", [{}, {**HTMX, "HX-Target": "rows"}])
@pytest.mark.parametrize("sent", [{"data": urlencode(LONG), "content_type": PLAIN}, {"data": LONG}, {"data": MANY}])
def test_a_form_that_is_too_long_is_refused_with_what_to_do(
    browse: Callable[[str], Client], settings: Any, debug: bool, headers: dict[str, str], sent: dict[str, Any]
) -> None:
    settings.DEBUG = debug

    response = browse("Editor").post("/place/", **sent, headers=headers)

    html = response.content.decode()
    assert response.status_code == 413
    assert "That is too much at once" in html
    assert "still stands in the page it was sent from" in html
    assert ("HX-Retarget" in response.headers) is bool(headers)


def test_who_may_not_gets_a_sentence_that_names_the_roles_that_may(browse: Callable[[str], Client]) -> None:
    response = browse("Viewer").get("/send/")

    assert response.status_code == 403
    assert "Your role, Viewer, may not send campaigns. Marketer and Admin may." in response.content.decode()


def test_who_may_gets_in(browse: Callable[[str], Client]) -> None:
    assert browse("Marketer").get("/send/").content == b"sent"


# --- forms ---------------------------------------------------------------------------------------------------------------------


def test_errors_of_the_domain_stand_at_their_fields_and_nothing_typed_is_lost(browse: Callable[[str], Client]) -> None:
    response = browse("Editor").post("/place/", {"firstName": "Zo\u0007ë", "city": "Göteborg"})

    html = response.content.decode()
    assert response.status_code == 422
    assert 'value="Göteborg"' in html
    field = re.search(r'<input[^>]*name="firstName"[^>]*>', html)
    assert field
    assert 'aria-invalid="true"' in field[0]
    assert 'aria-describedby="id_firstName_helptext id_firstName_error"' in field[0]
    assert "autofocus" in field[0]
    assert 'id="id_firstName_error"' in html
    assert '<a href="#id_firstName">First name</a>: Has a control character.' in html
    assert "Is taken." in html


def test_a_missing_field_is_named_at_the_top_and_beside_it(browse: Callable[[str], Client]) -> None:
    html = browse("Editor").post("/place/", {"city": "Malmö"}).content.decode()

    assert html.count("This field is required.") == 2


def test_a_form_brings_an_id_so_that_sending_it_twice_can_be_told(browse: Callable[[str], Client]) -> None:
    client = browse("Editor")

    ids = [re.search(r'name="formId" value="([^"]+)"', client.get("/place/").content.decode()) for _ in range(2)]

    given = [match[1] for match in ids if match]
    assert len(set(given)) == 2
    assert FormIdField().clean(given[0]) == FormIdField().clean(given[0]) == given[0].replace("-", "")
    assert len(FormIdField().clean("")) == 32


def test_controls_one_may_not_use_stay_and_say_why(browse: Callable[[str], Client]) -> None:
    html = browse("Viewer").get("/place/").content.decode()

    button = re.search(r"<button aria-disabled[^>]*>Save</button>", html)
    assert button
    assert "Your role, Viewer, may not add and change people." in button[0]
    assert not re.search(r'<a[^>]*href="/send/"', html)
    assert "may not send campaigns" in html


def test_controls_one_may_use_are_plain(browse: Callable[[str], Client]) -> None:
    html = browse("Admin").get("/place/").content.decode()

    assert "<button >Save</button>" in html
    assert re.search(r'<a class="btn " href="/send/"', html)


# --- paging, CSV, tags -----------------------------------------------------------------------------------------------------


@dataclass
class Page:
    """A page as repositories give it."""

    items: list[int]
    next_token: str | None = None
    prev_token: str | None = None
    more: dict[str, Any] = field(default_factory=dict)


def test_the_pager_counts_on_and_keeps_the_filter() -> None:
    first = Pager.of(RequestFactory().get("/people/?company=A%26B"), Page([1] * 50, "tok"), total=120)
    second = Pager.of(RequestFactory().get(f"/people/{first.next_query}"), Page([1] * 50, "more", "back"), total=120)

    assert (first.first, first.last, first.prev_query) == (1, 50, None)
    assert first.next_query == "?company=A%26B&nextToken=tok&at=51"
    assert (second.first, second.last) == (51, 100)
    assert second.prev_query == "?company=A%26B&prevToken=back&at=1"


@pytest.mark.parametrize("at", ["", "x", "-3", "0", "٣", "9" * 20])
def test_a_place_that_makes_no_sense_is_the_first(at: str) -> None:
    pager = Pager.of(RequestFactory().get("/people/", {"nextToken": "t", "at": at}), Page([1, 2], None, "p"))

    assert (pager.first, pager.last) == (1, 2)


def test_an_empty_page_has_no_first() -> None:
    pager = Pager.of(RequestFactory().get("/people/"), Page([]), total=0)

    assert (pager.first, pager.last, pager.next_query, pager.prev_query) == (0, 0, None, None)


def test_csv_is_streamed_with_a_mark_for_excel_and_without_formulas() -> None:
    taken: list[int] = []

    def rows() -> Any:
        for number, name in enumerate(("Ångström, Zoë", "=HYPERLINK(1)", "+46", "-1", "@x", "\tx", 'say "hi"')):
            taken.append(number)
            yield name, number

    response = csv_response("people.csv", ["name", "attended"], rows())
    lines = iter(response.streaming_content)  # type: ignore[arg-type]
    head, first = next(lines), next(lines)

    assert head.decode() == "\ufeffname,attended\r\n"
    assert first.decode() == '"Ångström, Zoë",0\r\n'
    assert len(taken) == 1
    rest = b"".join(lines).decode()
    assert rest == '\'=HYPERLINK(1),1\r\n\'+46,2\r\n\'-1,3\r\n\'@x,4\r\n\'\tx,5\r\n"say ""hi""",6\r\n'
    assert response.headers["Content-Disposition"] == 'attachment; filename="people.csv"'


def _written(text: str, query: str = "", **context: Any) -> str:
    request = RequestFactory().get(f"/people/{query}")
    return Template(text).render(Context({"request": request, **context}))


def test_the_query_string_is_rebuilt_without_the_place_in_the_list() -> None:
    query = "?company=A&company=B&city=X&nextToken=t&at=51"

    assert _written("{% query city=None order='name' %}", query) == "?company=A&amp;company=B&amp;order=name"
    assert _written("{% query city=None %}", "?city=X") == "?"


def test_times_are_words_outside_and_exact_inside(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Stockholm"
    moment = timezone.now() - timedelta(days=400)

    with timezone.override("Europe/Stockholm"):
        html = _written("{% words_ago moment 'note' %}", moment=datetime(2026, 1, 2, 22, 30, tzinfo=UTC))
        words = _written("{% words_ago moment %}", moment=moment)

    assert 'datetime="2026-01-02T22:30:00Z" title="2 January 2026, 23:30 CET"' in html
    assert ">1 year ago</time>" in words
    assert _written("{% words_ago moment %}", moment=None) == "–"


def test_every_icon_is_one_drawing_without_a_colour_of_its_own() -> None:
    folder = Path(settings.BASE_DIR) / "crm/templatetags/icons"

    for file in folder.glob("*.svg"):
        assert re.fullmatch(r'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">.+</svg>\n', file.read_text()), file.name
        assert "#" not in file.read_text()


def test_the_script_is_short_and_the_pages_are_light() -> None:
    import gzip

    static = Path(settings.BASE_DIR) / "static"
    htmx = Path(__import__("django_htmx").__file__).parent / "static/django_htmx/htmx-2.min.js"
    files = [static / "vendor/tabler.min.css", static / "css/crm.css", static / "js/crm.js", htmx]

    assert len((static / "js/crm.js").read_text().splitlines()) < 150
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < 125 * 1024


def test_roles_have_exactly_the_rights_of_the_table() -> None:
    for role, codenames in staff.ROLES.items():
        held = set(Group.objects.get(name=role).permissions.values_list("codename", flat=True))

        assert held == set(codenames)


def test_a_right_that_a_role_lost_is_taken_from_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(staff.ROLES, "Viewer", ("view_people",))

    staff.sync_roles()

    assert [right.codename for right in Group.objects.get(name="Viewer").permissions.all()] == ["view_people"]


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/invitation/{}/",
        "//Accounts/Invitation/{}",
        "/accounts/password/reset/key/{}/",
        "/settings/mail/verify/{}/",
        "/calendar/{}.ics",
        "/u/{}",
        "/c/{}/",
        "/o/{}.gif",
        "http://testserver/u/{}/",
    ],
)
def test_a_link_that_opens_something_is_not_in_the_log(path: str) -> None:
    secret = path.format("1-k3y.s:x_y")
    fields = {"name": "django.request", "levelno": 30, "levelname": "WARNING", "msg": "Not Found: %s", "args": (secret,)}
    record = logging.makeLogRecord({**fields, "path": secret})

    lines = JsonFormatter().format(record), PlainFormatter().format(record)

    assert "k3y" not in "".join(lines)
    shown = path.partition("{}")[0] + "…"
    assert [line.count(shown) for line in lines] == [2, 2]
    assert json.loads(lines[0])["logger"] == "django.request"


def test_other_paths_stay_in_the_log_as_they_are() -> None:
    said = "/people/1/ /home/u/app.py /docs/o/x /accounts/password/reset/"

    assert PlainFormatter().format(logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": said})) == f"info x: {said}"


def test_a_line_of_log_is_one_json_object_with_its_fields() -> None:
    record = logging.makeLogRecord({"name": "crm.services.events", "levelno": 20, "levelname": "INFO", "msg": "event published"})
    record.event_id, record.request = "e1", RequestFactory().get("/")

    line = json.loads(JsonFormatter().format(record))

    assert {key: line[key] for key in ("level", "logger", "message", "event_id")} == {
        "level": "info",
        "logger": "crm.services.events",
        "message": "event published",
        "event_id": "e1",
    }
    assert "request" not in line
    assert PlainFormatter().format(record) == "info crm.services.events: event published event_id=e1"
