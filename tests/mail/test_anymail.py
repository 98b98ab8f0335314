"""Providers' APIs: one request for each message, and what each way in which it can end means."""

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any
from urllib.parse import unquote_plus

import boto3
import pytest
from anymail.signals import pre_send
from moto import mock_aws
from pytest_django import Settings

from crm.domain.errors import DeliveryFailed
from crm.jobs.message import build
from crm.jobs.render import Rendered
from crm.mail import open_mailer
from crm.mail.address import PROVIDERS
from crm.mail.port import Accepted, Mailer, OutgoingMessage, Uncertain
from tests.mail.api_server import BREAK, STALL, ApiServer, api_server

SES, POSTMARK = "ses://?region=eu-west-1&configuration_set=crm", "anymail:postmark"
KEYS = {
    "BREVO_API_KEY": "k",
    "MAILGUN_API_KEY": "k",
    "MAILJET_API_KEY": "k",
    "MAILJET_SECRET_KEY": "k",
    "MANDRILL_API_KEY": "k",
    "POSTMARK_SERVER_TOKEN": "k",
    "RESEND_API_KEY": "k",
    "SENDGRID_API_KEY": "k",
    "SPARKPOST_API_KEY": "k",
}
TAKEN = {
    SES: (200, {"MessageId": "provider-1"}),
    POSTMARK: (200, {"ErrorCode": 0, "Message": "OK", "MessageID": "provider-1", "To": "ada@example.org"}),
}
UNSUBSCRIBE = "https://crm.example.org/u/token/"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[ApiServer]:
    with api_server() as server:
        _lead_to(server.url, monkeypatch, settings)
        yield server


def _lead_to(url: str, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", url)
    settings.ANYMAIL = KEYS | {f"{name.upper()}_API_URL": f"{url}/" for name in PROVIDERS}


def _message(**values: Any) -> OutgoingMessage:
    """A real one, with a name that needs quoting and encoding, and a text outside ASCII."""
    rendered = Rendered(subject="Frühling, endlich", text="Hallo Zoë\n", html="<p>Hallo Zoë</p>")
    given: dict[str, Any] = {"to": "ada@example.org", "to_name": "Müller, Ada", "sender": "Club <club@example.org>"}
    return build(
        rendered,
        email_id="e1",
        campaign_id="c1",
        unsubscribe_url=UNSUBSCRIBE,
        list_id="mailings.example.org",
        date=datetime(2026, 5, 4, 9, tzinfo=UTC),
        **given | values,
    )


def _send(mailer: Mailer, *, deadline: float = 5.0) -> Any:
    """The delivery, or the failure."""
    try:
        return mailer.send(_message(), deadline=deadline)
    except DeliveryFailed as error:
        return error
    finally:
        mailer.close()


@mock_aws
def test_amazon_takes_the_message_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    boto3.client("sesv2", region_name="eu-west-1").create_email_identity(EmailIdentity="club@example.org")

    delivery = open_mailer("ses://?region=eu-west-1").send(_message(), deadline=5.0)

    assert isinstance(delivery, Accepted)
    assert delivery.provider_id


def test_amazon_gets_our_bytes_the_recipient_our_ids_and_the_configuration_set(api: ApiServer) -> None:
    api.answer = TAKEN[SES]

    delivery = _send(open_mailer(SES))

    assert delivery == Accepted("provider-1")
    [(path, _, body)] = api.requests
    asked = json.loads(body)
    assert path == "/v2/email/outbound-emails"
    assert base64.b64decode(asked["Content"]["Raw"]["Data"]) == _message().data
    assert asked["Destination"] == {"ToAddresses": ["ada@example.org"]}
    assert asked["EmailTags"] == [{"Name": "email_id", "Value": "e1"}, {"Name": "campaign_id", "Value": "c1"}]
    assert asked["ConfigurationSetName"] == "crm"


@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_gets_both_parts_our_headers_and_our_ids(api: ApiServer, provider: str) -> None:
    message = _message(sender="Club <club@example.org>")
    answered = message.data.replace(b"Message-ID:", b"Reply-To: Ada <answers@example.org>\r\nMessage-ID:", 1)

    open_mailer(f"anymail:{provider}").send(replace(message, data=answered), deadline=5.0)

    [(_, _, body)] = api.requests
    text = _readable(body)
    for wanted in (
        "Frühling, endlich",
        "<p>Hallo Zoë</p>",
        "Hallo Zoë\n",
        UNSUBSCRIBE,
        "List-Unsubscribe=One-Click",
        "<mailings.example.org>",
        "<e1@example.org>",
        "answers@example.org",
        "ada@example.org",
        "X-Email-Id",
        "email_id",
        "campaign-c1",
    ):
        assert wanted in text, wanted
    assert "Müller, Ada" in text or "=?utf-8?b?" in text


def _readable(body: bytes) -> str:
    """All that a request says, in one text: JSON, a form, or a form in parts."""
    if body.startswith(b"{"):
        return " ".join(_texts(json.loads(body)))
    if not body.startswith(b"--"):
        return unquote_plus(body.decode())
    boundary = body.split(b"\r\n")[0][2:]
    form: Any = message_from_bytes(b"Content-Type: multipart/form-data; boundary=" + boundary + b"\r\n\r\n" + body)
    return " ".join(f"{part['Content-Disposition']} {part.get_payload(decode=True).decode()}" for part in form.get_payload())


def _texts(value: Any) -> Iterator[str]:
    """Every name and every text of some JSON."""
    if isinstance(value, dict | list):
        for one in [*value, *(value.values() if isinstance(value, dict) else [])]:
            yield from _texts(one)
    else:
        yield str(value)


@pytest.mark.parametrize("url", [SES, POSTMARK])
def test_a_kept_connection_serves_the_next_message(api: ApiServer, url: str) -> None:
    api.answer = TAKEN[url]
    mailer = open_mailer(url)

    answers = [mailer.send(_message(), deadline=5.0) for _ in range(2)]
    mailer.close()

    assert answers == [Accepted("provider-1")] * 2
    assert len(api.requests) == 2


@pytest.mark.parametrize("url", [SES, POSTMARK])
def test_a_kept_connection_that_the_provider_has_closed_is_replaced_before_anything_is_asked(api: ApiServer, url: str) -> None:
    api.answer, api.hangs_up = TAKEN[url], True
    mailer = open_mailer(url)

    answers = []
    for _ in range(3):
        answers.append(mailer.send(_message(), deadline=5.0))
        time.sleep(0.05)
    mailer.close()

    assert answers == [Accepted("provider-1")] * 3
    assert len(api.requests) == 3


@pytest.mark.parametrize("url", [SES, POSTMARK])
@pytest.mark.parametrize("answer", [BREAK, (200, "no JSON"), (502, {}), (504, {})])
def test_a_request_without_a_clear_answer_may_have_been_sent_and_is_asked_once(
    api: ApiServer, url: str, answer: tuple[int, Any] | str
) -> None:
    api.answer = answer

    delivery = _send(open_mailer(url))

    assert isinstance(delivery, Uncertain)
    assert len(api.requests) == 1


@pytest.mark.parametrize("url", [SES, POSTMARK])
def test_a_provider_that_stalls_after_the_request_leaves_us_uncertain_within_the_deadline(api: ApiServer, url: str) -> None:
    api.answer = STALL
    mailer = open_mailer(url)
    before = datetime.now(UTC)

    delivery = _send(mailer, deadline=0.6)

    assert isinstance(delivery, Uncertain)
    assert (datetime.now(UTC) - before).total_seconds() < 5
    assert len(api.requests) == 1


def test_a_hand_over_that_is_given_up_before_it_began_never_begins(api: ApiServer) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def dawdle(**_: object) -> None:
        begun.set()
        go_on.wait(5)

    pre_send.connect(dawdle)
    try:
        failure = _send(open_mailer(POSTMARK), deadline=0.1)
    finally:
        go_on.set()
        pre_send.disconnect(dawdle)
    time.sleep(0.1)

    assert begun.is_set()
    assert isinstance(failure, DeliveryFailed)
    assert (failure.permanent, failure.whole_provider) == ALL
    assert api.requests == []


@pytest.mark.parametrize("url", [SES, POSTMARK])
def test_threads_share_a_mailer(api: ApiServer, url: str) -> None:
    api.answer = TAKEN[url]
    mailer = open_mailer(url)

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: mailer.send(_message(), deadline=10.0), range(12)))
    mailer.close()

    assert answers == [Accepted("provider-1")] * 12
    assert len(api.requests) == 12


@pytest.mark.parametrize("url", [SES, POSTMARK])
def test_a_provider_that_refuses_the_connection_got_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        _lead_to(f"http://127.0.0.1:{held.getsockname()[1]}", monkeypatch, settings)

        failure = _send(open_mailer(url))

    assert isinstance(failure, DeliveryFailed)
    assert (failure.permanent, failure.whole_provider) == (False, True)
    assert failure.message == "The mail provider can't be reached: connection refused"


ONE, NOW, ALL = (True, False), (False, False), (False, True)
"""(permanent, whole_provider): for this recipient for good, for now, or for everybody."""


def _meanings(mailer: Mailer, api: ApiServer, cases: Sequence[tuple[int, Any, tuple[bool, bool]]]) -> list[Any]:
    """What each answer means, as the cases have it; one request for each."""
    found: list[Any] = []
    for status, body, _ in cases:
        api.answer = (status, body)
        with pytest.raises(DeliveryFailed) as caught:
            mailer.send(_message(), deadline=5.0)
        assert "@" not in caught.value.message
        found.append((status, body, (caught.value.permanent, caught.value.whole_provider)))
    mailer.close()
    assert len(api.requests) == len(cases)
    return found


def _amazons(status: int, code: str, message: str, meaning: tuple[bool, bool]) -> tuple[int, Any, tuple[bool, bool]]:
    return status, {"__type": code, "message": message}, meaning


def test_a_refusal_of_amazons_is_for_one_for_now_or_for_all(api: ApiServer) -> None:
    sandbox = "Email address is not verified. The following identities failed the check in region EU-WEST-1: ada@example.org"
    cases = [
        _amazons(400, "BadRequestException", "Invalid recipient", ONE),
        _amazons(400, "MessageRejected", "Message contained a virus", ONE),
        _amazons(413, "RequestEntityTooLarge", "Too large", ONE),
        _amazons(500, "InternalFailure", "Oops", NOW),
        _amazons(503, "ServiceUnavailable", "Later", NOW),
        _amazons(429, "TooManyRequestsException", "Maximum sending rate exceeded.", ALL),
        _amazons(429, "TooManyRequestsException", "Daily message quota exceeded.", ALL),
        _amazons(400, "ThrottlingException", "Rate exceeded", ALL),
        _amazons(400, "LimitExceededException", "Quota", ALL),
        _amazons(400, "AccountSuspendedException", "Suspended", ALL),
        _amazons(400, "SendingPausedException", "Paused", ALL),
        _amazons(400, "MailFromDomainNotVerifiedException", "No", ALL),
        _amazons(404, "NotFoundException", "Configuration set <crm> does not exist.", ALL),
        _amazons(403, "InvalidSignatureException", "The key", ALL),
        _amazons(403, "UnrecognizedClientException", "The token is invalid", ALL),
        _amazons(400, "MessageRejected", sandbox, ALL),
    ]

    found = _meanings(open_mailer(SES), api, cases)

    assert found == cases


def test_a_refusal_over_http_is_for_one_for_now_or_for_all(api: ApiServer) -> None:
    inactive = "Found inactive addresses: ada@example.org. Inactive recipients are ones …"
    cases: list[tuple[int, Any, tuple[bool, bool]]] = [
        (422, {"ErrorCode": 300, "Message": "Invalid 'To' address: 'ada@example.org'."}, ONE),
        (422, {"ErrorCode": 406, "Message": inactive}, ONE),
        (422, {"ErrorCode": 400, "Message": "The 'From' address you supplied is not a Sender Signature on your account."}, ALL),
        (422, {"ErrorCode": 412, "Message": "While your account is pending approval …"}, ALL),
        (401, {"ErrorCode": 10, "Message": "No Account or Server API tokens were supplied"}, ALL),
        (429, {}, ALL),
        (302, {}, ALL),
        (500, "broken", NOW),
        (503, {"ErrorCode": 100, "Message": "Maintenance"}, NOW),
    ]

    found = _meanings(open_mailer(POSTMARK), api, cases)

    assert found == cases


def test_without_credentials_nothing_is_asked(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")

    failure = _send(open_mailer(SES))

    assert isinstance(failure, DeliveryFailed)
    assert (failure.permanent, failure.whole_provider) == ALL
    assert failure.message == "The mail provider can't be used: Unable to locate credentials"
    assert api.requests == []


@pytest.mark.parametrize("url", [SES, POSTMARK])
def test_an_address_that_no_api_takes_is_refused_before_anybody_is_asked(api: ApiServer, url: str) -> None:
    message = OutgoingMessage(email_id="e1", sender="club@example.org", recipient="zoë@example.org", data=b"Subject: x\r\n\r\nx")

    with pytest.raises(DeliveryFailed, match="letters outside ASCII") as caught:
        open_mailer(url).send(message, deadline=5.0)

    assert caught.value.permanent
    assert api.requests == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("anymail:nobody", "write anymail: and one of brevo"),
        ("anymail:amazon_ses", "write ses://"),
        ("anymail:postmark", "ANYMAIL_POSTMARK_SERVER_TOKEN is not set"),
        ("ses://host", "write smtp"),
        ("ses://?key=secret", "the only options"),
        ("ses://?region=here", "like eu-central-1"),
        ("ses://?configuration_set=a%20b", "is a name"),
    ],
)
def test_an_address_that_names_no_provider_says_what_to_write(url: str, says: str, settings: Settings) -> None:
    settings.ANYMAIL = {}

    with pytest.raises(ValueError, match="EMAIL_URL can't be used") as caught:
        open_mailer(url)

    assert says in str(caught.value)
    assert "secret" not in str(caught.value)
