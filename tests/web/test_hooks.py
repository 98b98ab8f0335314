"""What providers tell: believed when it is proven, taken once, and answered so that it comes again where that helps."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from crm.domain.emails import Email, EmailState
from crm.domain.errors import StoreUnavailable
from crm.domain.people import EmailStatus, Person
from crm.mail import sns
from crm.services.verify import differences
from crm.store import Store
from tests.web.amazon import (
    ADDRESS,
    CERTIFICATE,
    CONFIRM,
    HOST,
    NOW,
    OTHER_KEY,
    TOPIC,
    Amazon,
    certificate,
    envelope,
    mail_somebody,
    post,
    signed,
    told_of,
)


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Amazon:
    amazon = Amazon(pages={CERTIFICATE: certificate(), CONFIRM: b"<ok/>"})
    monkeypatch.setattr(sns, "CERTIFICATES", sns.Certificates(amazon.fetch))
    monkeypatch.setattr(sns, "fetch", amazon.fetch)
    settings.SNS_TOPIC_ARNS = [TOPIC]
    return amazon


@pytest.fixture
def mailed(site: Store) -> tuple[Person, Email]:
    return mail_somebody(site)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [{}, {"Subject": "Amazon SES"}])
def test_a_signed_message_is_taken(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email], version: str, subject: dict[str, str]
) -> None:
    _, email = mailed

    answer = post(signed(envelope(told_of(email), SignatureVersion=version, **subject)))

    assert (answer.status_code, answer.content) == (200, b"taken: 1\n")
    assert site.emails.get(email.id).delivered_at == NOW
    assert differences(site) == []


def test_a_message_that_is_repeated_is_taken_once_and_its_certificate_fetched_once(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email]
) -> None:
    message = signed(envelope(told_of(mailed[1])))

    answers = [post(message) for _ in range(3)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"taken: 1\n"), *[(200, b"taken: 0\n")] * 2]
    assert amazon.asked == [CERTIFICATE]
    assert differences(site) == []


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_messages_in_another_order_come_to_the_same(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email], order: tuple[int, ...]
) -> None:
    person, email = mailed
    messages = [
        told_of(email, "Send"),
        told_of(email, "Delivery"),
        told_of(email, "Complaint", complaintFeedbackType="abuse", timestamp=(NOW + timedelta(seconds=1)).isoformat()),
    ]

    for number in order:
        post(signed(envelope(messages[number], MessageId=f"m-{number}")))

    stored = site.emails.get(email.id)
    assert (stored.status, stored.delivered_at is None, stored.complained_at is None) == (EmailState.SENT, False, False)
    assert site.people.get(person.id).email_status is EmailStatus.COMPLAINED
    assert differences(site) == []


def _foreign(message: dict[str, str]) -> dict[str, str]:
    return signed(message | {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:crm-mail"})


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
    amazon.pages[url] = certificate()

    answer = post(signed(envelope(told_of(mailed[1]), SigningCertURL=url)))

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
    answer = post(signed(envelope(told_of(mailed[1]))) | change)

    assert answer.status_code == 403
    assert site.emails.get(mailed[1].id).delivered_at is None


def test_a_message_signed_by_somebody_else_or_of_a_foreign_topic_is_forged(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email]
) -> None:
    message = envelope(told_of(mailed[1]))

    answers = [post(signed(message, key=OTHER_KEY)), post(_foreign(message))]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert site.emails.get(mailed[1].id).delivered_at is None


@pytest.mark.parametrize("age", [timedelta(days=1, minutes=1), timedelta(minutes=-16)])
def test_a_message_that_is_too_old_or_ahead_of_time_is_refused(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email], age: timedelta
) -> None:
    answer = post(signed(envelope(told_of(mailed[1]), Timestamp=(datetime.now(UTC) - age).isoformat())))

    assert answer.status_code == 403


def test_an_expired_certificate_proves_nothing(site: Store, amazon: Amazon, mailed: tuple[Person, Email]) -> None:
    amazon.pages[CERTIFICATE] = certificate(until=NOW - timedelta(seconds=1))

    answer = post(signed(envelope(told_of(mailed[1]))))

    assert answer.status_code == 403


@pytest.mark.parametrize("page", [None, b"no certificate"])
def test_while_the_certificate_can_t_be_had_amazon_is_told_to_come_again(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email], page: bytes | None
) -> None:
    amazon.pages = {CERTIFICATE: page} if page else {}
    message = signed(envelope(told_of(mailed[1])))

    first = post(message)
    amazon.pages = {CERTIFICATE: certificate()}
    second = post(message)

    assert (first.status_code, second.status_code) == (503, 200)


def test_while_the_table_is_away_amazon_is_told_to_come_again(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(site.table, "write", away)

    answer = post(signed(envelope(told_of(mailed[1]))))

    assert answer.status_code == 503


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"Type": "Notification"}', b"\xff", b"[" * 100_000, b'{"eventType": "Bounce", "mail": {}}']
)
def test_what_is_no_message_of_amazons_is_malformed(site: Store, amazon: Amazon, body: bytes) -> None:
    answer = post(body)

    assert answer.status_code == 400
    assert amazon.asked == []


def test_a_message_that_is_too_long_is_refused_unread(site: Store, amazon: Amazon) -> None:
    answer = post(b"x" * (1024 * 1024 + 1))

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

    answer = post(signed(envelope(told)))

    assert (answer.status_code, answer.content) == (200, b"taken: 0\n")
    assert list(site.table.scan()) == before


def test_without_topics_the_hook_is_off(site: Store, amazon: Amazon, settings: Settings) -> None:
    settings.SNS_TOPIC_ARNS = []

    answer = post(signed(envelope("x")))

    assert answer.status_code == 404


def test_the_hook_takes_posts_alone(site: Store, amazon: Amazon) -> None:
    answers = [Client().get("/hooks/ses/"), Client().put("/hooks/ses/"), Client().get("/hooks/postmark/")]

    assert [answer.status_code for answer in answers] == [405] * 3


def test_a_subscription_to_our_topic_is_confirmed_at_amazons_address(site: Store, amazon: Amazon) -> None:
    message = envelope("You have chosen …", Type="SubscriptionConfirmation", Token="t", SubscribeURL=CONFIRM)

    answers = [post(signed(message)), post(signed(message | {"Type": "UnsubscribeConfirmation"}))]

    assert [answer.content for answer in answers] == [b"confirmed\n", b"taken: 0\n"]
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
    message = envelope("x", Type="SubscriptionConfirmation", Token="t", SubscribeURL=CONFIRM) | change

    answer = post(signed(message))

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

    post(signed(envelope(told_of(email, "DeliveryDelay", delayedRecipients=[{"diagnosticCode": "smtp; 452 4.2.2 full"}]))))
    delayed = site.emails.get(email.id)
    bounce = {"bounceType": "Transient", "bounceSubType": "MailboxFull", "bouncedRecipients": [{"emailAddress": ADDRESS}]}
    post(signed(envelope(told_of(email, "Bounce", **bounce), MessageId="m-2")))
    soft, still = site.emails.get(email.id), site.people.get(person.id)
    said = {"emailAddress": ADDRESS, "diagnosticCode": f"smtp; 550 5.1.1 <{ADDRESS}>: unknown"}
    hard = {"bounceType": "Permanent", "bouncedRecipients": [said], "timestamp": late}
    post(signed(envelope(told_of(email, "Bounce", **hard), MessageId="m-3")))
    post(signed(envelope(told_of(email, "Complaint", complaintFeedbackType="not-spam"), MessageId="m-4")))

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
    told = told_of(mailed[1], "Reject", reason="Bad content")
    told["notificationType"] = told.pop("eventType")
    told["mail"] = {"headers": [{"name": "From", "value": "x"}, {"name": "X-Email-ID", "value": mailed[1].id}]}

    post(signed(envelope(told)))

    rejected = site.emails.get(mailed[1].id)
    assert (rejected.status, rejected.error) == (EmailState.FAILED, "Amazon SES: Bad content")
    assert differences(site) == []


def test_opens_and_clicks_that_amazon_counts_are_classed_by_who_they_say_they_are(
    site: Store, amazon: Amazon, mailed: tuple[Person, Email]
) -> None:
    browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

    post(signed(envelope(told_of(mailed[1], "Click", link="https://example.org/", userAgent="curl/8.5.0"))))
    scanned = site.emails.get(mailed[1].id)
    post(signed(envelope(told_of(mailed[1], "Open", userAgent=browser), MessageId="m-2")))

    opened = site.emails.get(mailed[1].id)
    assert (scanned.clicked_at, scanned.clicked_any_at) == (None, NOW)
    assert opened.opened_at == NOW
    assert differences(site) == []
