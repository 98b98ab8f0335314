"""What staff do with one person."""

import logging
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from crm.domain.errors import Conflict, CrmError, NotFound, RuleViolation
from crm.domain.people import Profile
from crm.services import events, people, unsubscribe
from crm.services.events import NewEvent
from crm.services.verify import differences
from crm.store import Store
from tests.factories import NOW, make_person, make_profile
from tests.mailings import keep_emails, make_email


def test_a_person_is_added_as_cleaned(store: Store) -> None:
    added = people.add(store, make_profile(first_name=" Bo ", tags=("VIP", "vip")), now=NOW)

    assert store.people.get(added.id) == added
    assert (added.profile.first_name, added.profile.tags, added.version, added.created_at) == ("Bo", ("VIP",), 1, NOW)


def test_what_can_not_be_is_not_added(store: Store) -> None:
    with pytest.raises(RuleViolation):
        people.add(store, make_profile(email="ada"), now=NOW)

    assert store.people.totals().total == 0


def test_an_edit_of_what_was_read_is_saved(store: Store) -> None:
    added = people.add(store, make_profile(), now=NOW)
    later = NOW + timedelta(hours=1)

    saved = people.edit(store, added.id, replace(added.profile, city="Ulm"), version=1, now=later)

    assert store.people.get(added.id) == saved
    assert (saved.profile.city, saved.version, saved.updated_at, saved.created_at) == ("Ulm", 2, later, NOW)


def test_of_two_edits_of_one_version_the_second_is_refused(store: Store) -> None:
    added = people.add(store, make_profile(), now=NOW)
    first = people.edit(store, added.id, replace(added.profile, city="Ulm"), version=1, now=NOW)

    with pytest.raises(Conflict, match="changed by someone else"):
        people.edit(store, added.id, replace(added.profile, city="Bonn"), version=1, now=NOW)

    assert store.people.get(added.id) == first


def test_a_person_who_is_removed_frees_seats_and_leaves_no_address(store: Store) -> None:
    ada = people.add(store, make_profile(email="ada@example.org"), now=NOW)
    bo = people.add(store, make_profile(), now=NOW)
    new = NewEvent(slug="s", title="S", start_at=NOW, end_at=NOW + timedelta(hours=1), owner=bo.id)
    event = events.create(store, replace(new, host_ids=[ada.id], attendee_ids=[ada.id, bo.id], max_capacity=2), now=NOW)
    email = make_email(user_id=ada.id, email="ada@example.org")
    keep_emails(store, [email])

    people.remove(store, ada.id, now=NOW)

    with pytest.raises(NotFound):
        store.people.get(ada.id)
    assert store.events.get(event.id).registered_count == 1
    assert store.events.host_ids(event.id) == []
    assert store.emails.get(email.id) == replace(email, email="")
    assert [item for item in store.table.scan() if "ada@example.org" in str(item)] == []


def test_a_removal_goes_on_where_it_was_cut_off(store: Store) -> None:
    ada = people.add(store, make_profile(), now=NOW)
    store.events.leave_all(ada.id, now=NOW)

    people.remove(store, ada.id, now=NOW)

    assert store.people.totals().total == 0
    assert differences(store) == []


def test_who_is_not_there_can_not_be_removed_or_edited(store: Store) -> None:
    with pytest.raises(NotFound):
        people.remove(store, "nobody", now=NOW)
    with pytest.raises(NotFound):
        people.edit(store, "nobody", make_profile(), version=1, now=NOW)


def test_an_address_of_someone_who_was_removed_is_free_again(store: Store) -> None:
    people.remove(store, people.add(store, make_profile(email="ada@example.org"), now=NOW).id, now=NOW)

    again = people.add(store, make_profile(email="ada@example.org"), now=NOW)

    assert store.people.find_by_email("ada@example.org") == again


def test_logs_tell_who_did_what_to_whom_and_no_address(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="crm.services.people")

    added = people.add(store, make_profile(email="ada@example.org"), now=NOW, actor="grace")
    people.remove(store, added.id, now=NOW, actor="grace")

    assert [record.getMessage() for record in caplog.records] == ["person added", "person removed"]
    assert {(record.__dict__["person_id"], record.__dict__["actor"]) for record in caplog.records} == {(added.id, "grace")}
    assert not any("example.org" in str(record.__dict__) for record in caplog.records)


def test_after_many_people_did_many_things_at_once_nothing_needs_repair(store: Store) -> None:
    rng = random.Random(5)
    ids = [store.people.create(make_person(city="Ulm", tags=("a",))).id for _ in range(6)]

    def act(number: int) -> None:
        draw = random.Random(number)
        profile = Profile(
            first_name=draw.choice(["Ada", "Bo"]),
            last_name=draw.choice(["Ng", "Ünal"]),
            email=f"{draw.choice('abcdef')}@example.org",
            company=draw.choice(["", "Acme", "C#"]),
            city=draw.choice(["", "Ulm"]),
            tags=tuple(draw.sample(["a", "b", "c"], 2)),
        )
        try:
            match draw.choice(["add", "edit", "status", "remove"]):
                case "add":
                    people.add(store, profile, now=NOW)
                case "edit":
                    person = store.people.get(draw.choice(ids))
                    people.edit(store, person.id, profile, version=person.version, now=NOW)
                case "status":
                    person = store.people.get(draw.choice(ids))
                    unsubscribe.unsubscribe(store, "none", person.id, now=NOW)
                case "remove":
                    people.remove(store, draw.choice(ids[:2]), now=NOW)
        except CrmError:
            return

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, [rng.randrange(10**9) for _ in range(60)]))
    store.stats.fold_all()

    assert differences(store) == []
