"""The pages of what jobs work on."""

from django.urls import reverse

PAGES = {
    "campaign": "campaigns:one",
    "event": "events:event",
    "import": "people:import-one",
    "task": "people:task",
    "user": "people:person",
}


def page_of(about: str, id_: str) -> str:
    """Return the address of the page that shows how far a job is, "" where there is none; `about` and `id_` as in `about_of`."""
    return reverse(PAGES[about], args=[id_]) if about in PAGES and id_ else ""
