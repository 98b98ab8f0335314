"""Calendar feeds, as calendar programs fetch them: whoever has the link may read, nobody signs in."""

import hashlib
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from crm.domain.errors import BadToken
from crm.services import feeds
from crm.services.calendars import calendar_of
from crm.web.http import CrmRequest, public
from crm.wiring import get_links


@public
@require_safe
def feed(request: CrmRequest, token: str) -> HttpResponseBase:
    """The events of a feed; nothing new for who has them already. A forged or revoked link is as one that never was: 404.

    So is that of somebody whose account is closed, or who may see events no more, for as long as that is so.
    """
    links = get_links()
    try:
        found = request.store.feeds.find(links.read_feed(token))
    except BadToken:
        found = None
    if found is None or not _may_still(found.created_by):
        raise Http404
    zone = ZoneInfo(timezone.get_current_timezone_name())
    events = feeds.events_of(request.store, found, zone=zone, now=timezone.now())
    data = calendar_of(events, name=f"{settings.CRM_ORGANISATION}: events", url_of=lambda event: links.event_url(event.id))
    response = HttpResponse(data, content_type="text/calendar; charset=utf-8")
    response.headers["ETag"] = quote_etag(hashlib.sha256(data).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, max-age=300"
    response.headers["X-Robots-Tag"] = "noindex"
    answer = get_conditional_response(request, etag=response.headers["ETag"], response=response)
    return answer if answer is not None else response


def _may_still(username: str) -> bool:
    """Whether who made a feed may see events at this moment; where nobody has that name, whoever was let in then."""
    user = User.objects.filter(username=username).first()
    return user is None or user.has_perm("crm.view_events")
