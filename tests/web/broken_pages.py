"""Pages that go wrong in every way there is, next to those of the product: `@pytest.mark.urls("tests.web.broken_pages")`."""

import time

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_POST

from crm.domain.errors import BadToken, Conflict, FieldError, NotFound, RuleViolation, StoreUnavailable
from crm.web.forms import CrmForm, FormIdField
from crm.web.http import CrmRequest, content_policy, permission_required, public, render_part, tell
from crmsite import urls as site

ERRORS = {
    "not-found": NotFound("No such person."),
    "rule": RuleViolation("The event ends before it starts.", field="endAt"),
    "conflict": Conflict("Somebody saved first."),
    "token": BadToken("The link was changed."),
    "down": StoreUnavailable("The database does not answer."),
    "http404": Http404(),
    "denied": PermissionDenied("Not with that role."),
    "bug": ZeroDivisionError(),
}


class PlaceForm(CrmForm):
    formId = FormIdField()
    firstName = forms.CharField(label="First name", help_text="As on the badge.")
    city = forms.CharField(label="City", required=False)


def fail(request: CrmRequest, kind: str) -> HttpResponse:
    raise ERRORS[kind]


def parts(request: CrmRequest) -> HttpResponse:
    return render_part(request, "tests/parts.html", {"rows": [1, 2, 3]}, part="rows")


def told(request: CrmRequest) -> HttpResponse:
    tell(request, "418 people tagged", "“Göteborg <regulars>”")
    return render_part(request, "tests/parts.html", {"rows": []}, part="rows")


def place(request: CrmRequest) -> HttpResponse:
    form = PlaceForm(request.POST or None)
    if form.is_bound and form.is_valid():
        errors = (
            FieldError(field="firstName", message="Has a control character."),
            FieldError(field="slug", message="Is taken."),
        )
        form.add_crm_error(RuleViolation("Two things are wrong.", errors=errors))
    return render(request, "tests/form.html", {"form": form}, status=422 if form.is_bound else 200)


@content_policy("default-src 'none'; sandbox; frame-ancestors 'self'", framed=True)
def preview(request: CrmRequest) -> HttpResponse:
    return HttpResponse("<p>Dear Zoë</p>")


@permission_required("crm.send_campaigns")
def send(request: CrmRequest) -> HttpResponse:
    return HttpResponse("sent")


@require_POST
def only_post(request: CrmRequest) -> HttpResponse:
    return HttpResponse("done")


def listed(request: CrmRequest) -> HttpResponse:
    return render(request, "tests/list.html", {"rows": range(1, 6)})


COUNTED: list[str] = []


@require_POST
def count(request: CrmRequest) -> HttpResponse:
    """Counts how often it was sent; slow enough for a second click."""
    COUNTED.append(request.path)
    time.sleep(0.3)
    return HttpResponse('<link rel="icon" href="data:,">counted')


urlpatterns = [
    path("list/", listed),
    path("count/", count),
    path("fail/<kind>/", fail),
    path("parts/", parts),
    path("told/", told),
    path("place/", place),
    path("preview/", preview),
    path("send/", send),
    path("only-post/", only_post),
    path("open/", public(preview)),
    *site.urlpatterns,
]
handler400, handler403, handler404, handler500 = site.handler400, site.handler403, site.handler404, site.handler500
