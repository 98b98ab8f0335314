"""A campaign through a provider's API, and what the provider tells of it afterwards: the whole way there and back."""

import json
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from crm.domain.emails import EmailState
from crm.domain.people import EmailStatus
from crm.mail import open_mailer, sns
from crm.store import Store
from tests.conftest import Clock
from tests.jobs.mailing import accepted, assert_sound, crowd, drive, emails_of, make_work
from tests.mail.api_server import BREAK, api_server
from tests.web.amazon import CERTIFICATE, TOPIC, Amazon, certificate, envelope, post, signed


def test_what_amazon_was_given_is_what_amazon_tells_of(site: Store, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    amazon, clock = Amazon(pages={CERTIFICATE: certificate()}), Clock(now=datetime.now(UTC))
    monkeypatch.setattr(sns, "CERTIFICATES", sns.Certificates(amazon.fetch))
    settings.SNS_TOPIC_ARNS = [TOPIC]
    people = crowd(site, 2)
    campaign = accepted(site, clock())

    with api_server() as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", api.url)
        api.answer = BREAK
        drive(make_work(site, open_mailer("ses://?region=eu-west-1"), clock))
    lost = {email.status for email in emails_of(site, campaign)}
    for number, (_, _, body) in enumerate(api.requests):
        asked = json.loads(body)
        tags = {tag["Name"]: [tag["Value"]] for tag in asked["EmailTags"]}
        kind = {"eventType": "Bounce", "bounce": {"bounceType": "Permanent"}} if number else {"eventType": "Delivery"}
        told = kind | {"mail": {"destination": asked["Destination"]["ToAddresses"], "tags": tags}}
        assert post(signed(envelope(told, MessageId=f"m-{number}"))).content == b"taken: 1\n"

    assert len(api.requests) == 2
    assert lost == {EmailState.UNCERTAIN}
    assert {email.status for email in emails_of(site, campaign)} == {EmailState.SENT}
    assert sorted(site.people.get(person.id).email_status for person in people) == [EmailStatus.BOUNCED, EmailStatus.MAILABLE]
    assert_sound(site)
