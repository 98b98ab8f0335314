"""What OpenAPI says of all calls alike: errors, their headers, and the header of a repeat."""

from functools import cache
from typing import Any

from ninja import NinjaAPI

from crm.api.campaigns import ACTIONS

PROBLEM = "application/problem+json"
REPEAT = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 255},
    "description": "A word of your own for this request: a repeat under it answers as the first time and does nothing again.",
}
SECONDS = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
HEADERS: dict[str, dict[str, Any]] = {
    "401": {"WWW-Authenticate": {"description": "How to show a token.", "schema": {"type": "string"}}},
    "405": {"Allow": {"description": "What this address takes.", "schema": {"type": "string"}}},
    "429": {"Retry-After": SECONDS},
    "503": {"Retry-After": SECONDS},
}


@cache
def described(api: NinjaAPI) -> dict[str, Any]:
    """Return the OpenAPI description: django-ninja's, with what it can't know of errors, headers and actions.

    Made once per process, in about a third of a second: whoever gets it reads it and changes nothing.
    """
    schema: dict[str, Any] = {**api.get_openapi_schema(path_prefix="/api/")}
    for operations in schema["paths"].values():
        for method, operation in operations.items():
            operation["responses"] = {str(status): answer for status, answer in operation["responses"].items()}
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    answer["content"] = {PROBLEM: answer["content"].pop("application/json")}
                    if status in HEADERS:
                        answer["headers"] = HEADERS[status]
            for given in operation["parameters"]:
                if given["name"] == "action":
                    given["schema"] = {"type": "string", "enum": list(ACTIONS)}
            if method == "post":
                operation["parameters"] = [*operation["parameters"], REPEAT]
    return schema
