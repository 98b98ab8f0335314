"""Addresses of the dashboard and the analytics."""

from django.urls import path

from crm.web.analytics import dashboard, views

app_name = "analytics"

urlpatterns = [
    path("", dashboard.home, name="home"),
    path("analytics/", views.emails, name="emails"),
    path("analytics/emails.csv", views.emails_csv, name="emails-csv"),
]
