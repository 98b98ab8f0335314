"""Addresses of people: the list, one person, import and export."""

from django.urls import path

from crm.web.people import importing, views

app_name = "people"

urlpatterns = [
    path("", views.person_list, name="list"),
    path("export.csv", views.export, name="export"),
    path("suggest/", views.suggest, name="suggest"),
    path("new/", views.create, name="new"),
    path("import/", importing.upload, name="import"),
    path("import/<str:draft_id>/", importing.check, name="import-check"),
    path("import/<str:draft_id>/run/", importing.run, name="import-run"),
    path("import/<str:draft_id>/failed.csv", importing.failed, name="import-failed"),
    path("<str:person_id>/", views.person, name="person"),
    path("<str:person_id>/edit/", views.edit, name="edit"),
    path("<str:person_id>/delete/", views.delete, name="delete"),
]
