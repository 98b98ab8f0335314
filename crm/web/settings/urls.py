"""Addresses of the settings."""

from django.urls import path

from crm.web.settings import account, asking, audit, invitations, jobs, logo, mail, staff, staff_list, suppression, system, tokens

app_name = "settings"

urlpatterns = [
    path("", account.page, name="home"),
    path("sessions/end/", account.end_sessions, name="sessions-end"),
    path("tokens/", tokens.page, name="tokens"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke, name="revoke"),
    path("mail/", mail.page, name="mail"),
    path("mail/logo/", logo.choose, name="logo"),
    path("mail/logo/remove/", logo.remove, name="logo-remove"),
    path("mail/senders/", mail.add, name="sender-add"),
    path("mail/senders/<str:mark>/resend/", mail.resend, name="sender-resend"),
    path("mail/senders/<str:mark>/remove/", mail.remove, name="sender-remove"),
    path("mail/verify/<str:token>/", mail.verify, name="sender-verify"),
    path("suppression/", suppression.page, name="suppression"),
    path("suppression/add/", suppression.add, name="suppression-add"),
    path("suppression/lift/", suppression.lift, name="suppression-lift"),
    path("staff/", staff_list.page, name="staff"),
    path("staff/invite/", invitations.invite, name="staff-invite"),
    path("staff/invitations/<int:invitation_id>/", invitations.page, name="invitation"),
    path("staff/invitations/<int:invitation_id>/send/", invitations.send, name="invitation-send"),
    path("staff/invitations/<int:invitation_id>/withdraw/", invitations.withdraw, name="invitation-withdraw"),
    path("staff/<int:user_id>/", staff.member, name="member"),
    path("staff/<int:user_id>/role/", staff.role, name="member-role"),
    path("staff/<int:user_id>/close/", staff.close, name="member-close"),
    path("staff/<int:user_id>/reopen/", staff.reopen, name="member-reopen"),
    path("staff/<int:user_id>/sign-out/", staff.sign_out, name="member-sign-out"),
    path("staff/<int:user_id>/second-factor/", staff.reset_factor, name="member-factor"),
    path("staff/second-factor/", asking.page, name="second-factor"),
    path("audit/", audit.page, name="audit"),
    path("audit.csv", audit.export, name="audit-csv"),
    path("jobs/", jobs.page, name="jobs"),
    path("jobs/restart/", jobs.restart, name="job-restart"),
    path("jobs/restart-all/", jobs.restart_all, name="jobs-restart"),
    path("system/", system.page, name="system"),
]
