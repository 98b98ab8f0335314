"""Addresses of the pages, area by area."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("crm.web.public.urls")),
    path("", include("crm.web.analytics.urls")),
    path("people/", include("crm.web.people.urls")),
    path("segments/", include("crm.web.segments.urls")),
    path("events/", include("crm.web.events.urls")),
    path("campaigns/", include("crm.web.campaigns.urls")),
    path("settings/", include("crm.web.settings.urls")),
    path("docs", RedirectView.as_view(url="/api/docs", http_method_names=["get", "head"]), name="docs"),
]
