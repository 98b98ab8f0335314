"""What other providers tell: taken once, with the secret and, where there is one, the signature; only hard bounces suppress."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from crm.domain.emails import Email
from crm.domain.people import EmailStatus, Person
from crm.services.verify import differences
from crm.store import Store
from tests.web.amazon import ADDRESS, NOW, mail_somebody

SECRET = "crm:a-long-secret"
BASIC = "Basic " + base64.b64encode(SECRET.encode()).decode()
STAMP = int(NOW.timestamp())


@pytest.fixture
def mailed(site: Store) -> tuple[Person, Email]:
    return mail_somebody(site)


@pytest.fixture
def shared(settings: Settings) -> None:
    keys = {"MAILGUN_API_KEY": "k", "MAILGUN_WEBHOOK_SIGNING_KEY": "sign", "MANDRILL_WEBHOOK_KEY": "sign"}
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, **keys}


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
