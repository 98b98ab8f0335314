"""Making one of two entries: what is left of the person, what went over, who is refused."""

from collections import Counter as Tally
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from crm.domain.errors import Conflict, CrmError, NotFound, RuleViolation
from crm.domain.events import AttendanceStatus
from crm.domain.ids import new_id
from crm.domain.log import LogEntry, LogKind
from crm.domain.mail_domains import OTHER
from crm.domain.merging import STRENGTH
from crm.domain.people import EmailStatus, Person
from crm.services import merge, people
from crm.services.unsubscribe import unsubscribe
from crm.services.verify import differences
from crm.store import Store
from tests.factories import NOW, make_campaign, make_event, make_person, make_profile
from tests.jobs.mailing import suppress
from tests.mailings import keep_emails
from tests.services.merging import TWIN, ZOE, mailed, merged, put_on, two, with_everything


def test_everything_goes_over_and_one_person_is_left(store: Store) -> None:
    kept, gone = with_everything(store)

    result = merged(store, kept, gone, replace(ZOE, phone_number=TWIN.phone_number, tags=("speaker", "host 2026")))

    assert result.finished
    left = store.people.get(kept.id)
    assert left == result.person
    assert (left.hosted_event_count, left.attended_event_count) == (2, 2)
    assert (left.profile.phone_number, left.profile.tags) == (TWIN.phone_number, ("speaker", "host 2026"))
    assert {email.user_id for email in store.emails.of_person(kept.id)} == {kept.id}
    assert len(store.emails.of_person(kept.id)) == 2
    assert [entry.kind for entry in store.log.of(kept.id)].count(LogKind.NOTE) == 3
    assert len(store.duplicates.apart_from(kept.id)) == 1
    with pytest.raises(NotFound):
        store.people.get(gone.id)
    assert differences(store) == []


def test_the_address_that_goes_is_free_and_the_one_that_stays_is_not(store: Store) -> None:
    kept, gone = two(store)

    merged(store, kept, gone, replace(ZOE, email=TWIN.email))

    assert store.people.find_by_email(TWIN.email) == store.people.get(kept.id)
    assert store.people.find_by_email(ZOE.email) is None
    with pytest.raises(Conflict):
        store.people.create(make_person(email=TWIN.email))
    store.people.create(make_person(email=ZOE.email))
    assert differences(store) == []


def test_the_log_tells_who_the_other_was_and_what_was_not_kept(store: Store) -> None:
    kept, gone = two(store)

    merged(store, kept, gone, replace(ZOE, first_name="Zoe"))

    entry = store.log.of(kept.id)[0]
    assert (entry.kind, entry.actor, entry.source, entry.source_name) == (LogKind.MERGED, "grace", gone.id, "Zoe Angstrom")
    assert "z.angstrom@techcorp.example" in entry.text
    assert "Phone: +46 31 555" in entry.text
    assert entry.changes == {"firstName": ("Zoë", "Zoe")}


def test_one_line_of_the_audit_log_tells_of_it_without_a_name(store: Store) -> None:
    kept, gone = two(store)

    merged(store, kept, gone)

    (entry,) = store.audit.of_month("2026-05")
    assert (entry.action, entry.subject, entry.actor, dict(entry.facts)) == ("people.merged", kept.id, "grace", {"gone": gone.id})


def test_of_two_entries_of_one_import_both_stay_in_the_log(store: Store) -> None:
    kept, gone = two(store)
    entries = [LogEntry(id="i" * 32, user_id=one.id, at=NOW, kind=LogKind.IMPORTED, source="i" * 32) for one in (kept, gone)]
    store.table.write([store.log.put(entry) for entry in entries])

    merged(store, kept, gone)

    imported = [entry for entry in store.log.of(kept.id) if entry.kind is LogKind.IMPORTED]
    assert len(imported) == 2
    assert store.log.get_many([entries[0]])[0] == entries[0]


@pytest.mark.parametrize(("mine", "theirs"), [*product([None, *AttendanceStatus], AttendanceStatus)])
def test_where_both_stand_on_a_list_the_stronger_status_holds(
    store: Store, mine: AttendanceStatus | None, theirs: AttendanceStatus
) -> None:
    kept, gone = two(store)
    event = store.events.create(make_event(start_at=NOW - timedelta(hours=1)), [], [], now=NOW)
    put_on(store, event.id, gone, theirs)
    if mine is not None:
        put_on(store, event.id, kept, mine)

    merged(store, kept, gone)

    (held,) = store.events.attendances_of(kept.id)
    assert held.status is max((status for status in (mine, theirs) if status is not None), key=STRENGTH.index)
    assert store.events.get(event.id).registered_count == int(held.seated)
    assert store.people.get(kept.id).attended_event_count == int(held.seated)
    assert differences(store) == []


def test_who_stays_has_the_place_in_line_the_sign_up_and_the_host_s_name_of_who_goes(store: Store) -> None:
    kept, gone = two(store)
    others = [store.people.create(make_person()).id for _ in range(2)]
    full = store.events.create(make_event(max_capacity=1), [gone.id, others[0]], [], now=NOW)
    for number, user_id in enumerate([others[0], gone.id, others[1]]):
        store.events.seat(full.id, [user_id], now=NOW + timedelta(minutes=number))
    came = store.events.create(make_event(), [], [], now=NOW)
    store.events.move(came.id, gone.id, AttendanceStatus.ATTENDED, now=NOW, by="grace", walk_in=True)
    before = store.events.attendances(came.id, [gone.id])[gone.id]

    merged(store, kept, gone)

    assert [one.user_id for one in store.events.waiting(full.id, 10)] == [kept.id, others[1]]
    assert sorted(store.events.get(full.id).host_ids) == sorted([kept.id, others[0]])
    assert store.events.attendances(came.id, [kept.id])[kept.id] == replace(before, user_id=kept.id)
    assert (store.events.walk_ins(came.id), store.events.signups(came.id)) == (1, {NOW.date(): 1})
    assert differences(store) == []


def test_a_seat_that_both_had_goes_to_the_first_in_line(store: Store) -> None:
    kept, gone = two(store)
    third = store.people.create(make_person()).id
    event = store.events.create(make_event(max_capacity=2), [], [], now=NOW)
    store.events.seat(event.id, [kept.id, gone.id], now=NOW)
    store.events.seat(event.id, [third], now=NOW)

    merged(store, kept, gone)

    there = store.events.attendances(event.id, [kept.id, third])
    assert {one.status for one in there.values()} == {AttendanceStatus.REGISTERED}
    assert differences(store) == []


def test_a_full_event_is_never_more_than_full(store: Store) -> None:
    kept, gone = two(store)
    event = store.events.create(make_event(max_capacity=1), [], [], now=NOW)
    seated = store.events.seat(event.id, [gone.id, kept.id], now=NOW)

    merged(store, kept, gone)

    assert seated.waitlisted == (kept.id,)
    assert store.events.attendances_of(kept.id)[0].status is AttendanceStatus.REGISTERED
    assert store.events.get(event.id).registered_count == 1
    assert differences(store) == []


def test_a_seat_that_both_had_is_free_again(store: Store) -> None:
    kept, gone = two(store)
    event = store.events.create(make_event(max_capacity=2), [], [], now=NOW)
    store.events.seat(event.id, [gone.id, kept.id], now=NOW)

    merged(store, kept, gone)

    assert store.events.get(event.id).seats_left == 1
    assert differences(store) == []


def test_an_event_of_twenty_hosts_takes_the_one_for_the_other(store: Store) -> None:
    kept, gone = two(store)
    others = [one.id for one in store.people.create_many([make_person() for _ in range(18)]) if isinstance(one, Person)]
    both = store.events.create(make_event(), [kept.id, gone.id, *others], [], now=NOW)
    alone = store.events.create(make_event(owner=gone.id), [gone.id, *others], [], now=NOW)

    merged(store, kept, gone)

    assert sorted(store.events.host_ids(both.id)) == sorted([kept.id, *others])
    assert sorted(store.events.host_ids(alone.id)) == sorted([kept.id, *others])
    assert store.events.get(alone.id).owner == kept.id
    assert store.people.get(kept.id).hosted_event_count == 2
    assert differences(store) == []


@pytest.mark.parametrize("said", [EmailStatus.UNSUBSCRIBED, EmailStatus.COMPLAINED])
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("address", [ZOE.email, TWIN.email])
def test_who_asked_on_one_side_not_to_be_mailed_is_not_mailed(store: Store, said: EmailStatus, side: int, address: str) -> None:
    pair = two(store)
    suppress(store, pair[side], said, NOW)

    merged(store, *pair, replace(ZOE, email=address))

    assert store.people.get(pair[0].id).email_status is said
    assert store.suppressions.lookup(address) is said
    assert differences(store) == []


@pytest.mark.parametrize(("address", "expected"), [(ZOE.email, EmailStatus.BOUNCED), (TWIN.email, EmailStatus.MAILABLE)])
def test_a_bounce_stays_with_the_address_that_bounced(store: Store, address: str, expected: EmailStatus) -> None:
    kept, gone = two(store)
    suppress(store, kept, EmailStatus.BOUNCED, NOW)

    merged(store, kept, gone, replace(ZOE, email=address))

    assert store.people.get(kept.id).email_status is expected
    assert store.suppressions.lookup(ZOE.email) is EmailStatus.BOUNCED
    assert differences(store) == []


def test_a_link_in_an_email_to_who_is_gone_unsubscribes_who_is_left(store: Store) -> None:
    kept, gone = with_everything(store)
    third = store.people.create(make_person())
    email = next(email for email in store.emails.of_person(gone.id))
    merged(store, kept, gone)
    merged(store, third, kept)

    found = unsubscribe(store, email.id, gone.id, now=NOW)

    assert found.status is EmailStatus.UNSUBSCRIBED
    assert store.people.get(third.id).email_status is EmailStatus.UNSUBSCRIBED
    assert store.suppressions.lookup(TWIN.email) is EmailStatus.UNSUBSCRIBED
    assert store.people.get(third.id).merged_from == (kept.id, gone.id)
    assert differences(store) == []


def test_who_was_changed_since_one_looked_is_not_merged(store: Store) -> None:
    kept, gone = two(store)
    people.edit(store, gone.id, replace(TWIN, city="Lund"), version=gone.version, now=NOW)

    with pytest.raises(Conflict, match="changed by someone else"):
        merge.merge(store, kept.id, gone.id, ZOE, versions=(kept.version, gone.version), actor="grace", now=NOW)

    assert store.people.get(gone.id).profile.city == "Lund"
    assert store.jobs.next_due() is None


def test_what_can_not_be_is_refused_before_anything_is_written(store: Store) -> None:
    kept, gone = two(store)
    tags = tuple(f"tag {number}" for number in range(21))

    with pytest.raises(RuleViolation, match="20 tags"):
        merged(store, kept, gone, replace(ZOE, tags=tags))
    with pytest.raises(RuleViolation, match="two addresses"):
        merged(store, kept, gone, replace(ZOE, email="third@example.org"))
    with pytest.raises(RuleViolation, match="one person already"):
        merged(store, kept, kept)
    with pytest.raises(NotFound):
        merge.merge(store, kept.id, new_id(), ZOE, versions=(1, 1), actor="grace", now=NOW)

    assert not store.people.get(gone.id).leaving
    assert store.jobs.next_due() is None


def test_the_greatest_profiles_fit_into_the_transactions(store: Store) -> None:
    def words(letter: str) -> str:
        return " ".join(f"{letter}{chr(97 + number)}" for number in range(10))

    kept, gone = two(
        store,
        make_profile(first_name=words("a"), last_name=words("b"), tags=tuple(f"a{number}" for number in range(20))),
        make_profile(first_name=words("c"), last_name=words("d"), tags=tuple(f"b{number}" for number in range(20))),
    )

    merged(store, kept, gone, gone.profile)

    assert store.people.get(kept.id).profile == gone.profile
    assert differences(store) == []


def test_of_many_who_merge_the_same_two_in_both_directions_one_does(store: Store) -> None:
    kept, gone = with_everything(store)

    def attempt(number: int) -> CrmError | None:
        pair = (kept, gone) if number % 2 else (gone, kept)
        try:
            merged(store, *pair)
        except CrmError as error:
            return error
        return None

    with ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(attempt, range(8)))

    assert errors.count(None) == 1
    assert all(isinstance(error, Conflict | NotFound) for error in errors if error is not None)
    (left,) = store.people.get_many([kept.id, gone.id]).values()
    assert (left.hosted_event_count, left.attended_event_count, left.leaving) == (2, 2, False)
    assert differences(store) == []


def test_who_is_told_apart_is_not_suggested_and_who_is_removed_leaves_no_mark(store: Store) -> None:
    kept, gone = two(store)

    merge.tell_apart(store, gone.id, kept.id, actor="grace", now=NOW)

    assert merge.likely_same(store, kept) == []
    assert merge.likely_same(store, gone) == []
    people.remove(store, gone.id, now=NOW)
    assert store.duplicates.apart_from(kept.id) == frozenset()


def test_nobody_is_told_apart_from_themselves_or_from_nobody(store: Store) -> None:
    kept, gone = two(store)

    for other in (kept.id, new_id()):
        with pytest.raises(NotFound):
            merge.tell_apart(store, kept.id, other, actor="grace", now=NOW)

    assert [likely.person for likely in merge.likely_same(store, kept)] == [gone]


def test_emails_of_one_campaign_to_both_stay_and_are_counted_as_they_were(store: Store) -> None:
    kept, gone = with_everything(store)
    campaign_id = store.emails.of_person(kept.id)[0].campaign_id
    before = store.campaigns.figures(campaign_id)

    merged(store, kept, gone)

    assert store.campaigns.figures(campaign_id) == before
    assert {email.email for email in store.emails.of_person(kept.id)} == {ZOE.email, TWIN.email}
    assert store.emails.of_person(gone.id) == []


def test_emails_of_both_count_under_their_own_domains_for_ever(store: Store) -> None:
    kept, gone = two(store, ZOE, replace(TWIN, email="zoe@elsewhere.example"))
    first, second = (store.campaigns.create(make_campaign()).id for _ in range(2))
    keep_emails(store, [mailed(first, kept), mailed(first, gone), mailed(second, gone, domain=OTHER)])

    merged(store, kept, gone)

    assert Tally(email.domain for email in store.emails.of_person(kept.id)) == {
        "techcorp.example": 1,
        "elsewhere.example": 1,
        OTHER: 1,
    }
    assert differences(store) == []


def test_many_emails_and_entries_go_over_in_parts(store: Store) -> None:
    kept, gone = two(store)
    campaigns = [new_id() for _ in range(120)]
    keep_emails(store, [mailed(campaign_id, gone) for campaign_id in campaigns])
    entries = [LogEntry(id=new_id(), user_id=gone.id, at=NOW, kind=LogKind.NOTE, text="Called") for _ in range(100)]
    for start in range(0, 100, 50):
        store.table.write([store.log.put(entry) for entry in entries[start : start + 50]])

    merged(store, kept, gone)

    assert len(store.emails.of_person(kept.id, limit=500)) == 120
    assert len(store.log.of(kept.id)) == 101
    assert store.log.of(gone.id) == []
