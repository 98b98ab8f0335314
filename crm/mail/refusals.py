"""What a failure of a provider's API means: certainly nothing sent, or perhaps; about one recipient, or about all of us."""

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from anymail.exceptions import (
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
)
from requests import Response
from requests.exceptions import InvalidURL, MissingSchema, TooManyRedirects
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProtocolError, ProxyError
from urllib3.exceptions import TimeoutError as TimedOut

from crm.domain.errors import DeliveryFailed
from crm.mail.port import Uncertain, spoken

BEFORE_THE_REQUEST = (
    NewConnectionError,
    ConnectTimeoutError,
    ProxyError,
    ssl.SSLCertVerificationError,
    InvalidURL,
    MissingSchema,
    TooManyRedirects,
)
"""No connection came about, or none that can be trusted; or the address led elsewhere, where we don't follow."""
BETWEEN = frozenset({502, 504})
"""A gateway got no answer from the provider behind it, which may have taken the message."""
OURS = frozenset({401, 402, 403, 404, 405, 407, 410})
"""Keys, account, or address of the API: the next message would be refused too."""
OUR_CODES = frozenset(
    {
        # Amazon SES, API v2 (SendEmail, errors), and AWS's common errors
        "AccountSuspendedException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
        "NotFoundException",
        "LimitExceededException",
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        # Postmark: no token, sender not found or not confirmed, out of credit, account pending or inactive
        *("10", "400", "401", "405", "412", "413", "1101"),
        # Brevo
        *("unauthorized", "not_enough_credits", "account_under_validation", "permission_denied"),
    }
)
OUR_WORDS = re.compile(
    r"identities failed the check"
    r"|(email address|sender|domain|from) .{0,60}not (been )?(verified|confirmed|authori[sz]ed|allowed)"
    r"|(verify|confirm) (the|your) (sender|domain)|sending quota|account .{0,40}(suspended|disabled|blocked|paused)",
    re.IGNORECASE | re.DOTALL,
)
"""How providers say in a plain 400 that the sender, the sandbox or the account is the matter."""
UNCLEAR = "The mail provider gave no answer that can be understood."
TOO_FAST = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceeded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    code: str
    text: str


def judged(error: BaseException, *, begun: bool) -> DeliveryFailed | Uncertain:
    """Return what `error` means for the message. `begun`: the request may have left us when it came.

    What concerns everybody is never permanent for one. A refusal is an answer of the provider's that says so; where none came,
    only what happened before the request tells that nothing was sent.
    """
    if isinstance(error, AnymailRecipientsRefused):
        if not error.email_message.anymail_status.recipients:
            return Uncertain(UNCLEAR)
        return DeliveryFailed("The mail provider does not send to this address.", permanent=True)
    if not begun:
        return unsent(error)
    answer = _answer(error)
    if answer is None:
        if any(isinstance(reason, BEFORE_THE_REQUEST) for reason in _reasons(error)):
            return _ours("The mail provider can't be reached", _broken(error))
        return Uncertain(spoken(f"The connection broke before the mail provider answered: {_broken(error)}"))
    if answer.status < 300 or answer.status in BETWEEN:
        return Uncertain(UNCLEAR)
    return _refusal(answer)


def unsent(error: BaseException) -> DeliveryFailed:
    """Return what `error` means when nothing was asked of the provider yet."""
    if isinstance(error, AnymailInvalidAddress | AnymailSerializationError):
        return DeliveryFailed(spoken(f"The message can't be given to the mail provider: {_short(error)}"), permanent=True)
    return _ours("The mail provider can't be used", _short(error))


def _refusal(answer: _Answer) -> DeliveryFailed:
    text = f"{answer.code or answer.status} {answer.text}".strip()
    code = answer.code or str(answer.status)
    if answer.status == 429 or answer.code in TOO_FAST:
        return _ours("The mail provider wants us to send more slowly", text, code)
    if answer.status >= 500 or answer.status == 408:
        return DeliveryFailed(spoken(f"The mail provider can't take it now: {text}"), permanent=False, code=code)
    if answer.status < 400 or answer.status in OURS or answer.code in OUR_CODES or OUR_WORDS.search(answer.text):
        return _ours("The mail provider takes nothing from us", text, code)
    return DeliveryFailed(spoken(f"The mail provider refused the message: {text}"), permanent=True, code=code)


def _ours(what: str, text: str, code: str | None = None) -> DeliveryFailed:
    return DeliveryFailed(spoken(f"{what}: {text}"), permanent=False, code=code, whole_provider=True)


def _answer(error: BaseException) -> _Answer | None:
    """What the provider said, if it said anything: Anymail keeps the answer of an HTTP API, or boto3's reading of it."""
    response = getattr(error, "response", None)
    if isinstance(response, Response):
        return _of_http(response)
    if isinstance(response, dict) and "Error" in response:
        said = response["Error"]
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        return _Answer(status=status, code=str(said.get("Code", "")), text=str(said.get("Message", "")))
    return None


def _of_http(response: Response) -> _Answer:
    try:
        said: Any = response.json()
    except ValueError:
        said = {}
    if isinstance(said, dict) and isinstance(said.get("errors"), list) and said["errors"]:
        said = said | said["errors"][0] if isinstance(said["errors"][0], dict) else said
    found = said if isinstance(said, dict) else {}
    code = next((str(found[name]) for name in ("ErrorCode", "code", "ErrorIdentifier") if found.get(name)), "")
    names = ("Message", "message", "description", "detail", "error", "ErrorMessage")
    text = next((found[name] for name in names if isinstance(found.get(name), str)), response.reason or "")
    return _Answer(status=response.status_code, code=code if len(code) <= 60 else "", text=text)


def _broken(error: BaseException) -> str:
    """What became of the connection, without the names of classes and addresses that libraries put there."""
    reasons = list(_reasons(error))
    spelt = [reason.strerror for reason in reasons if isinstance(reason, OSError) and reason.strerror]
    if spelt:
        return spelt[-1].lower()
    if any(isinstance(reason, TimeoutError | TimedOut) for reason in reasons):
        return "it took too long"
    return "the connection was lost" if any(isinstance(reason, ProtocolError) for reason in reasons) else _short(error)


def _short(error: BaseException) -> str:
    """The first cause in words: Anymail's own text quotes the message."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(arg) for arg in error.args) if isinstance(error, AnymailError) else str(error)
    return text.strip() or type(error).__name__


def _reasons(error: BaseException) -> Iterator[BaseException]:
    """Give an error and everything that it came of; requests and urllib3 wrap each other's."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
