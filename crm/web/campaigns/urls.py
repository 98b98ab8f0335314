"""Addresses of the campaigns."""

from django.urls import path

from crm.web.campaigns import (
    acting,
    audience_edit,
    compose,
    keeping,
    listing,
    preview,
    recipients,
    report,
    sending,
    templates_pages,
    views,
)

app_name = "campaigns"

urlpatterns = [
    path("", listing.campaign_list, name="list"),
    path("export.csv", listing.export_list, name="csv"),
    path("new/", compose.new, name="new"),
    path("audience/events/", audience_edit.found_events, name="found-events"),
    path("audience/values/", audience_edit.found_values, name="found-values"),
    path("audience/campaigns/", audience_edit.found_campaigns, name="found-campaigns"),
    path("preview/<str:key>/<str:kind>/", preview.frame, name="frame"),
    path("templates/", templates_pages.template_list, name="templates"),
    path("templates/new/", templates_pages.template_new, name="template-new"),
    path("templates/<str:template_id>/", templates_pages.template, name="template"),
    path("templates/<str:template_id>/delete/", templates_pages.template_delete, name="template-delete"),
    path("templates/<str:template_id>/frame/<str:kind>/", templates_pages.template_frame, name="template-frame"),
    path("<str:campaign_id>/", views.campaign, name="one"),
    path("<str:campaign_id>/send/", sending.send, name="send"),
    path("<str:campaign_id>/recipients/", recipients.recipients, name="recipients"),
    path("<str:campaign_id>/recipients.csv", recipients.recipients_csv, name="recipients-csv"),
    path("<str:campaign_id>/report/<str:part>.csv", report.report_csv, name="report-csv"),
    path("<str:campaign_id>/archive/", keeping.archive, name="archive"),
    path("<str:campaign_id>/unarchive/", keeping.unarchive, name="unarchive"),
    path("<str:campaign_id>/duplicate/", keeping.duplicate, name="duplicate"),
    path("<str:campaign_id>/delete/", keeping.delete, name="delete"),
    path("<str:campaign_id>/<str:action>/", acting.act, name="act"),
]
