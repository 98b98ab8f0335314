"""All addresses: pages, sign-in, JSON API, and the pages for errors."""

from allauth.account import views as account
from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path, re_path

from crm.web import joining
from crm.web.accounts.views import PasswordAgain, ResetPassword

accounts: list[URLPattern | URLResolver] = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("signup/", account.signup, name="account_signup"),
    path("reauthenticate/", PasswordAgain.as_view(), name="account_reauthenticate"),
    path("invitation/<str:key>/", joining.join, name="account_invitation"),
]
if settings.MAIL_LEAVES:
    accounts += [
        path("password/reset/", account.password_reset, name="account_reset_password"),
        path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
        re_path(
            r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
            ResetPassword.as_view(),
            name="account_reset_password_from_key",
        ),
        path("password/reset/key/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    ]

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include(accounts)),
    path("accounts/", include("crm.web.accounts.urls")),
    path("api/", include("crm.api.urls")),
    path("", include("crm.web.urls")),
]

handler400 = "crm.web.http.bad_request"
handler403 = "crm.web.http.forbidden"
handler404 = "crm.web.http.not_found"
handler429 = "crm.web.http.too_many"
handler500 = "crm.web.http.server_error"
