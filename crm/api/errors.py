"""Every error as application/problem+json (RFC 9457)."""

import logging
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from crm.domain.errors import BadToken, Conflict, CrmError, FieldError, NotFound, RuleViolation, StoreUnavailable

logger = logging.getLogger(__name__)

STATUS: dict[type[CrmError], int] = {NotFound: 404, RuleViolation: 422, Conflict: 409, BadToken: 400, StoreUnavailable: 503}
TITLES = {
    400: "Malformed request",
    401: "Token needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "A value that can't be",
    429: "Too many requests",
    500: "Internal error",
    503: "Data store unavailable",
}


class UnsupportedMediaType(Exception):
    """The body says that it is not JSON."""


class TooMany(Exception):
    """Somebody asks too often; `wait` is in seconds."""

    def __init__(self, message: str, wait: int) -> None:
        super().__init__(message)
        self.wait = wait


def problem(status: int, detail: str, errors: Sequence[FieldError] = ()) -> JsonResponse:
    """Return the answer for an error; `errors` names the fields at fault."""
    body: dict[str, Any] = {"type": "about:blank", "title": TITLES[status], "status": status, "detail": detail}
    if errors:
        body["errors"] = [{"field": error.field, "message": error.message} for error in errors]
    response = JsonResponse(body, status=status, content_type="application/problem+json")
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if status == 503:
        response["Retry-After"] = "5"
    return response


def _crm_error(request: HttpRequest, error: CrmError) -> JsonResponse:
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    return problem(status, error.message, error.errors)


def _http_error(request: HttpRequest, error: HttpError) -> JsonResponse:
    if isinstance(error.__cause__, UnsupportedMediaType):
        return problem(415, str(error.__cause__))
    if error.status_code == 400:
        return problem(400, "The body is not valid JSON in UTF-8.")
    return problem(error.status_code, str(error))


def _invalid(request: HttpRequest, error: ValidationError) -> JsonResponse:
    if any(fault["loc"][0] == "body" for fault in error.errors) and not request.body:
        return problem(400, "The body is empty; send a JSON object.")
    if any(fault["loc"][0] == "body" and fault["type"] == "model_attributes_type" for fault in error.errors):
        return problem(400, "The body is not a JSON object.")
    words: dict[str, list[str]] = {}
    for fault in error.errors:
        words.setdefault(_place(fault["loc"]), []).append(_words(fault))
    faults = [FieldError(field=field, message=", or ".join(dict.fromkeys(said))) for field, said in words.items()]
    return problem(422, "; ".join(f"{fault.field}: {fault.message}" for fault in faults), faults)


def _place(location: Sequence[object]) -> str:
    """`("body", "data", "tags", 0)` names the field tags.0; what follows is how pydantic calls the kinds it tried."""
    names = [part for part in location[1:] if part != "data"]
    return ".".join(str(part) for part in [*names[:1], *[part for part in names[1:] if isinstance(part, int)]]) or str(
        location[0]
    )


def _words(fault: dict[str, Any]) -> str:
    if fault["type"] == "missing":
        return "is required"
    if fault["type"] == "extra_forbidden":
        return "is not a field of this call; check the spelling"
    return str(fault["msg"]).removeprefix("Input ").removeprefix("Value error, ")


def _not_found(request: HttpRequest, error: Http404) -> JsonResponse:
    return problem(404, "There is nothing at this address.")


def _too_big(request: HttpRequest, error: RequestDataTooBig) -> JsonResponse:
    return problem(413, "The body is too large; send less at a time.")


def too_many(request: HttpRequest, error: TooMany) -> JsonResponse:
    """Return the answer for somebody who asks too often."""
    response = problem(429, str(error))
    response["Retry-After"] = str(error.wait)
    return response


def _no_accounts(request: HttpRequest, error: Exception) -> JsonResponse:
    logger.error("staff database away", extra={"path": request.path, "error": type(error).__name__})
    return problem(503, "The staff database, which knows the tokens, can't be reached just now; try again in a moment.")


def _bug(request: HttpRequest, error: Exception) -> JsonResponse:
    logger.exception("api call failed", exc_info=error, extra={"path": request.path})
    return problem(500, "Something broke on our side; it has been written to the log.")


HANDLERS: dict[type[Exception], Any] = {
    Exception: _bug,
    Http404: _not_found,
    HttpError: _http_error,
    ValidationError: _invalid,
    RequestDataTooBig: _too_big,
    TooMany: too_many,
    CrmError: _crm_error,
    OperationalError: _no_accounts,
    InterfaceError: _no_accounts,
}


def add_handlers(api: NinjaAPI) -> None:
    """Let `api` answer every error as a problem."""
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)
