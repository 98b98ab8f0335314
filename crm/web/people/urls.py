"""Addresses of people: the list, one person, import and export."""

from django.urls import path

from crm.web.people import choosing, exporting, import_report, importing, merging, notes, person, privacy, tasks, views

app_name = "people"

urlpatterns = [
    path("", views.person_list, name="list"),
    path("export.csv", exporting.export, name="export"),
    path("ways-out/", views.ways_out, name="ways-out"),
    path("suggest/", views.suggest, name="suggest"),
    path("new/", person.create, name="new"),
    path("tasks/", tasks.recent, name="tasks"),
    path("tasks/new/", choosing.choose, name="task-new"),
    path("tasks/<str:task_id>/", tasks.page, name="task"),
    path("tasks/<str:task_id>/cancel/", tasks.cancel, name="task-cancel"),
    path("import/", importing.upload, name="import"),
    path("import/<str:import_id>/", importing.one, name="import-one"),
    path("import/<str:import_id>/discard/", importing.discard, name="import-discard"),
    path("import/<str:import_id>/cancel/", import_report.cancel, name="import-cancel"),
    path("import/<str:import_id>/undo/", import_report.undo, name="import-undo"),
    path("import/<str:import_id>/failed.csv", import_report.failed, name="import-failed"),
    path("merge/", merging.chosen, name="merge-chosen"),
    path("<str:person_id>/", person.person, name="person"),
    path("<str:person_id>/edit/", person.edit, name="edit"),
    path("<str:person_id>/delete/", person.delete, name="delete"),
    path("<str:person_id>/erase/", privacy.erase, name="erase"),
    path("<str:person_id>/personal-data.json", privacy.data, name="personal-data"),
    path("<str:person_id>/duplicates/", merging.duplicates, name="duplicates"),
    path("<str:person_id>/apart/<str:other_id>/", merging.tell_apart, name="apart"),
    path("<str:person_id>/merge/<str:other_id>/", merging.merging, name="merge"),
    path("<str:person_id>/notes/", notes.add, name="notes"),
    path("<str:person_id>/notes/<str:note_id>/delete/", notes.remove, name="note-delete"),
]
