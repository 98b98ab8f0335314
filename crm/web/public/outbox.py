"""What was written to files instead of being sent: while one tries the product out, with DEBUG only."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crm.mail.files import FilesMailer, Outbox
from crm.web.http import CrmRequest, content_policy, permission_required
from crm.wiring import get_mailer

SHOWN = 100
FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: https: http:; frame-ancestors 'self'; sandbox"


def _outbox() -> Outbox:
    mailer = get_mailer()
    if not settings.DEBUG or not isinstance(mailer, FilesMailer):
        raise Http404
    return Outbox(mailer.folder)


@require_safe
@permission_required("crm.view_campaigns")
def outbox(request: CrmRequest) -> HttpResponse:
    """The last written messages, newest first."""
    box = _outbox()
    return render(request, "public/outbox.html", {"entries": box.newest(SHOWN), "total": box.count(), "folder": box.folder})


@require_safe
@permission_required("crm.view_campaigns")
def message(request: CrmRequest, name: str) -> HttpResponse:
    """One message: how it looks, its text, its headers."""
    return render(request, "public/outbox_message.html", {"message": _outbox().read(name)})


@require_safe
@permission_required("crm.view_campaigns")
@never_cache
@content_policy(FRAME_POLICY, framed=True)
def frame(request: CrmRequest, name: str) -> HttpResponse:
    """The HTML of a message for the frame."""
    return HttpResponse(_outbox().read(name).html)


@require_safe
@permission_required("crm.view_campaigns")
def raw(request: CrmRequest, name: str) -> HttpResponse:
    """The file as it is."""
    return HttpResponse(_outbox().read(name).raw, content_type="text/plain; charset=utf-8")
