"""Who a request comes from, and what it may do: bearer tokens with scopes, no session."""

from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest
from ninja.errors import AuthenticationError, AuthorizationError
from ninja.security import HttpBearer

from crm.api.errors import TooMany
from crm.domain.audit import arrived, origin
from crm.limits import wait_of_address, wait_of_token
from crm.staff import SCOPES, TokenUse, authenticate_token


class Scope(HttpBearer):
    """Let in a token that has `scope`, within what its owner may do now; 401 without a good token, 403 without the scope."""

    def __init__(self, scope: str, permission: str = "") -> None:
        super().__init__()
        self.scope = scope
        self.permission = permission or f"crm.{SCOPES[scope][0]}"

    def __call__(self, request: HttpRequest) -> TokenUse:
        use = super().__call__(request)
        if not isinstance(use, TokenUse):
            check_stranger()
            raise AuthenticationError(message="Send a valid token: “Authorization: Bearer …”. Settings → API tokens makes one.")
        return use

    def authenticate(self, request: HttpRequest, token: str) -> TokenUse | None:
        check_pace(token.strip())
        use = authenticate_token(token.strip())
        if use is not None and not (self.scope in use.scopes and use.can(self.permission)):
            raise AuthorizationError(
                message=f"This call needs the scope {self.scope}; the token lacks it, or its owner may not do that any more."
            )
        if use is not None:
            arrived(replace(origin(), token=use.token_id))
        return use


def check_pace(secret: str) -> None:
    """Count a call with a token; TooMany where it comes too often."""
    if wait := wait_of_token(secret):
        raise TooMany(f"This token asks more than {settings.CRM_API_RATE:g} times a second; go on after a pause.", wait)


def check_stranger() -> None:
    """Count a call without a good token; TooMany where they come too often from one address."""
    if wait := wait_of_address(origin().address):
        raise TooMany("Too many requests without a valid token come from your network; go on after a pause.", wait)
