"""The few ways in which a request can go wrong, each with a message that is safe to show."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """What is wrong with one field; `field` is the API's camelCase name."""

    field: str
    message: str


class CrmError(Exception):
    """Something that staff or a script can be told. `errors` names the fields at fault, if any."""

    def __init__(self, message: str, *, field: str | None = None, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.errors: tuple[FieldError, ...] = tuple(errors) or ((FieldError(field=field, message=message),) if field else ())

    @property
    def field(self) -> str | None:
        """The first field at fault, or None when the whole request is."""
        return self.errors[0].field if self.errors else None


class NotFound(CrmError):
    """There is no such thing (404)."""


class RuleViolation(CrmError):
    """A value that can't be (422)."""


class Conflict(CrmError):
    """Somebody else was first: a taken address or slug, a stale version, a full event (409)."""


class BadToken(CrmError):
    """A page token or signed link that was changed, or belongs to something else (400)."""


class StoreUnavailable(CrmError):
    """The table can't be reached or is overloaded; nothing was written, or the write may be repeated (503)."""


class DeliveryFailed(CrmError):
    """A message that was certainly not sent.

    `permanent`: a repeat can't help. `whole_provider`: the refusal is not about this recipient, so the next one would
    be refused too. `code` is the provider's reply code, None where there was no reply.
    """

    def __init__(self, message: str, *, permanent: bool, code: str | None = None, whole_provider: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.code = code
        self.whole_provider = whole_provider
