"""What the organisation says of its mail: kept under a version, senders verified, and what letters may be from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from crm.domain.campaigns import Letter
from crm.domain.errors import BadToken, Conflict, NotFound, RuleViolation
from crm.domain.links import Links
from crm.domain.mail_settings import MAX_SENDERS, Letterhead, MailSettings, Sender, mailbox, mark_of
from crm.jobs.message import sender_parts
from crm.services import campaigns, mail_settings
from crm.store import Store
from tests.conftest import LINK_KEYS, Clock
from tests.factories import NOW
from tests.jobs.mailing import EVERYBODY, crowd

CREW = "Crew <crew@example.org>"
DEFAULT = Letterhead(sender=CREW, organisation="The environment", postal_address="Its street")


def edit(store: Store, now: datetime, **values: Any) -> MailSettings:
    stored = store.mail_settings.get()
    plain: dict[str, Any] = {
        name: getattr(stored, name)
        for name in ("organisation", "postal_address", "colleagues", "tracking", "quiet_days", "keeping", "version")
    }
    return mail_settings.edit(store, **{**plain, **values}, actor="grace", now=now)


def verified(store: Store, now: datetime, address: str, name: str = "") -> Sender:
    sender = mail_settings.add_sender(store, name, address, actor="grace", now=now)
    return mail_settings.verify_sender(store, sender.mark, actor="ada", now=now)


def test_letters_say_what_staff_have_set_and_else_what_the_environment_says(store: Store, clock: Clock) -> None:
    before = mail_settings.letterhead(store, DEFAULT)

    edit(store, clock(), organisation=" Acme ", postal_address="Main Street 1,\r\n\r\n 10115  Berlin")

    assert before == DEFAULT
    assert mail_settings.letterhead(store, DEFAULT) == Letterhead(
        sender=CREW, organisation="Acme", postal_address="Main Street 1, 10115 Berlin"
    )


def test_what_is_set_is_stored_as_it_was(store: Store, clock: Clock) -> None:
    saved = edit(store, clock(), organisation="Acme", colleagues=("a@b.example",), tracking=False, quiet_days=30)
    sender = verified(store, clock(), "team@example.org", "Team")

    assert store.mail_settings.get() == replace(saved, senders=(sender,), version=3)


def test_an_edit_of_an_old_version_is_a_conflict_unless_it_changes_nothing(store: Store, clock: Clock) -> None:
    edit(store, clock(), organisation="Theirs")

    with pytest.raises(Conflict):
        edit(store, clock(), organisation="Mine", version=0)

    assert edit(store, clock(), organisation="Theirs", version=0).version == 1


def test_each_change_stands_in_the_audit_log_without_an_address(store: Store, clock: Clock) -> None:
    edit(store, clock(), organisation="Acme", colleagues=("ada@staff.example",))
    sender = verified(store, clock.pass_(minutes=1), "team@example.org")
    mail_settings.remove_sender(store, sender.mark, actor="ada", now=clock.pass_(minutes=1))

    entries = list(store.audit.of_month("2026-05"))

    assert {(one.action, one.actor, one.subject) for one in entries} == {
        ("mail.settings_edited", "grace", "mail"),
        ("mail.sender_added", "grace", sender.mark),
        ("mail.sender_verified", "ada", sender.mark),
        ("mail.sender_removed", "ada", sender.mark),
    }
    assert next(one.facts for one in entries if one.action == "mail.settings_edited") == {"fields": "organisation, colleagues"}
    assert "@" not in repr(entries)


def test_senders_are_the_default_and_what_was_verified(store: Store, clock: Clock) -> None:
    verified(store, clock(), "b@example.org", "Board, the")
    verified(store, clock(), "a@example.org")
    mail_settings.add_sender(store, "Not yet", "c@example.org", actor="grace", now=clock())

    assert mail_settings.senders(store, CREW) == [CREW, '"Board, the" <b@example.org>', "a@example.org"]


@pytest.mark.parametrize("sender", ["", CREW, "crew@example.org", "Other name <A@Example.org>", "a@example.org"])
def test_a_letter_may_be_from_the_default_and_from_a_verified_address(store: Store, clock: Clock, sender: str) -> None:
    verified(store, clock(), "a@example.org", "Ada")

    mail_settings.check_sender(store, CREW, sender)

    assert sender == "" or mailbox(sender)


@pytest.mark.parametrize(
    "sender", ["new@example.org", "boss@example.org", "a@example.org, boss@example.org", "nonsense", "a@example.org\nBcc: x@y.z"]
)
def test_a_letter_may_be_from_nobody_else(store: Store, clock: Clock, sender: str) -> None:
    verified(store, clock(), "a@example.org")
    mail_settings.add_sender(store, "", "new@example.org", actor="grace", now=clock())

    with pytest.raises(RuleViolation) as refused:
        mail_settings.check_sender(store, CREW, sender)

    assert refused.value.field == "sender"


def test_a_campaign_from_nobody_we_know_is_refused_on_both_ways_and_nothing_is_written(store: Store, clock: Clock) -> None:
    crowd(store, 1)
    letter = Letter(subject="Hello", body="Hi", sender="boss@example.org")
    draft = campaigns.save_draft(store, None, letter, wanted=EVERYBODY, actor="grace", now=clock())

    with pytest.raises(RuleViolation, match="verified senders"):
        campaigns.send(store, draft.id, now=clock(), undo_seconds=0, default_sender=CREW)
    with pytest.raises(RuleViolation, match="verified senders"):
        campaigns.create_and_send(
            store, letter, wanted=EVERYBODY, send_at=None, actor="grace", now=clock(), campaign_id="c1", default_sender=CREW
        )

    assert store.campaigns.get(draft.id) == draft
    assert store.campaigns.subjects(["c1"]) == {}
    assert store.jobs.due(clock.pass_(days=1)) == []


def test_senders_that_are_added_at_one_moment_are_both_there(store: Store, clock: Clock) -> None:
    plain, tricks = store.mail_settings.get, [True]

    def get() -> MailSettings:
        stored = plain()
        if tricks and tricks.pop():
            mail_settings.add_sender(store, "", "other@example.org", actor="ada", now=clock())
        return stored

    store.mail_settings.get = get  # type: ignore[method-assign]
    mail_settings.add_sender(store, "", "mine@example.org", actor="grace", now=clock())

    assert [one.address for one in plain().senders] == ["other@example.org", "mine@example.org"]


def test_a_sender_who_is_gone_is_neither_verified_nor_removed(store: Store, clock: Clock) -> None:
    for change in (mail_settings.verify_sender, mail_settings.remove_sender):
        with pytest.raises(NotFound):
            change(store, mark_of("gone@example.org"), actor="grace", now=clock())

    assert store.mail_settings.get().version == 0


def test_there_is_a_most_of_senders(store: Store) -> None:
    settings = MailSettings()
    for number in range(MAX_SENDERS):
        settings = settings.with_sender(Sender(name="", address=f"s{number}@example.org", added_at=NOW))

    with pytest.raises(RuleViolation, match="remove one first"):
        settings.with_sender(Sender(name="", address="more@example.org", added_at=NOW))


@tries(max_examples=50)
@given(st.text(st.characters(codec="utf-8"), max_size=110))
def test_a_name_that_is_taken_comes_out_of_a_header_as_it_went_in(name: str) -> None:
    try:
        sender = Sender(name=name, address="team@example.org", added_at=NOW).cleaned()
    except RuleViolation:
        assume(False)

    assert sender_parts(sender.shown) == (sender.name, "team@example.org")
    assert "\n" not in sender.shown


@pytest.mark.parametrize("name", ['Ada "the first"', "O\\Brien", "Acme (Berlin)", "a@b", "Zoë, für alle", "St. John"])
def test_names_with_signs_of_headers_can_be_used(name: str) -> None:
    sender = Sender(name=name, address="team@example.org", added_at=NOW).cleaned()

    assert sender_parts(sender.shown) == (name, "team@example.org")


def test_a_link_confirms_its_sender_for_a_week_and_nothing_else() -> None:
    links = Links(LINK_KEYS, "https://crm.example")
    until = datetime(2026, 5, 11, 9, tzinfo=UTC)
    token = links.sender_url("abcd", until).removeprefix("https://crm.example/settings/mail/verify/").rstrip("/")

    assert links.read_sender(token, now=until) == "abcd"
    for other, now in ((token, until + timedelta(seconds=1)), (links.feed_token("abcd"), NOW), (token[:-2], NOW)):
        with pytest.raises(BadToken):
            links.read_sender(other, now=now)
    with pytest.raises(BadToken):
        links.read_feed(token)
