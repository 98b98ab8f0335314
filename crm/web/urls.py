"""Addresses of the pages, area by area."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("crm.web.public.urls")),
    path("settings/", include("crm.web.settings.urls")),
    path("docs", RedirectView.as_view(url="/api/docs"), name="docs"),
]
for _area in ("people", "events", "campaigns", "analytics"):
    if find_spec(f"crm.web.{_area}") and find_spec(f"crm.web.{_area}.urls"):
        _prefix = "" if _area == "analytics" else f"{_area}/"
        urlpatterns.append(path(_prefix, include(f"crm.web.{_area}.urls")))
if not find_spec("crm.web.analytics.urls" if find_spec("crm.web.analytics") else "crm.web.analytics"):
    urlpatterns.append(path("", RedirectView.as_view(url="/people/")))
