"""Addresses of people: the list, one person, import and export."""

from django.urls import path

from crm.web.people import choosing, exporting, importing, merging, notes, person, privacy, tasks, views

app_name = "people"

urlpatterns = [
    path("", views.person_list, name="list"),
    path("export.csv", exporting.export, name="export"),
    path("suggest/", views.suggest, name="suggest"),
    path("new/", person.create, name="new"),
    path("tasks/", tasks.recent, name="tasks"),
    path("tasks/new/", choosing.choose, name="task-new"),
    path("tasks/<str:task_id>/", tasks.page, name="task"),
    path("tasks/<str:task_id>/cancel/", tasks.cancel, name="task-cancel"),
    path("import/", importing.upload, name="import"),
    path("import/<str:draft_id>/", importing.check, name="import-check"),
    path("import/<str:draft_id>/run/", importing.run, name="import-run"),
    path("import/<str:draft_id>/failed.csv", importing.failed, name="import-failed"),
    path("merge/", merging.chosen, name="merge-chosen"),
    path("<str:person_id>/", person.person, name="person"),
    path("<str:person_id>/duplicates/", merging.duplicates, name="duplicates"),
    path("<str:person_id>/apart/<str:other_id>/", merging.tell_apart, name="apart"),
    path("<str:person_id>/merge/<str:other_id>/", merging.merging, name="merge"),
    path("<str:person_id>/edit/", person.edit, name="edit"),
    path("<str:person_id>/delete/", person.delete, name="delete"),
    path("<str:person_id>/erase/", privacy.erase, name="erase"),
    path("<str:person_id>/personal-data.json", privacy.data, name="personal-data"),
    path("<str:person_id>/notes/", notes.add, name="notes"),
    path("<str:person_id>/notes/<str:note_id>/delete/", notes.remove, name="note-delete"),
]
