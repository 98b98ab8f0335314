"""One event as a file for a calendar."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from crm.services.calendars import calendar_of
from crm.web.http import CrmRequest, permission_required
from crm.wiring import get_links


@require_safe
@permission_required("crm.view_events")
def ics(request: CrmRequest, event_id: str) -> HttpResponse:
    """The event, in its own zone, whatever became of it."""
    event = request.store.events.get(event_id)
    links = get_links()
    data = calendar_of([event], name=event.title, url_of=lambda one: links.event_url(one.id))
    response = HttpResponse(data, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{event.slug or "event"}.ics"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
