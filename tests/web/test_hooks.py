"""What providers tell: believed when it is proven, taken once, and answered so that it comes again where that helps."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from crm.domain.emails import Email, EmailState
from crm.domain.errors import StoreUnavailable
from crm.domain.people import EmailStatus, Person
from crm.mail import sns
from crm.services.verify import differences
from crm.store import Store
from tests.factories import make_campaign, make_person
from tests.mailings import keep_emails, make_email

TOPIC = "arn:aws:sns:eu-west-1:123456789012:crm-mail"
HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-0123abc.pem"
CONFIRM = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOW = datetime.now(UTC).replace(microsecond=0)
ADDRESS = "ada@example.org"


@dataclass
class Amazon:
    """What is fetched from Amazon: certificates, and confirmations, with a list of what was asked for."""

    pages: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if url not in self.pages:
            raise OSError("away")
        return self.pages[url]


def _certificate(*, key: rsa.RSAPrivateKey = KEY, until: datetime = NOW + timedelta(days=30)) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = built.serial_number(1).not_valid_before(NOW - timedelta(days=60)).not_valid_after(until)
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _signed(message: dict[str, str], *, key: rsa.RSAPrivateKey = KEY) -> dict[str, str]:
    """The message with Amazon's signature, by the rules of its developer guide, written down here once more."""
    of_kind = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    if message["Type"] != "Notification":
        of_kind = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{message[name]}\n" for name in of_kind if name in message)
    algorithm: hashes.HashAlgorithm = hashes.SHA256()
    if message["SignatureVersion"] == "1":
        algorithm = hashes.SHA1()  # noqa: S303  # what Amazon signs with by default
    signature = key.sign(text.encode(), padding.PKCS1v15(), algorithm)
    return message | {"Signature": base64.b64encode(signature).decode()}


def _envelope(told: object, **values: str) -> dict[str, str]:
    """A notification before it is signed."""
    given = {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Message": told if isinstance(told, str) else json.dumps(told),
        "Timestamp": NOW.isoformat().replace("+00:00", ".000Z"),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE,
    }
    return given | values


def _told(email: Email, kind: str = "Delivery", /, **told: Any) -> dict[str, Any]:
    """What SES says of an e-mail."""
    mail = {"messageId": "x", "destination": [ADDRESS], "tags": {"email_id": [email.id], "ses:configuration-set": ["crm"]}}
    member = {"DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower())
    return {"eventType": kind, "mail": mail, member: {"timestamp": NOW.isoformat()} | told}


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Amazon:
    amazon = Amazon(pages={CERTIFICATE: _certificate(), CONFIRM: b"<ok/>"})
    monkeypatch.setattr(sns, "CERTIFICATES", sns.Certificates(amazon.fetch))
    monkeypatch.setattr(sns, "fetch", amazon.fetch)
    settings.SNS_TOPIC_ARNS = [TOPIC]
    return amazon


@pytest.fixture
def mailed(site: Store) -> tuple[Person, Email]:
    person = site.people.create(make_person(email=ADDRESS))
    campaign = site.campaigns.create(make_campaign())
    sent = NOW - timedelta(minutes=10)
    email = make_email(campaign_id=campaign.id, user_id=person.id, email=ADDRESS, created_at=sent, sent_at=sent)
    keep_emails(site, [email])
    return person, email


def _post(message: object, path: str = "/hooks/ses/", **headers: str) -> HttpResponse:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    client = Client(enforce_csrf_checks=True)
    return client.post(path, body, content_type="text/plain; charset=utf-8", headers=headers or None)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [{}, {"Subject": "Amazon SES"}])
def test_a_signed_message_is_taken(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email], version: str, subject: dict[str, str]
) -> None:
    _, email = mailed

    answer = _post(_signed(_envelope(_told(email), SignatureVersion=version, **subject)))

    assert (answer.status_code, answer.content) == (200, b"taken: 1\n")
    assert site.emails.get(email.id).delivered_at == NOW
    assert differences(site) == []


def test_a_message_that_is_repeated_is_taken_once_and_its_certificate_fetched_once(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email]
) -> None:
    message = _signed(_envelope(_told(mailed[1])))

    answers = [_post(message) for _ in range(3)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"taken: 1\n"), *[(200, b"taken: 0\n")] * 2]
    assert amazon.asked == [CERTIFICATE]
    assert differences(site) == []


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_messages_in_another_order_come_to_the_same(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email], order: tuple[int, ...]
) -> None:
    person, email = mailed
    messages = [
        _told(email, "Send"),
        _told(email, "Delivery"),
        _told(email, "Complaint", complaintFeedbackType="abuse", timestamp=(NOW + timedelta(seconds=1)).isoformat()),
    ]

    for number in order:
        _post(_signed(_envelope(messages[number], MessageId=f"m-{number}")))

    stored = site.emails.get(email.id)
    assert (stored.status, stored.delivered_at is None, stored.complained_at is None) == (EmailState.SENT, False, False)
    assert site.people.get(person.id).email_status is EmailStatus.COMPLAINED
    assert differences(site) == []


def _foreign(message: dict[str, str]) -> dict[str, str]:
    return _signed(message | {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:crm-mail"})


LOOK_ALIKES = [
    "http://sns.eu-west-1.amazonaws.com/a.pem",
    "https://evil.example/a.pem",
    "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
    "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
    "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
    "https://sns.evil.example.amazonaws.com/a.pem",
    "https://xsns.eu-west-1.amazonaws.com/a.pem",
    "https://snsxeu-west-1.amazonaws.com/a.pem",
    "https://bucket.s3.eu-west-1.amazonaws.com/a.pem",
    "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
    "https://sns.eu-west-1.amazonaws.com/a.txt",
    "https://sns.eu-west-1.amazonaws.com/?x=.pem",
    "https://sns.eu-west-1.amazonaws.com\\@evil.example/a.pem",
    "https://[::1/a.pem",
    "file:///etc/a.pem",
]


@pytest.mark.parametrize("url", LOOK_ALIKES)
def test_a_certificate_at_any_other_address_is_not_even_fetched(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email], url: str
) -> None:
    amazon.pages[url] = _certificate()

    answer = _post(_signed(_envelope(_told(mailed[1]), SigningCertURL=url)))

    assert answer.status_code == 403
    assert amazon.asked == []
    assert site.emails.get(mailed[1].id).delivered_at is None


CHANGES = [
    {"Message": '{"eventType": "Bounce"}'},
    {"MessageId": "m-2"},
    {"Timestamp": (NOW + timedelta(seconds=1)).isoformat()},
    {"Subject": "added"},
    {"Signature": "AAAA"},
    {"Signature": "no base64 ö"},
    {"SignatureVersion": "1"},
    {"SignatureVersion": "3"},
    {"Type": "UnsubscribeConfirmation", "Token": "t", "SubscribeURL": CONFIRM},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_message_with_one_field_changed_is_forged(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email], change: dict[str, str]
) -> None:
    answer = _post(_signed(_envelope(_told(mailed[1]))) | change)

    assert answer.status_code == 403
    assert site.emails.get(mailed[1].id).delivered_at is None


def test_a_message_signed_by_somebody_else_or_of_a_foreign_topic_is_forged(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email]
) -> None:
    message = _envelope(_told(mailed[1]))

    answers = [_post(_signed(message, key=OTHER_KEY)), _post(_foreign(message))]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert site.emails.get(mailed[1].id).delivered_at is None


@pytest.mark.parametrize("age", [timedelta(days=1, minutes=1), timedelta(minutes=-16)])
def test_a_message_that_is_too_old_or_ahead_of_time_is_refused(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email], age: timedelta
) -> None:
    answer = _post(_signed(_envelope(_told(mailed[1]), Timestamp=(datetime.now(UTC) - age).isoformat())))

    assert answer.status_code == 403


def test_an_expired_certificate_proves_nothing(site: Store, amazon: Amazon, mailed: tuple[Person, Email]) -> None:
    amazon.pages[CERTIFICATE] = _certificate(until=NOW - timedelta(seconds=1))

    answer = _post(_signed(_envelope(_told(mailed[1]))))

    assert answer.status_code == 403


@pytest.mark.parametrize("page", [None, b"no certificate"])
def test_while_the_certificate_can_t_be_had_amazon_is_told_to_come_again(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email], page: bytes | None
) -> None:
    amazon.pages = {CERTIFICATE: page} if page else {}
    message = _signed(_envelope(_told(mailed[1])))

    first = _post(message)
    amazon.pages = {CERTIFICATE: _certificate()}
    second = _post(message)

    assert (first.status_code, second.status_code) == (503, 200)


def test_while_the_table_is_away_amazon_is_told_to_come_again(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(site.table, "write", away)

    answer = _post(_signed(_envelope(_told(mailed[1]))))

    assert answer.status_code == 503


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"Type": "Notification"}', b"\xff", b"[" * 100_000, b'{"eventType": "Bounce", "mail": {}}']
)
def test_what_is_no_message_of_amazons_is_malformed(site: Store, amazon: Amazon, body: bytes) -> None:
    answer = _post(body)

    assert answer.status_code == 400
    assert amazon.asked == []


def test_a_message_that_is_too_long_is_refused_unread(site: Store, amazon: Amazon) -> None:
    answer = _post(b"x" * (1024 * 1024 + 1))

    assert answer.status_code == 413


@pytest.mark.parametrize(
    "told",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        "[]",
        {"eventType": "Delivery", "mail": {"tags": {"email_id": ["not/ours #"]}}, "delivery": {}},
        {"eventType": "Delivery", "mail": {"tags": {"email_id": ["0" * 32]}}, "delivery": {}},
        {"eventType": ["Delivery"], "mail": {"tags": [], "headers": [1]}},
        {"eventType": "Subscription", "mail": {}},
        {"notificationType": "Received", "mail": {"headers": {}}},
    ],
)
def test_a_proven_message_about_nothing_we_know_is_answered_with_a_yes(site: Store, amazon: Amazon, told: object) -> None:
    before = list(site.table.scan())

    answer = _post(_signed(_envelope(told)))

    assert (answer.status_code, answer.content) == (200, b"taken: 0\n")
    assert list(site.table.scan()) == before


def test_without_topics_the_hook_is_off(site: Store, amazon: Amazon, settings: Settings) -> None:
    settings.SNS_TOPIC_ARNS = []

    answer = _post(_signed(_envelope("x")))

    assert answer.status_code == 404


def test_the_hook_takes_posts_alone(site: Store, amazon: Amazon) -> None:
    answers = [Client().get("/hooks/ses/"), Client().put("/hooks/ses/"), Client().get("/hooks/postmark/")]

    assert [answer.status_code for answer in answers] == [405] * 3


def test_a_subscription_to_our_topic_is_confirmed_at_amazons_address(site: Store, amazon: Amazon) -> None:
    message = _envelope("You have chosen …", Type="SubscriptionConfirmation", Token="t", SubscribeURL=CONFIRM)

    answers = [_post(_signed(message)), _post(_signed(message | {"Type": "UnsubscribeConfirmation"}))]

    assert [answer.content for answer in answers] == [b"confirmed\n", b"noted\n"]
    assert amazon.asked == [CERTIFICATE, CONFIRM]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"SubscribeURL": "https://evil.example/?Action=ConfirmSubscription"}, 403),
        ({"TopicArn": "arn:aws:sns:eu-west-1:999999999999:x"}, 403),
        ({"SubscribeURL": f"{HOST}/?away"}, 503),
    ],
)
def test_a_subscription_is_not_confirmed_anywhere_else(site: Store, amazon: Amazon, change: dict[str, str], status: int) -> None:
    message = _envelope("x", Type="SubscriptionConfirmation", Token="t", SubscribeURL=CONFIRM) | change

    answer = _post(_signed(message))

    assert answer.status_code == status
    assert CONFIRM not in amazon.asked


def test_nothing_is_fetched_but_from_amazon() -> None:
    with pytest.raises(OSError, match="not an address of SNS"):
        sns.fetch("https://example.org/a.pem")


def test_what_amazon_says_of_bounces_complaints_rejects_and_delays_is_understood(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email]
) -> None:
    person, email = mailed
    late = (NOW + timedelta(seconds=5)).isoformat()

    _post(_signed(_envelope(_told(email, "DeliveryDelay", delayedRecipients=[{"diagnosticCode": "smtp; 452 4.2.2 full"}]))))
    delayed = site.emails.get(email.id)
    bounce = {"bounceType": "Transient", "bounceSubType": "MailboxFull", "bouncedRecipients": [{"emailAddress": ADDRESS}]}
    _post(_signed(_envelope(_told(email, "Bounce", **bounce), MessageId="m-2")))
    soft, still = site.emails.get(email.id), site.people.get(person.id)
    said = {"emailAddress": ADDRESS, "diagnosticCode": f"smtp; 550 5.1.1 <{ADDRESS}>: unknown"}
    hard = {"bounceType": "Permanent", "bouncedRecipients": [said], "timestamp": late}
    _post(_signed(_envelope(_told(email, "Bounce", **hard), MessageId="m-3")))
    _post(_signed(_envelope(_told(email, "Complaint", complaintFeedbackType="not-spam"), MessageId="m-4")))

    assert delayed.error == "452 4.2.2 full"
    assert (soft.error, soft.bounced_at) == ("Amazon SES: Transient, MailboxFull", NOW)
    assert still.email_status is EmailStatus.MAILABLE
    after = site.emails.get(email.id)
    assert (after.error, after.bounced_at, after.complained_at) == ("550 5.1.1 (address): unknown", NOW, None)
    assert site.people.get(person.id).email_status is EmailStatus.BOUNCED
    assert differences(site) == []


def test_an_identitys_notification_names_the_e_mail_by_its_header(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email]
) -> None:
    told = _told(mailed[1], "Reject", reason="Bad content")
    told["notificationType"] = told.pop("eventType")
    told["mail"] = {"headers": [{"name": "From", "value": "x"}, {"name": "X-Email-ID", "value": mailed[1].id}]}

    _post(_signed(_envelope(told)))

    rejected = site.emails.get(mailed[1].id)
    assert (rejected.status, rejected.error) == (EmailState.FAILED, "Amazon SES: Bad content")
    assert differences(site) == []


def test_opens_and_clicks_that_amazon_counts_are_classed_by_who_they_say_they_are(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email]
) -> None:
    browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

    _post(_signed(_envelope(_told(mailed[1], "Click", link="https://example.org/", userAgent="curl/8.5.0"))))
    scanned = site.emails.get(mailed[1].id)
    _post(_signed(_envelope(_told(mailed[1], "Open", userAgent=browser), MessageId="m-2")))

    opened = site.emails.get(mailed[1].id)
    assert (scanned.clicked_at, scanned.clicked_any_at) == (None, NOW)
    assert opened.opened_at == NOW
    assert differences(site) == []


# --- the others, by Anymail -----------------------------------------------------------------------------------------------

SECRET = "crm:a-long-secret"
BASIC = "Basic " + base64.b64encode(SECRET.encode()).decode()
STAMP = int(NOW.timestamp())


@pytest.fixture
def shared(settings: Settings) -> Iterator[None]:
    keys = {"MAILGUN_API_KEY": "k", "MAILGUN_WEBHOOK_SIGNING_KEY": "sign", "MANDRILL_WEBHOOK_KEY": "sign"}
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, **keys}
    return iter(())


def _bounce(provider: str, email_id: str, *, hard: bool) -> Any:
    """A bounce as each provider tells it, by its documentation."""
    ids = {"email_id": email_id, "campaign_id": "c"}
    as_headers = [{"name": "X-Metadata", "value": json.dumps(ids)}]
    signature = hmac.new(b"sign", f"{STAMP}token".encode(), hashlib.sha256).hexdigest()
    return {
        "brevo": {
            "event": "hard_bounce" if hard else "soft_bounce",
            "email": ADDRESS,
            "ts_epoch": STAMP * 1000,
            "reason": f"550 <{ADDRESS}> unknown",
            "X-Mailin-custom": json.dumps(ids),
        },
        "mailgun": {
            "signature": {"timestamp": str(STAMP), "token": "token", "signature": signature},
            "event-data": {
                "event": "failed",
                "severity": "permanent",
                "reason": "bounce" if hard else "espblock",
                "timestamp": STAMP,
                "recipient": ADDRESS,
                "user-variables": ids,
                "delivery-status": {"message": f"550 <{ADDRESS}> unknown"},
            },
        },
        "mailjet": [
            {
                "event": "bounce",
                "time": STAMP,
                "email": ADDRESS,
                "hard_bounce": hard,
                "error": "user unknown",
                "Payload": json.dumps(ids),
            }
        ],
        "mandrill": [
            {
                "event": "hard_bounce" if hard else "soft_bounce",
                "ts": STAMP,
                "_id": "x",
                "msg": {"email": ADDRESS, "metadata": ids, "diag": f"550 <{ADDRESS}> unknown"},
            }
        ],
        "postmark": {
            "RecordType": "Bounce",
            "Type": "HardBounce" if hard else "SoftBounce",
            "ID": 7,
            "BouncedAt": NOW.isoformat(),
            "Email": ADDRESS,
            "Details": f"550 <{ADDRESS}> unknown",
            "Metadata": ids,
        },
        "resend": {
            "type": "email.bounced",
            "created_at": NOW.isoformat(),
            "data": {
                "email_id": "x",
                "to": [ADDRESS],
                "headers": as_headers,
                "bounce": {"type": "Permanent" if hard else "Transient", "message": f"550 <{ADDRESS}> unknown"},
            },
        },
        "sendgrid": [
            {
                "event": "bounce",
                "type": "bounce" if hard else "blocked",
                "timestamp": STAMP,
                "email": ADDRESS,
                "sg_event_id": "x",
                "reason": f"550 <{ADDRESS}> unknown",
                **ids,
            }
        ],
        "sparkpost": [
            {
                "msys": {
                    "message_event": {
                        "type": "bounce",
                        "bounce_class": "10" if hard else "22",
                        "timestamp": str(STAMP),
                        "event_id": "x",
                        "rcpt_meta": ids,
                        "raw_rcpt_to": ADDRESS,
                        "raw_reason": f"550 <{ADDRESS}> unknown",
                    }
                }
            }
        ],
    }[provider]


def _tell(provider: str, told: Any, *, authorization: str = BASIC) -> HttpResponse:
    """Post it as the provider does."""
    path, headers = f"/hooks/{provider}/", {"authorization": authorization} if authorization else {}
    client = Client(enforce_csrf_checks=True)
    if provider != "mandrill":
        return client.post(path, json.dumps(told), content_type="application/json", headers=headers)
    form = {"mandrill_events": json.dumps(told)}
    signed = f"http://crm:a-long-secret@testserver{path}mandrill_events{form['mandrill_events']}"
    signature = base64.b64encode(hmac.new(b"sign", signed.encode(), hashlib.sha1).digest()).decode()
    body = urlencode(form)
    kind = "application/x-www-form-urlencoded"
    return client.post(path, body, content_type=kind, headers=headers | {"x-mandrill-signature": signature})


PROVIDERS = ["brevo", "mailgun", "mailjet", "mandrill", "postmark", "resend", "sendgrid", "sparkpost"]


@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("hard", [True, False])
def test_a_bounce_is_taken_once_from_every_provider_and_only_a_hard_one_suppresses(
    site: Store, shared: None, mailed: tuple[Person, Email], provider: str, hard: bool
) -> None:
    person, email = mailed

    answers = [_tell(provider, _bounce(provider, email.id, hard=hard)) for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"taken: 1\n"), (200, b"taken: 0\n")]
    bounced = site.emails.get(email.id)
    assert bounced.bounced_at == NOW
    assert "@" not in bounced.error
    assert site.people.get(person.id).email_status is (EmailStatus.BOUNCED if hard else EmailStatus.MAILABLE)
    assert differences(site) == []


@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_the_secret_nothing_is_taken(site: Store, shared: None, mailed: tuple[Person, Email], provider: str) -> None:
    told = _bounce(provider, mailed[1].id, hard=True)
    wrong = "Basic " + base64.b64encode(b"crm:guessed").decode()

    answers = [_tell(provider, told, authorization=""), _tell(provider, told, authorization=wrong)]

    assert [answer.status_code for answer in answers] == [401, 403]
    assert site.emails.get(mailed[1].id).bounced_at is None


@pytest.mark.parametrize("provider", ["mailgun", "mandrill"])
def test_where_a_provider_signs_the_secret_alone_is_not_enough(
    site: Store, shared: None, mailed: tuple[Person, Email], provider: str, settings: Settings
) -> None:
    settings.ANYMAIL = settings.ANYMAIL | {"MAILGUN_WEBHOOK_SIGNING_KEY": "other", "MANDRILL_WEBHOOK_KEY": "other"}

    answer = _tell(provider, _bounce(provider, mailed[1].id, hard=True))

    assert answer.status_code == 403
    assert site.emails.get(mailed[1].id).bounced_at is None


@pytest.mark.parametrize("provider", ["nobody", "amazon_ses", "os"])
def test_a_provider_that_we_don_t_know_is_not_there(site: Store, shared: None, provider: str) -> None:
    answer = _tell(provider, {})

    assert answer.status_code == 404


def test_a_provider_whose_key_is_missing_is_not_there(site: Store, settings: Settings) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}

    answers = [_tell("mailgun", {}), _tell("mandrill", [])]

    assert [answer.status_code for answer in answers] == [404, 404]


def test_without_a_secret_the_hooks_are_off(site: Store, settings: Settings, mailed: tuple[Person, Email]) -> None:
    settings.ANYMAIL = {}

    answer = _tell("postmark", _bounce("postmark", mailed[1].id, hard=True))

    assert answer.status_code == 404
    assert site.emails.get(mailed[1].id).bounced_at is None


@pytest.mark.parametrize("body", ["", "[1]", '{"RecordType": {}}', "no JSON", '{"Metadata": [1], "RecordType": "Open"}'])
def test_what_can_t_be_understood_is_malformed(site: Store, shared: None, body: str) -> None:
    headers = {"authorization": BASIC}

    answer = Client().post("/hooks/postmark/", body, content_type="application/json", headers=headers)

    assert answer.status_code == 400


def test_a_provider_may_look_whether_anybody_is_there(site: Store, shared: None) -> None:
    answer = Client().head("/hooks/mandrill/")

    assert answer.status_code == 200
