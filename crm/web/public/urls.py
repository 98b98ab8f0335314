"""Addresses that need no sign-in, and the outbox of those who try the product out."""

from django.urls import path, register_converter

from crm.domain.logo import TYPES
from crm.web.public import calendar, hooks, logo, outbox, tracking, unsubscribe, views

app_name = "public"

register_converter(logo.LogoMark, "logo")

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("u/<str:token>/", unsubscribe.page, name="unsubscribe"),
    path("u/<str:token>", unsubscribe.page),  # a mail program that drops the last slash must not be redirected (RFC 8058)
    *[path(f"o/logo-<logo:mark>.{kind}", logo.picture, {"kind": kind}) for kind in TYPES],
    path("o/<str:token>.gif", tracking.opened, name="opened"),
    path("c/<str:token>/", tracking.clicked, name="clicked"),
    path("c/<str:token>", tracking.clicked),
    path("calendar/<str:token>.ics", calendar.feed, name="calendar"),
    path("hooks/ses/", hooks.ses, name="hook-ses"),
    path("hooks/<str:name>/", hooks.provider, name="hook"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<str:name>/", outbox.message, name="outbox-message"),
    path("outbox/<str:name>/html/", outbox.frame, name="outbox-frame"),
    path("outbox/<str:name>/raw/", outbox.raw, name="outbox-raw"),
]
