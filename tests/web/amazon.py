"""Amazon SNS as the tests play it: a key pair and certificate of their own, really signed messages, and what is fetched."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from django.http import HttpResponse
from django.test import Client

from crm.domain.emails import Email
from crm.domain.people import Person
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


def certificate(*, key: rsa.RSAPrivateKey = KEY, until: datetime = NOW + timedelta(days=30)) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = built.serial_number(1).not_valid_before(NOW - timedelta(days=60)).not_valid_after(until)
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def signed(message: dict[str, str], *, key: rsa.RSAPrivateKey = KEY) -> dict[str, str]:
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


def envelope(told: object, **values: str) -> dict[str, str]:
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


def told_of(email: Email, kind: str = "Delivery", /, **told: Any) -> dict[str, Any]:
    """What SES says of an e-mail."""
    mail = {"messageId": "x", "destination": [ADDRESS], "tags": {"email_id": [email.id], "ses:configuration-set": ["crm"]}}
    member = {"DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower())
    return {"eventType": kind, "mail": mail, member: {"timestamp": NOW.isoformat()} | told}


def post(message: object) -> HttpResponse:
    """Send it to our address, as Amazon does."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return Client(enforce_csrf_checks=True).post("/hooks/ses/", body, content_type="text/plain; charset=utf-8")


def mail_somebody(store: Store) -> tuple[Person, Email]:
    """Somebody who was sent an e-mail of a campaign ten minutes ago."""
    person = store.people.create(make_person(email=ADDRESS))
    campaign = store.campaigns.create(make_campaign())
    sent = NOW - timedelta(minutes=10)
    email = make_email(campaign_id=campaign.id, user_id=person.id, email=ADDRESS, created_at=sent, sent_at=sent)
    keep_emails(store, [email])
    return person, email
