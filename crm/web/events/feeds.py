"""Calendar feeds: making one of the list's filter, the links there are, revoking one."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.domain.errors import Conflict, RuleViolation
from crm.domain.event_filters import NAMES
from crm.domain.feeds import Feed
from crm.domain.ids import new_id
from crm.services import feeds
from crm.services.event_board import who_hosts
from crm.staff import why_not
from crm.web.events.filter_bar import GONE, EventBar, local_zone, words
from crm.web.forms import CrmForm, FormIdField
from crm.web.http import CrmRequest, permission_required, tell
from crm.web.staff_names import staff_names
from crm.wiring import get_links


class FeedForm(CrmForm):
    """The id that the new feed takes; its filter comes as the list has it."""

    id = FormIdField()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One feed: its link, what it holds as (label, value), the list of the same filter, and who made it.

    Whoever made it, or may change events, has it as `own`: they are shown its link, and can revoke it.
    """

    feed: Feed
    own: bool
    url: str
    said: list[tuple[str, str]]
    query: str
    by: str


@require_safe
@permission_required("crm.view_events")
def feed_list(request: CrmRequest) -> HttpResponseBase:
    """All feeds, newest first; above them a new one, of the filter in the query string. Links are shown to whose they are."""
    return _page(request, EventBar(request.GET, request.store), FeedForm())


@require_POST
@permission_required("crm.view_events")
def feed_new(request: CrmRequest) -> HttpResponseBase:
    """Make a feed of the filter that was sent; the same form again makes no second one."""
    bar, form = EventBar(request.POST, request.store), FeedForm(request.POST)
    if not form.is_valid():
        return _page(request, bar, form, status=422)
    try:
        feeds.create(
            request.store,
            form.cleaned_data["id"],
            dict(bar.pairs),
            zone=local_zone(),
            actor=request.user.get_username(),
            now=timezone.now(),
        )
    except (RuleViolation, Conflict) as error:
        again = FeedForm({"id": new_id()})
        again.add_error(None, error.message)
        return _page(request, bar, again, status=422 if isinstance(error, RuleViolation) else 409)
    tell(request, "Calendar feed made", "Copy its link into your calendar program.")
    return HttpResponseRedirect(reverse("events:feeds"))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("crm.view_events")
def feed_delete(request: CrmRequest, feed_id: str) -> HttpResponseBase:
    """Ask, then revoke a feed: one's own, or any for who may change events."""
    feed = request.store.feeds.get(feed_id)
    if not _owns(request, feed):
        raise PermissionDenied(why_not(request.user, "crm.edit_events"))
    if request.method != "POST":
        return render(request, "events/feed_delete.html", {"row": _rows(request, [feed])[0]})
    feeds.revoke(request.store, feed_id, actor=request.user.get_username(), now=timezone.now())
    tell(request, "Calendar feed revoked", "Its link leads nowhere from now on.")
    return HttpResponseRedirect(reverse("events:feeds"))


def _owns(request: CrmRequest, feed: Feed) -> bool:
    return feed.created_by == request.user.get_username() or request.user.has_perm("crm.edit_events")


def _page(request: CrmRequest, bar: EventBar, form: FeedForm, *, status: int = 200) -> HttpResponse:
    context = {
        "bar": bar,
        "form": form,
        "rows": _rows(request, request.store.feeds.recent()),
    }
    return render(request, "events/feeds.html", context, status=status)


def _rows(request: CrmRequest, found: list[Feed]) -> list[Row]:
    """Feeds as they are shown: hosts are read in one batch, accounts in one query."""
    store = request.store
    hosts = store.people.get_many(list({feed.values["host"] for feed in found if feed.values.get("host")}))
    names = staff_names({feed.created_by for feed in found})
    rows = []
    for feed in found:
        values = [(name, feed.values[name]) for name in NAMES if feed.values.get(name)]
        host_id = feed.values.get("host", "")
        host = hosts.get(host_id) or who_hosts(store, host_id)
        rows.append(
            Row(
                feed=feed,
                own=_owns(request, feed),
                url=get_links().feed_url(feed.id),
                said=[words(name, value, host=host.name if host else GONE) for name, value in values],
                query=urlencode(values),
                by=names.get(feed.created_by, feed.created_by),
            )
        )
    return rows
