"""Addresses of the settings."""

from django.urls import path

from crm.web.settings import account, asking, audit, jobs, mail, suppression, views

app_name = "settings"

urlpatterns = [
    path("", account.page, name="home"),
    path("sessions/end/", account.end_sessions, name="sessions-end"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", views.revoke, name="revoke"),
    path("mail/", mail.page, name="mail"),
    path("mail/senders/", mail.add, name="sender-add"),
    path("mail/senders/<str:mark>/resend/", mail.resend, name="sender-resend"),
    path("mail/senders/<str:mark>/remove/", mail.remove, name="sender-remove"),
    path("mail/verify/<str:token>/", mail.verify, name="sender-verify"),
    path("suppression/", suppression.page, name="suppression"),
    path("suppression/add/", suppression.add, name="suppression-add"),
    path("suppression/lift/", suppression.lift, name="suppression-lift"),
    path("staff/", views.staff, name="staff"),
    path("staff/second-factor/", asking.page, name="second-factor"),
    path("audit/", audit.page, name="audit"),
    path("audit.csv", audit.export, name="audit-csv"),
    path("jobs/", jobs.page, name="jobs"),
    path("jobs/restart/", jobs.restart, name="job-restart"),
]
