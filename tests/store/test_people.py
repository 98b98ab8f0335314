"""One person at a time, and a dozen: what is written, what is refused, and who wins."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crm.domain.errors import Conflict, CrmError, NotFound, RuleViolation
from crm.domain.filters import PeopleFilter
from crm.domain.people import EmailStatus, Person, Profile
from crm.services.verify import differences
from crm.store import Store, facets, schema
from crm.store.deltas import BEHIND
from crm.store.people import count_change, item_of, people_changes, person_of, status_change, until_won
from crm.store.requests import Action, Check, Put
from crm.store.stats import Counter
from crm.store.suppression import Suppression
from crm.store.table import ConditionFailed, Table
from tests.factories import NOW, make_person


def everything(table: Table) -> list[schema.Item]:
    """All items but the counting."""
    items = [item for item in table.scan() if item["entityType"] not in {"delta", "counter"}]
    return sorted(items, key=lambda item: (item["PK"], item["SK"]))


def test_a_person_comes_back_as_written(store: Store) -> None:
    person = make_person(company="Ångström AB", tags=("VIP", "new comer"), city="Ulm", phone_number="+46 70")

    created = store.people.create(person)

    assert created == replace(person, version=1)
    assert store.people.get(person.id) == created
    assert person_of(item_of(created)) == created


def test_a_person_who_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.people.get("nobody")


@pytest.mark.parametrize("spelling", ["ADA@Example.org", " ada@example.org ", "ada@example.org"])
def test_an_address_can_be_taken_once_however_it_is_spelled(store: Store, table: Table, spelling: str) -> None:
    store.people.create(make_person(email="ada@example.org"))
    before = everything(table)

    with pytest.raises(Conflict, match="already belongs to Ada Lovelace") as refused:
        store.people.create(make_person(email=spelling, last_name="Other"))

    assert refused.value.field == "email"
    assert everything(table) == before


def test_one_accent_in_two_spellings_is_one_address(store: Store) -> None:
    store.people.create(make_person(email="jos\u00e9@example.org"))

    with pytest.raises(Conflict):
        store.people.create(make_person(email="jose\u0301@example.org"))


def test_of_many_people_created_with_one_address_at_the_same_moment_one_wins(store: Store, table: Table) -> None:
    rivals = [make_person(email="one@example.org", last_name=f"Rival{number}", tags=("x",)) for number in range(8)]

    def create(person: Person) -> Person | CrmError:
        try:
            return store.people.create(person)
        except Conflict as conflict:
            return conflict

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(create, rivals))

    winners = [outcome for outcome in outcomes if isinstance(outcome, Person)]
    assert len(winners) == 1
    assert {item["id"] for item in everything(table)} == {winners[0].id}
    assert store.people.totals().total == 1


def test_an_edit_moves_everything_that_follows_from_it(store: Store, table: Table) -> None:
    old = store.people.create(make_person(company="Acme", city="Ulm", state="BW", tags=("a", "b")))
    profile = Profile(first_name="Bo", last_name="Ng", email="bo@example.org", company="Other", tags=("B", "c"))

    saved = store.people.save(old, old.edited(profile, now=NOW))
    store.stats.fold_all()

    other = store.people.create(replace(saved, id="other", profile=replace(profile, email="else@example.org")))
    store.people.delete(other)
    assert saved.version == 2
    assert {item["SK"] for item in everything(table)} == {
        "PROFILE",
        "CLAIM",
        f"bo#USER#{old.id}",
        f"ng#USER#{old.id}",
        f"bo@example.org#USER#{old.id}",
        f"LASTNAME#ng#bo#USER#{old.id}",
    }
    assert {item["PK"] for item in everything(table) if item["entityType"] == "tagMember"} == {
        schema.prefix("tagMember", tag=tag, userId=old.id)[0] for tag in ("b", "c")
    }
    assert [value.value for value in store.people.facet("company")] == ["Other"]
    assert store.people.page(PeopleFilter(company=("acme",))).items == []


def test_an_edit_of_a_stale_version_is_refused_and_overwrites_nothing(store: Store, table: Table) -> None:
    old = store.people.create(make_person(city="Ulm"))
    store.people.save(old, old.edited(replace(old.profile, city="Bonn"), now=NOW))
    before = everything(table)

    with pytest.raises(Conflict, match="changed by someone else"):
        store.people.save(old, old.edited(replace(old.profile, city="Köln", email="new@example.org"), now=NOW))

    assert everything(table) == before


def test_an_edit_to_an_address_that_is_taken_is_refused(store: Store, table: Table) -> None:
    store.people.create(make_person(email="taken@example.org"))
    old = store.people.create(make_person())
    before = everything(table)

    with pytest.raises(Conflict) as refused:
        store.people.save(old, old.edited(replace(old.profile, email="Taken@example.org"), now=NOW))

    assert refused.value.field == "email"
    assert everything(table) == before


def test_a_new_spelling_of_the_same_address_is_no_conflict(store: Store) -> None:
    old = store.people.create(make_person(email="ada@example.org"))

    saved = store.people.save(old, old.edited(replace(old.profile, email="Ada@Example.org"), now=NOW))

    assert store.people.find_by_email("ada@example.ORG") == saved


def test_an_address_that_was_given_up_can_be_taken_by_another(store: Store) -> None:
    old = store.people.create(make_person(email="first@example.org"))
    store.people.save(old, old.edited(replace(old.profile, email="second@example.org"), now=NOW))

    heir = store.people.create(make_person(email="first@example.org"))

    assert store.people.find_by_email("first@example.org") == heir


def test_a_suppressed_address_gives_its_status_to_whoever_comes_with_it(store: Store, table: Table) -> None:
    table.write(store.suppressions.actions("gone@example.org", EmailStatus.UNSUBSCRIBED, now=NOW, source="link"))

    created = store.people.create(make_person(email="Gone@example.org"))
    many = store.people.create_many([make_person(email="x@example.org")])
    moved = store.people.save(created, created.edited(replace(created.profile, email="back@example.org"), now=NOW))

    assert created.email_status is EmailStatus.UNSUBSCRIBED
    assert [person.email_status for person in many if isinstance(person, Person)] == [EmailStatus.MAILABLE]
    assert moved.email_status is EmailStatus.MAILABLE
    assert store.people.totals().by_email_status[EmailStatus.UNSUBSCRIBED] == 0
    assert store.people.get(created.id) == moved


def test_a_person_who_is_deleted_leaves_nothing(store: Store, table: Table) -> None:
    person = store.people.create(make_person(company="Acme", tags=("a", "b"), city="Ulm"))
    for number in range(60):
        log = {"id": f"{number}", "userId": person.id, "at": "2026-05-04T09:00:00.000Z"}
        table.write([Put(item=schema.keyed("log", log))])

    store.people.delete(store.people.get(person.id))
    store.stats.fold_all()

    assert everything(table) == []
    assert all(item.get("n", 0) == 0 for item in table.scan() if item["entityType"] == "counter")


def test_a_person_who_changed_meanwhile_is_not_deleted(store: Store, table: Table) -> None:
    old = store.people.create(make_person())
    store.people.save(old, old.edited(replace(old.profile, city="Bonn"), now=NOW))
    before = everything(table)

    with pytest.raises(Conflict):
        store.people.delete(old)

    assert everything(table) == before


def test_of_people_written_together_each_has_an_outcome(store: Store) -> None:
    store.people.create(make_person(email="taken@example.org", last_name="Owner"))
    people = [make_person(email=f"p{number}@example.org") for number in range(30)]
    people[3] = replace(people[3], profile=replace(people[3].profile, email="taken@example.org"))
    people[20] = replace(people[20], profile=replace(people[20].profile, email="P1@example.org"))
    people[25] = replace(people[25], profile=replace(people[25].profile, company="# " * 240))

    outcomes = store.people.create_many(people)

    assert [place for place, outcome in enumerate(outcomes) if isinstance(outcome, CrmError)] == [3, 20, 25]
    assert str(outcomes[3]) == "The address taken@example.org already belongs to Ada Owner."
    assert isinstance(outcomes[25], RuleViolation)
    assert store.people.totals().total == 28
    assert [store.people.get(people[0].id)] == [outcomes[0]]


def test_edits_written_together_each_have_an_outcome(store: Store) -> None:
    people = [person for person in store.people.create_many([make_person() for _ in range(5)]) if isinstance(person, Person)]
    store.people.save(people[2], people[2].edited(replace(people[2].profile, city="Bonn"), now=NOW))
    swapped = replace(people[1].profile, email=people[0].profile.email)

    outcomes = store.people.save_many(
        [
            (people[0], people[0].edited(replace(people[0].profile, email="new@example.org"), now=NOW)),
            (people[1], people[1].edited(swapped, now=NOW)),
            (people[2], people[2].edited(replace(people[2].profile, city="Ulm"), now=NOW)),
        ]
    )

    assert [isinstance(outcome, CrmError) for outcome in outcomes] == [False, False, True]
    assert store.people.find_by_email(people[0].profile.email) == outcomes[1]
    assert store.people.get(people[2].id).profile.city == "Bonn"


@pytest.mark.parametrize(
    ("values", "field"),
    [({"last_name": "# " * 99, "first_name": "# " * 99, "city": "#" * 200}, "lastName"), ({"company": "# " * 240}, "company")],
)
def test_what_no_key_can_hold_is_refused_with_its_field(store: Store, values: dict[str, str], field: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        store.people.create(make_person(**values))

    assert refused.value.field == field


def test_counts_of_events_move_a_person_among_the_most_active(store: Store, table: Table) -> None:
    person = store.people.create(make_person(hosted_event_count=1))

    update, changes = count_change(person, attended=2, hosted=-1)
    table.write([update, *store.stats.delta(changes, now=NOW)])

    stored = store.people.get(person.id)
    assert (stored.attended_event_count, stored.hosted_event_count, stored.version) == (2, 0, 1)
    assert store.people.page(PeopleFilter(attended_min=2)).items == [stored]
    assert store.people.page(PeopleFilter(hosted_min=1)).items == []
    assert store.people.count(PeopleFilter(attended_min=1, attended_max=2)) == 1


def test_counts_that_race_are_all_counted(store: Store, table: Table) -> None:
    person = store.people.create(make_person())

    def attend(_: int) -> None:
        def attempt() -> None:
            update, changes = count_change(store.people.get(person.id), attended=1)
            table.write([update, *store.stats.delta(changes, now=NOW)])

        until_won(attempt, tries=60)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(attend, range(18)))

    assert store.people.get(person.id).attended_event_count == 18
    assert store.people.count(PeopleFilter(attended_min=18)) == 1


def test_an_edit_and_a_count_at_the_same_moment_both_hold(store: Store, table: Table) -> None:
    person = store.people.create(make_person())
    update, changes = count_change(person, attended=1)
    table.write([update, *store.stats.delta(changes, now=NOW)])

    store.people.save(person, person.edited(replace(person.profile, city="Ulm"), now=NOW))

    stored = store.people.get(person.id)
    assert (stored.profile.city, stored.attended_event_count) == ("Ulm", 1)


def test_a_status_that_was_read_late_is_not_counted_twice(store: Store, table: Table) -> None:
    person = store.people.create(make_person())
    update, changes = status_change(person, EmailStatus.BOUNCED, now=NOW)
    table.write([update, *store.stats.delta(changes, now=NOW)])

    with pytest.raises(ConditionFailed):
        table.write([update, *store.stats.delta(changes, now=NOW)])

    totals = store.people.totals()
    assert (totals.by_email_status[EmailStatus.MAILABLE], totals.by_email_status[EmailStatus.BOUNCED]) == (0, 1)


def test_someone_who_unsubscribes_while_the_address_is_changed_makes_the_change_fail(store: Store, table: Table) -> None:
    person = store.people.create(make_person())
    update, changes = status_change(person, EmailStatus.UNSUBSCRIBED, now=NOW)
    table.write([update, *store.stats.delta(changes, now=NOW)])

    with pytest.raises(Conflict):
        store.people.save(person, person.edited(replace(person.profile, email="new@example.org"), now=NOW))

    assert store.people.get(person.id).profile.email == person.profile.email


def test_a_status_that_was_meant_for_another_address_is_refused(store: Store, table: Table) -> None:
    person = store.people.create(make_person())
    update, changes = status_change(person, EmailStatus.UNSUBSCRIBED, now=NOW)
    store.people.save(person, person.edited(replace(person.profile, email="new@example.org"), now=NOW))

    with pytest.raises(ConditionFailed):
        table.write([update, *store.stats.delta(changes, now=NOW)])

    assert store.people.get(person.id).mailable


def test_who_came_under_the_same_id_is_not_who_was_read(store: Store) -> None:
    """A step of an import is repeated after its person was deleted."""
    person = store.people.create(make_person(tags=("a",)))
    store.people.delete(person)
    other = store.people.create(replace(person, created_at=NOW + timedelta(hours=1)))

    with pytest.raises(Conflict):
        store.people.save(person, person.edited(replace(person.profile, last_name="Ng"), now=NOW))
    with pytest.raises(Conflict):
        store.people.delete(person)

    assert store.people.get(person.id) == other


def test_what_did_not_change_is_not_counted() -> None:
    person = make_person(company="Acme", tags=("a", "b"))
    same = replace(person, profile=replace(person.profile, company="ACME", tags=("B", "c")))

    changes, labels = people_changes(person, same)

    assert changes == {Counter("TAG", "a"): -1, Counter("TAG", "c"): 1, Counter(*BEHIND, person.id): 1}
    assert labels == {("TAG", "c"): {"label": "c"}}


def test_suggestions_come_with_counts_most_people_first(store: Store) -> None:
    for company, number in (("Ångström AB", 2), ("Acme", 1), ("Anchor", 3), ("Other", 4)):
        store.people.create_many([make_person(company=company, city="Ulm", state=company[:2]) for _ in range(number)])

    found = store.people.facet("company", "  Á", limit=2)

    assert [(value.value, value.count) for value in found] == [("Anchor", 3), ("Ångström AB", 2)]
    assert [(value.value, value.count) for value in store.people.facet("city")] == [("Ulm", 10)]
    assert store.people.facet("tag") == []
    assert store.people.facet("company", "é#" * 2000) == []


def test_people_are_found_by_many_addresses_at_once(store: Store) -> None:
    people = store.people.create_many([make_person(email=f"p{number}@example.org") for number in range(3)])

    found = store.people.find_by_emails(["P0@example.org", "nobody@example.org", " ", "p2@example.org"])

    assert found == {"P0@example.org": people[0], "p2@example.org": people[2]}


@pytest.mark.parametrize("values", [{"email": "\ufdfa" * 60 + "@example.org"}, {"first_name": "%" * 400}, {"tags": ("#" * 700,)}])
def test_a_value_that_no_key_can_hold_is_refused_alone(store: Store, values: dict[str, Any]) -> None:
    ada, poison, bo = make_person(), make_person(**values), make_person()

    outcomes = store.people.create_many([ada, poison, bo])

    assert [type(outcome) for outcome in outcomes] == [Person, RuleViolation, Person]
    assert store.people.totals().total == 2


def after_the_next_look(store: Store, monkeypatch: pytest.MonkeyPatch, *actions: Action) -> None:
    """Let somebody write that right after the next look at the list of suppressions."""
    look = store.suppressions.conditioned

    def late(addresses: Iterable[str]) -> dict[str, tuple[EmailStatus, Check]]:
        found = look(addresses)
        monkeypatch.undo()
        store.table.write(actions)
        return found

    monkeypatch.setattr(store.suppressions, "conditioned", late)


def there(store: Store, address: str) -> Suppression:
    found = store.suppressions.reason(address)
    assert found is not None
    return found


def suppressing(store: Store, address: str) -> list[Action]:
    return store.suppressions.actions(address, EmailStatus.UNSUBSCRIBED, now=NOW, source="link")


def test_an_address_that_is_suppressed_while_a_person_is_added_is_not_missed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_the_next_look(store, monkeypatch, *suppressing(store, "ada@example.org"))

    added = store.people.create(make_person(email="ada@example.org"))

    assert added.email_status is EmailStatus.UNSUBSCRIBED
    assert differences(store) == []


def test_an_address_that_is_suppressed_while_a_person_takes_it_is_not_missed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = store.people.create(make_person())
    after_the_next_look(store, monkeypatch, *suppressing(store, "ada@example.org"))

    saved = store.people.save(old, replace(old, profile=replace(old.profile, email="ada@example.org")))

    assert store.people.get(old.id) == saved
    assert saved.email_status is EmailStatus.UNSUBSCRIBED
    assert differences(store) == []


def test_an_address_that_is_suppressed_while_many_are_added_costs_nobody_else_anything(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_the_next_look(store, monkeypatch, *suppressing(store, "ada@example.org"))

    added = store.people.create_many([make_person(), make_person(email="ada@example.org"), make_person()])

    assert [one.email_status.value for one in added if isinstance(one, Person)] == ["mailable", "unsubscribed", "mailable"]
    assert differences(store) == []


def test_an_address_that_is_taken_off_the_list_while_people_get_it_is_mailable(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = store.people.create(make_person())
    for address, write in (
        ("ada@example.org", lambda: [store.people.create(make_person(email="ada@example.org"))]),
        ("bo@example.org", lambda: store.people.create_many([make_person(email="bo@example.org"), make_person()])),
        ("cy@example.org", lambda: [store.people.save(old, replace(old, profile=replace(old.profile, email="cy@example.org")))]),
    ):
        store.table.write(suppressing(store, address))
        after_the_next_look(store, monkeypatch, *store.suppressions.lifting(address, there(store, address)))

        written = write()

        assert all(isinstance(one, Person) and one.mailable for one in written)
    assert differences(store) == []


def test_a_city_is_suggested_with_all_of_its_people_or_not_at_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for state in ("IL", "MA", "OR"):
        store.people.create(make_person(city="Springfield", state=state))
    store.people.create(make_person(city="Albany", state="NY"))
    store.stats.fold_all()

    shown = {}
    for most in (3, 100):
        monkeypatch.setattr(facets, "MOST_READ", most)
        shown[most] = [(value.value, value.count) for value in store.people.facet("city")]

    assert shown == {3: [("Albany", 1)], 100: [("Springfield", 3), ("Albany", 1)]}
