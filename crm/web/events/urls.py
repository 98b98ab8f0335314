"""Addresses of events: the list, one event, its attendees as CSV."""

from django.urls import path

from crm.web.events import views

app_name = "events"

urlpatterns = [
    path("", views.event_list, name="list"),
    path("<str:event_id>/", views.event, name="event"),
    path("<str:event_id>/attendees.csv", views.attendees_csv, name="attendees"),
]
