"""Addresses of events: the list, one event, its attendees as CSV."""

from django.urls import path

from crm.web.events import checkin, editing, ending, history, views, walkin

app_name = "events"

urlpatterns = [
    path("", views.event_list, name="list"),
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
