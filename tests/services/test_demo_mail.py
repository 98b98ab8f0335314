"""What the demo says of its mail."""

from dataclasses import replace

from crm.services import mail_settings, templates
from crm.services.demo.mail import write_mail
from crm.services.verify import differences
from crm.store import Store
from tests.factories import NOW


def test_the_demo_has_a_verified_sender_an_address_and_two_templates(store: Store) -> None:
    write_mail(store, 1, NOW)

    assert mail_settings.senders(store, "Crew <crew@example.org>")[1:] == ["Events team <events@community.example>"]
    assert store.mail_settings.get().foot_address == "Community House, 12 Harbour Street, 4021 Port Elsewhere"
    assert [one.name for one in templates.offered(store)] == ["Meetup invitation", "Monthly newsletter"]
    assert differences(store) == []


def test_a_repeat_changes_nothing_that_staff_have_set(store: Store) -> None:
    write_mail(store, 1, NOW)
    settings = store.mail_settings.save(replace(store.mail_settings.get(), organisation="Ours", senders=()))
    first, _ = store.templates.all()
    edited = store.templates.save(replace(first, subject="Ours"))

    write_mail(store, 1, NOW)

    assert store.mail_settings.get() == settings
    assert store.templates.get(first.id) == edited
    assert len(store.templates.all()) == 2
