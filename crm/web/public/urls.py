"""Addresses that need no sign-in."""

from django.urls import path

from crm.web.public import views

app_name = "public"

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
]
