"""Addresses of the dashboard and the analytics."""

from django.urls import path

from crm.web.analytics import dashboard, downloads, views

app_name = "analytics"

urlpatterns = [
    path("", dashboard.home, name="home"),
    path("analytics/", views.emails, name="emails"),
    path("analytics/emails.csv", downloads.emails_csv, name="emails-csv"),
    path("analytics/series.csv", downloads.series_csv, name="series-csv"),
    path("analytics/breakdown.csv", downloads.breakdown_csv, name="breakdown-csv"),
]
