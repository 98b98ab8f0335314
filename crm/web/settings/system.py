"""The system: whether the table answers, what is due, how fast mail goes out, and which versions run."""

import platform
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crm import VERSION
from crm.services.system import look
from crm.web.durations import in_words
from crm.web.http import CrmRequest, permission_required


@require_safe
@permission_required("crm.view_jobs")
@never_cache
def page(request: CrmRequest) -> HttpResponse:
    """The figures of this moment; a table that is away is said, not raised."""
    seen = look(request.store, now=timezone.now())
    context: dict[str, Any] = {
        "system": seen,
        "oldest": in_words(seen.oldest_due_seconds) if seen.due else "",
        "milliseconds": max(1, round(seen.answer_seconds * 1000)),
        "parts": [
            ("Community CRM", VERSION),
            ("Python", platform.python_version()),
            ("Django", django.get_version()),
            ("Table", f"{settings.CRM_TABLE} {_where()}"),
            ("Staff accounts", connection.vendor.replace("sqlite", "SQLite").replace("postgresql", "PostgreSQL")),
            ("Mail leaves by", urlsplit(settings.EMAIL_URL).scheme),
            ("Pace of mail", f"{settings.CRM_SEND_RATE:g} a second at the most" if settings.CRM_SEND_RATE else "no limit"),
        ],
        "versions": sorted({worker.version for worker in seen.alive} - {VERSION}),
        "tab": "system",
    }
    return render(request, "settings/system.html", context)


def _where() -> str:
    """Where the table is, without what might be secret."""
    local = settings.DYNAMODB_ENDPOINT_URL
    return f"at {urlsplit(local).hostname}:{urlsplit(local).port or 80}" if local else f"on DynamoDB in {settings.AWS_REGION}"
