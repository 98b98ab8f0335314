"""Addresses of segments; one is opened as the list of its people, `/people/?segment=<id>`."""

from django.urls import path

from crm.web.segments import views

app_name = "segments"

urlpatterns = [
    path("", views.segment_list, name="list"),
    path("counts/", views.counts, name="counts"),
    path("new/", views.create, name="new"),
    path("<str:segment_id>/", views.edit, name="edit"),
    path("<str:segment_id>/filter/", views.refilter, name="filter"),
    path("<str:segment_id>/delete/", views.delete, name="delete"),
]
