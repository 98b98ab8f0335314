"""Addresses of events: the list, one event, its attendees as CSV."""

from django.urls import path

from crm.web.events import checkin, editing, ending, history, picking, views, walkin, wizard

app_name = "events"

urlpatterns = [
    path("", views.event_list, name="list"),
    path("new/", wizard.new, name="new"),
    path("new/slug/", wizard.slug, name="slug"),
    path("new/people/", picking.pick, name="pick"),
    path("new/preview/", wizard.preview, name="preview"),
    path("new/<str:event_id>/discard/", wizard.discard, name="discard"),
    path("new/<str:event_id>/<str:step>/", wizard.draft, name="draft"),
    path("<str:event_id>/", views.event, name="event"),
    path("<str:event_id>/check-in/", checkin.check_in, name="check-in"),
    path("<str:event_id>/check-in/new/", walkin.walk_in, name="walk-in"),
    path("<str:event_id>/attendees.csv", views.attendees_csv, name="attendees"),
    path("<str:event_id>/edit/", editing.edit, name="edit"),
    path("<str:event_id>/cancel/", ending.cancel, name="cancel"),
    path("<str:event_id>/reinstate/", ending.reinstate, name="reinstate"),
    path("<str:event_id>/delete/", ending.delete, name="delete"),
    path("<str:event_id>/no-shows/undo/", ending.no_show_undo, name="no-show-undo"),
    path("<str:event_id>/history/", history.history, name="history"),
]
