"""What happens around every view: policy, sign-in, the store, errors as answers; and what every page shows of the shell."""

import codecs
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, cast
from urllib.parse import urlsplit

from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.messages import get_messages
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, StreamingHttpResponse
from django.http.request import UnreadablePostError
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.utils.functional import SimpleLazyObject
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect

from crm.domain.audit import Origin, coming_from
from crm.domain.errors import CrmError
from crm.staff import role_of
from crm.web.bounds import bound, let_finish
from crm.web.http import CrmRequest, client_address, crm_error_answer, error_answer, typed_in
from crm.web.waiting import keep

Answer = Callable[[HttpRequest], HttpResponseBase]
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
UNREADABLE = "What was sent is not written as browsers write it: forms in UTF-8, cookies without control characters."
TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
"""What Django raises when a form is first looked into, and is longer or has more fields or files than the settings let in."""


class HeadMiddleware:
    """Leave the body away where only headers are asked for, so that the server has none to drop; outside of all others.

    Views answer HEAD as they answer GET; what was to be streamed is not begun.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method == "HEAD":
            if isinstance(response, StreamingHttpResponse):
                response.streaming_content = ()
            elif isinstance(response, HttpResponse):
                response.content = b""
        return response


class ContentPolicyMiddleware:
    """Put the strict Content-Security-Policy on every answer that has none of its own, and on all what the browser keeps shut."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_POLICY)
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        return response


class FormMiddleware:
    """Refuse what can't be looked into, and a form that is too long for it; before its token is looked for in it."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        zero = any("\0" in value for value in request.COOKIES.values())  # Postgres looks for no session that is called so
        if zero or (request.content_type in FORMS and codecs.lookup(request.encoding or "utf-8").name != "utf-8"):
            return error_answer(request, 400, UNREADABLE, title="This can’t be read")
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *given: Any) -> HttpResponseBase | None:
        """None where the form can be read; views without a token read for themselves what they are sent, within its bounds."""
        if request.method != "POST":
            return None
        try:
            bound(request, view)
            if not getattr(view, "csrf_exempt", False):
                _ = request.POST
        except TOO_MUCH:
            let_finish(request)
            return error_answer(request, 413)
        except UnreadablePostError:
            return None  # nobody waits for the answer
        return None


class SignInMiddleware(LoginRequiredMiddleware):
    """Ask for sign-in on every view that is not marked public.

    When htmx asks after a session has ended, the whole page goes to the sign-in; where it sends a form, the page stays.
    """

    def process_view(self, request: HttpRequest, view_func: Callable[..., Any], *given: Any) -> HttpResponseBase | None:
        """None where one may go on; nobody looks into the staff database for a view that is public."""
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, *given)

    def handle_no_permission(  # type: ignore[override]  # htmx follows no redirect of a whole page
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:
        """Lead to the sign-in, and from there back; a form that was typed meanwhile is handed back instead."""
        htmx = cast(CrmRequest, request).htmx
        if request.method not in {"GET", "HEAD"} if htmx else typed_in(request):
            return error_answer(request, 403, "Your session is over.", title="Sign in again", first="Sign in in another tab.")
        if not htmx:
            return super().handle_no_permission(request, view_func)
        try:
            came_from = urlsplit(htmx.current_url_abs_path or "/").geturl()
        except ValueError:  # what htmx says of its page is whatever was sent
            came_from = "/"
        return HttpResponseClientRedirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': came_from})}")


class OriginMiddleware:
    """Let the audit log know from where a request comes."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        via = "api" if request.path.startswith("/api/") else "page"
        with coming_from(Origin(via=via, address=client_address(request))):
            return self.get_response(request)


class StoreMiddleware:
    """Give the request its `store`, opened when it is first asked for. What only reads counts at one moment."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with ExitStack() as block:
            reading = [block] if request.method in {"GET", "HEAD"} else []
            cast(Any, request).store = SimpleLazyObject(lambda: _open_store(reading))
            block.callback(reading.clear)
            return self.get_response(request)


def _open_store(reading: list[ExitStack]) -> object:
    """The process's store. Imported here, so that a page without data does not wait for boto3.

    `reading` has the block of a request that only reads, nothing once that is over.
    """
    from crm.store.looking import one_look
    from crm.store.moment import one_reading
    from crm.store.stats import one_moment
    from crm.wiring import get_store

    for block in reading:
        block.enter_context(one_moment())
        block.enter_context(one_reading())
        block.enter_context(one_look())
    return get_store()


class AnswerMiddleware:
    """Turn errors into answers, and hand waiting messages to htmx as toasts."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content and not request.path.startswith("/api/"):
            page = error_answer(request, 405)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        if response.status_code == 404 and request.resolver_match is None:
            return error_answer(request, 404)  # also with DEBUG, where Django would show its list of addresses
        if isinstance(response, HttpResponse) and _is_part(request, response):
            waiting = list(get_messages(request))
            if waiting:
                response.write(render_to_string("_toasts.html", {"waiting": waiting, "alongside": True}, request))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """A domain error, and what Django raises for a thing that is not there or not allowed, as page or toast."""
        if isinstance(exception, CrmError):
            return crm_error_answer(request, exception)
        if isinstance(exception, PermissionDenied):
            return error_answer(request, 403, str(exception))
        if isinstance(exception, ReauthenticationRequired) and request.method == "POST":
            return keep(request)
        if isinstance(exception, Http404):
            return error_answer(request, 404)
        if isinstance(exception, TOO_MUCH):
            return error_answer(request, 413)
        return None


def _is_part(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether htmx will put this answer into a page that is already there."""
    htmx = getattr(request, "htmx", None)
    html = response.headers.get("Content-Type", "").startswith("text/html")
    elsewhere = any(name in response.headers for name in ("HX-Redirect", "HX-Refresh", "HX-Location"))
    return bool(htmx) and html and response.status_code != 204 and response.status_code // 100 != 3 and not elsewhere


def shell(request: HttpRequest) -> dict[str, Any]:
    """For the rail of every page: the organisation, and one's role."""
    user = getattr(request, "user", None)
    return {
        "organisation": settings.CRM_ORGANISATION,
        "demo_password": settings.DEMO_PASSWORD,
        "role": SimpleLazyObject(lambda: role_of(user) if user else None),
    }
