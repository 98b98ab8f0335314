"""What every view builds on: the typed request, the rights of a view, a page or a part of it, and errors as answers."""

import logging
import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.html import format_html
from django_htmx.middleware import HtmxDetails

from crm.domain.errors import BadToken, Conflict, CrmError, NotFound, RuleViolation, StoreUnavailable
from crm.staff import why_not

if TYPE_CHECKING:
    from crm.store import Store

logger = logging.getLogger(__name__)

TYPED_LIMIT = 500_000
"""So many characters of a form are handed back at most, when what was sent could not be done just now."""

NO_ACCOUNTS = (OperationalError, InterfaceError)
"""What Django raises when the staff database is away, or somebody else keeps it too long."""

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

STATUS: dict[type[CrmError], int] = {NotFound: 404, RuleViolation: 422, Conflict: 409, BadToken: 400, StoreUnavailable: 503}

TITLES = {
    400: "This address does not fit together",
    403: "This is not yours to open",
    404: "There is nothing here",
    405: "This can’t be done that way",
    409: "Somebody was first",
    413: "That is too much at once",
    422: "That can’t be",
    429: "Too many tries",
    500: "Something broke on our side",
    503: "The database does not answer",
}

WORDS = {
    400: "Part of the address was changed or cut off. Start again from the list it came from.",
    403: "Your role does not include this page.",
    404: "It may have been deleted, or the address was mistyped.",
    405: "The page was asked for in a way it does not know.",
    413: "What you typed still stands in the page it was sent from: go back there, and send less of it at a time.",
    429: "Wait a few minutes, then try again.",
    500: "It has been written to the log. Nothing you saved before is lost.",
    503: "What you typed is still in the page before this one; go back and try again in a moment.",
}
STILL_HERE = "What you typed is still here: then send it again."
GO_BACK = "Then go back, and send the form again."


class CrmRequest(HttpRequest):
    """The request that views get: somebody is signed in, the store is at hand, and htmx says what it wants."""

    user: User
    htmx: HtmxDetails
    store: "Store"


def client_address(request: HttpRequest) -> str:
    """The IP address a request comes from, behind as many proxies as TRUSTED_PROXIES says; empty where it can't be told."""
    try:
        return str(get_adapter().get_client_ip(request))
    except PermissionDenied:
        return ""


def public(view: View) -> View:
    """Mark a view that answers without sign-in; every other view needs it."""
    return login_not_required(view)


def permission_required(permission: str) -> Callable[[View], View]:
    """Let only those in who may do it; others get a page (403) that says why. `permission` is like `crm.edit_people`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise PermissionDenied(why_not(request.user, permission))
            return view(request, *args, **kwargs)

        guarded.needs_permission = permission  # type: ignore[attr-defined]  # read by the sweep over all addresses
        return cast(View, guarded)

    return decorate


def password_again(view: View, *, to_look: bool = False) -> View:
    """Ask once more who it is before something is done (POST) by which others get in, unless that was said just before.

    `to_look`: before it is shown, too. What was sent is kept meanwhile, and done once password or second factor were right.
    """
    return cast(
        View, reauthentication_required(view, app="crm.staff", enabled=lambda request: to_look or request.method == "POST")
    )


def content_policy(policy: str, *, framed: bool = False) -> Callable[[View], View]:
    """Give the answers of one view a Content-Security-Policy of their own; `framed` lets our own pages show it in a frame."""

    def decorate(view: View) -> View:
        @wraps(view)
        def decided(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response = view(request, *args, **kwargs)
            response.headers["Content-Security-Policy"] = policy
            if framed:
                response.headers["X-Frame-Options"] = "SAMEORIGIN"
            return response

        return cast(View, decided)

    return decorate


def render_part(request: HttpRequest, template: str, context: dict[str, Any], *, part: str, status: int = 200) -> HttpResponse:
    """The whole page, or only its partial `part` when htmx asks for the element with that id.

    Sets Vary; a history restore and a boosted link get the whole page. In the template the partial stands between
    `{% partialdef people-table inline %}` and `{% endpartialdef %}`, and its outermost element has id="people-table".
    """
    htmx = cast(CrmRequest, request).htmx
    alone = bool(htmx) and not htmx.boosted and not htmx.history_restore_request and htmx.target == part
    response = render(request, f"{template}#{part}" if alone else template, context, status=status)
    patch_vary_headers(response, ("HX-Request", "HX-Target", "HX-Boosted", "HX-History-Restore-Request"))
    return response


def tell(request: HttpRequest, text: str, note: str = "", *, level: int = messages.SUCCESS, undo: str = "") -> None:
    """Say in a toast what was just done, on this answer or on the page that a redirect leads to. Errors stay until closed.

    `undo` is the address, query and all, that takes it back when it is posted to: the toast has a button for it.
    """
    words = format_html('<b>{}</b><span class="sub">{}</span>', text, note) if note else text
    messages.add_message(request, level, words, extra_tags=undo)


def error_answer(request: HttpRequest, status: int, message: str = "", *, title: str = "", first: str = "") -> HttpResponse:
    """An error as a page; as a toast for htmx; as problem+json under /api/.

    `first` is what to do before the form is sent again: its fields are handed back then, as they are with 503.
    """
    title, message = title or TITLES[status], message or WORDS.get(status, "")
    if request.path.startswith("/api/"):
        problem = {"type": "about:blank", "title": title, "status": status, "detail": message}
        return JsonResponse(problem, status=status, content_type="application/problem+json")
    htmx = getattr(request, "htmx", None)
    alone = bool(htmx and not htmx.boosted and not htmx.history_restore_request)
    typed = typed_in(request) if (first or status == 503) and not alone else []
    if first:
        message = f"{message} {first} {STILL_HERE if alone or typed else GO_BACK}"
    if alone:
        signs_in = bool(first) and not request.user.is_authenticated
        toast = {"level": "error", "title": title, "text": message, "signs_in": signs_in}
        response = render(request, "_toast.html", toast, status=status)
        for name, value in {"HX-Retarget": "#toasts", "HX-Reswap": "beforeend", "HX-Push-Url": "false"}.items():
            response.headers[name] = value
    else:
        context = {"status": status, "title": title, "message": message, "typed": typed}
        response = render(request, "errors/page.html", context, status=status)
    patch_vary_headers(response, ("HX-Request",))
    return response


def typed_in(request: HttpRequest) -> list[tuple[str, str]]:
    """Name and value of every field of a form that was sent, so that it can be sent again; nothing where that can't be.

    Files can't be handed back, passwords must not be.
    """
    if request.method != "POST" or request.FILES or request.path.startswith("/accounts/"):
        return []
    fields = [(name, value) for name, values in request.POST.lists() if name != "csrfmiddlewaretoken" for value in values]
    secret = any("password" in name.lower() for name, _ in fields)
    return [] if secret or sum(len(name) + len(value) for name, value in fields) > TYPED_LIMIT else fields


def crm_error_answer(request: HttpRequest, error: CrmError) -> HttpResponse:
    """The answer to an error of the domain that no view has caught."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    if status >= 500:
        logger.error("request failed", extra={"status": status, "error": type(error).__name__, "path": request.path})
    response = error_answer(request, status, error.message)
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The page for what Django itself refuses, such as a host it does not serve."""
    return error_answer(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The page for those whose role does not include it; says which roles do."""
    return error_answer(request, 403, str(exception or ""))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The page for an address that leads nowhere."""
    return error_answer(request, 404)


def too_many(request: HttpRequest) -> HttpResponse:
    """The page for those who tried too often; allauth calls it."""
    return error_answer(request, 429)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for a bug, and for a staff database that does not answer: it needs none, as that may be what broke."""
    if isinstance(sys.exc_info()[1], NO_ACCOUNTS):
        words = {"status": 503, "title": "The staff database does not answer", "message": WORDS[503]}
        response = render(None, "errors/500.html", words, status=503)
        response.headers["Retry-After"] = "5"
        return response
    return render(None, "errors/500.html", {"status": 500, "title": TITLES[500], "message": WORDS[500]}, status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form that was open too long, or was sent from elsewhere."""
    title, why = "That form is no longer good", "The form was open for too long, or you signed in anew since."
    ours = "Origin" in request.headers and reason.startswith("CSRF ")  # another site could have its fields sent by one more click
    if ours and typed_in(request) and not getattr(request, "htmx", None):
        return error_answer(request, 403, why, title=title, first="Look through it once more.")
    return error_answer(request, 403, f"{why} Go back, copy what you typed, reload the page and send it again.", title=title)
