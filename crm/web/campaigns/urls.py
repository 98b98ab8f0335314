"""Addresses of the campaigns."""

from django.urls import path

from crm.web.campaigns import compose, preview, progress, views

app_name = "campaigns"

urlpatterns = [
    path("", views.campaign_list, name="list"),
    path("new/", compose.new, name="new"),
    path("preview/<str:key>/<str:kind>/", preview.frame, name="frame"),
    path("<str:campaign_id>/", views.campaign, name="one"),
    path("<str:campaign_id>/send/", compose.send, name="send"),
    path("<str:campaign_id>/recipients/", views.recipients, name="recipients"),
    path("<str:campaign_id>/recipients.csv", views.recipients_csv, name="recipients-csv"),
    path("<str:campaign_id>/<str:action>/", progress.act, name="act"),
]
