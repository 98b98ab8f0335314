"""Who a request comes from, and what it may do: bearer tokens with scopes, no session."""

from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest
from ninja.errors import AuthenticationError, AuthorizationError
from ninja.security.http import HttpAuthBase

from crm.api.errors import TooMany
from crm.domain.audit import arrived, origin
from crm.limits import wait_of_address, wait_of_token
from crm.staff import SCOPES, TokenUse, authenticate_token

SEND_ONE = "Send a valid token: “Authorization: Bearer …”. Settings → API tokens makes one."


class Scope(HttpAuthBase):
    """Let in a token that has `scope`, within what its owner may do now; 401 without a good token, 403 without the scope."""

    openapi_scheme = "bearer"

    def __init__(self, scope: str, permission: str = "") -> None:
        super().__init__()
        self.scope = scope
        self.permission = permission or f"crm.{SCOPES[scope][0]}"

    def __call__(self, request: HttpRequest) -> TokenUse:
        use = token_shown(request)
        if use is None:
            raise AuthenticationError(message=SEND_ONE)
        if not (self.scope in use.scopes and use.can(self.permission)):
            raise AuthorizationError(
                message=f"This call needs the scope {self.scope}; the token lacks it, or its owner may not do that any more."
            )
        arrived(replace(origin(), token=use.token_id))
        return use


def token_shown(request: HttpRequest) -> TokenUse | None:
    """Return what the bearer token of a request may do, None without a good one. TooMany where they come too often."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    secret = secret.strip() if kind.lower() == "bearer" else ""
    if secret and (wait := wait_of_token(secret)):
        raise TooMany(f"This token asks more than {settings.CRM_API_RATE:g} times a second; go on after a pause.", wait)
    use = authenticate_token(secret) if secret else None
    if use is None and (wait := wait_of_address(origin().address)):
        raise TooMany("Too many requests without a valid token come from your network; go on after a pause.", wait)
    return use
