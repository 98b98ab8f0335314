"""The API and its description."""

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI

from crm.api import attendees, campaigns, emails, events, people, segments
from crm.api.auth import token_shown
from crm.api.description import described
from crm.api.docs import calls
from crm.api.errors import TooMany, add_handlers, problem, too_many
from crm.api.metrics import metrics
from crm.api.wire import JsonParser

api = NinjaAPI(
    title="Community CRM",
    version="1",
    description="People, events and mailings. Times are UTC; a list gives nextToken until it ends; errors are RFC 9457 problems.",
    urls_namespace="api",
    docs_url=None,
    openapi_url=None,
    parser=JsonParser(),
)
add_handlers(api)
api.add_router("/users", people.router)
api.add_router("/events", events.router)
api.add_router("/events", attendees.router)
api.add_router("/emails", emails.router)
api.add_router("/campaigns", campaigns.router)
api.add_router("/segments", segments.router)


@login_not_required
@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The description, for whoever is signed in or has a token."""
    try:
        if not request.user.is_authenticated and token_shown(request) is None:
            return problem(401, "Sign in, or send a valid token.")
    except TooMany as error:
        return too_many(request, error)
    return JsonResponse(described(api))


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The description as a page."""
    return render(request, "api/docs.html", {"groups": calls(described(api))})


@csrf_exempt
@login_not_required
def nothing(request: HttpRequest, rest: str) -> HttpResponse:
    """Whatever is not a call."""
    return problem(404, "There is nothing at this address; /api/docs lists the calls.")


def _as_problem(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Answer HEAD as GET, whose body the server leaves out, and a wrong method as a problem; no operation looks at a session."""

    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        asked = request.method
        if asked == "HEAD":
            request.method = "GET"
        response: HttpResponseBase = view(request, *args, **kwargs)
        request.method = asked
        if isinstance(response, HttpResponseNotAllowed):
            methods = response.headers["Allow"].split(", ")
            allowed = ", ".join(sorted([*methods, "HEAD"] if "GET" in methods else methods))
            response = problem(405, f"This address takes {allowed}.")
            response.headers["Allow"] = allowed
        return response

    return csrf_exempt(login_not_required(answer))


calls_patterns = [pattern for pattern in api.urls[0] if getattr(pattern, "name", "") != "api-root"]
for pattern in calls_patterns:
    if pattern.callback is not None:
        pattern.callback = _as_problem(pattern.callback)

app_name = "api"
urlpatterns = [
    path("openapi.json", openapi, name="openapi"),
    path("docs", docs, name="docs"),
    path("metrics", metrics, name="metrics"),
    *calls_patterns,
    re_path(r"^(?P<rest>.*)$", nothing),
]
