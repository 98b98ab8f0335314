"""Addresses of passwords and second factors; allauth knows them by these names. crmsite/urls.py has the others of accounts/."""

from allauth.mfa.base import views as base
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.webauthn import views as webauthn
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.generic import RedirectView

from crm.web.accounts import views

urlpatterns = [
    path("password/change/", views.ChangePassword.as_view(), name="account_change_password"),
    path("password/set/", views.SetPassword.as_view(), name="account_set_password"),
    path("2fa/", views.Overview.as_view(), name="mfa_index"),
    path("2fa/needed/", views.needed, name="second_factor_needed"),
    path("2fa/authenticate/", base.authenticate, name="mfa_authenticate"),
    path("2fa/reauthenticate/", views.CodeAgain.as_view(), name="mfa_reauthenticate"),
    path("2fa/app/add/", never_cache(views.AddApp.as_view()), name="mfa_activate_totp"),
    path("2fa/app/remove/", views.RemoveApp.as_view(), name="mfa_deactivate_totp"),
    path("2fa/codes/", never_cache(recovery_codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("2fa/codes/new/", views.NewCodes.as_view(), name="mfa_generate_recovery_codes"),
    path("passkeys/", RedirectView.as_view(pattern_name="mfa_index"), name="mfa_list_webauthn"),
    path("passkeys/add/", never_cache(views.AddPasskey.as_view()), name="mfa_add_webauthn"),
    path("passkeys/login/", views.SignInByPasskey.as_view(), name="mfa_login_webauthn"),
    path("passkeys/reauthenticate/", views.PasskeyAgain.as_view(), name="mfa_reauthenticate_webauthn"),
    path("passkeys/<int:pk>/name/", webauthn.edit_webauthn, name="mfa_edit_webauthn"),
    path("passkeys/<int:pk>/remove/", views.RemovePasskey.as_view(), name="mfa_remove_webauthn"),
]
