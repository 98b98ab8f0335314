"""Addresses of events: the list, one event, its attendees as CSV."""

from django.urls import path

from crm.web.events import (
    adding,
    attendees,
    calendar,
    checkin,
    editing,
    ending,
    feeds,
    history,
    listing,
    moving,
    page,
    picking,
    walkin,
    wizard,
)

app_name = "events"

urlpatterns = [
    path("", listing.event_list, name="list"),
    path("export.csv", listing.export, name="csv"),
    path("hosts/", listing.suggest_hosts, name="hosts"),
    path("feeds/", feeds.feed_list, name="feeds"),
    path("feeds/new/", feeds.feed_new, name="feed-new"),
    path("feeds/<str:feed_id>/delete/", feeds.feed_delete, name="feed-delete"),
    path("new/", wizard.new, name="new"),
    path("new/slug/", wizard.slug, name="slug"),
    path("new/people/", picking.pick, name="pick"),
    path("new/preview/", wizard.preview, name="preview"),
    path("new/<str:event_id>/discard/", wizard.discard, name="discard"),
    path("new/<str:event_id>/<str:step>/", wizard.draft, name="draft"),
    path("<str:event_id>/", page.event, name="event"),
    path("<str:event_id>/add/", adding.add, name="add"),
    path("<str:event_id>/move/", moving.move, name="move"),
    path("<str:event_id>/values/", attendees.values, name="values"),
    path("<str:event_id>/edit/", editing.edit, name="edit"),
    path("<str:event_id>/cancel/", ending.cancel, name="cancel"),
    path("<str:event_id>/reinstate/", ending.reinstate, name="reinstate"),
    path("<str:event_id>/delete/", ending.delete, name="delete"),
    path("<str:event_id>/no-shows/undo/", ending.no_show_undo, name="no-show-undo"),
    path("<str:event_id>/history/", history.history, name="history"),
    path("<str:event_id>/check-in/", checkin.check_in, name="check-in"),
    path("<str:event_id>/check-in/new/", walkin.walk_in, name="walk-in"),
    path("<str:event_id>.ics", calendar.ics, name="ics"),
    path("<str:event_id>/attendees.csv", attendees.attendees_csv, name="attendees"),
]
