"""Addresses of the settings."""

from django.urls import path

from crm.web.settings import views

app_name = "settings"

urlpatterns = [
    path("", views.account, name="home"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", views.revoke, name="revoke"),
    path("staff/", views.staff, name="staff"),
]
