"""Erasing a person: nothing of the table tells any more who it was, and everything still adds up."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crm.domain.erasing import without_person
from crm.domain.errors import Conflict, NotFound
from crm.domain.events import AttendanceStatus
from crm.domain.filters import PeopleFilter
from crm.domain.mail_domains import OTHER
from crm.domain.metrics import EmailQuery
from crm.domain.people import EmailStatus, Person
from crm.services import erasure, notes, people, personal, segments
from crm.services.erasure import LOOKS, job_of
from crm.services.files import FolderFiles
from crm.services.verify import differences
from crm.store import Store
from crm.store.requests import Action
from crm.store.table import Table
from tests.conftest import Clock, store_over
from tests.factories import NOW, make_campaign, make_event, make_profile
from tests.jobs.importing import begun, uploaded, work_off
from tests.jobs.mailing import ToldMailer, drive, make_work
from tests.mailings import keep_emails, make_email
from tests.services.erasing import LATER, ZOE, where_she_stands, with_everything
from tests.services.merging import merged
from tests.store.late import LateTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def looked_again(store: Store, clock: Clock) -> None:
    """Let the worker look as often as it does."""
    for wait in LOOKS:
        clock.now += wait
        drive(make_work(store, ToldMailer(), clock))


def figures(store: Store) -> list[object]:
    """What must not change when somebody is erased: the counts of events and of campaigns."""
    events = sorted(store.events.page(limit=50).items, key=lambda event: event.id)
    campaigns = sorted(store.campaigns.page().items, key=lambda campaign: campaign.id)
    return [
        *[(event.id, event.registered_count, store.events.attendee_counts(event.id)) for event in events],
        *[(campaign.id, store.campaigns.figures(campaign.id)) for campaign in campaigns],
    ]


def test_no_item_holds_the_name_or_the_address_any_more_and_all_counts_stay(store: Store, clock: Clock) -> None:
    zoe = with_everything(store)
    before = figures(store)
    assert len(where_she_stands(store)) > 7

    assert erasure.erase(store, zoe.id, actor="ingrid", now=clock())

    assert where_she_stands(store) == []
    assert figures(store) == before
    assert differences(store) == []
    with pytest.raises(NotFound):
        store.people.get(zoe.id)
    looked_again(store, clock)
    assert where_she_stands(store) == []
    assert differences(store) == []
    assert store.jobs.due(clock.pass_(days=9)) == []


def test_what_stays_is_marked_and_leads_nowhere(store: Store, clock: Clock) -> None:
    zoe = with_everything(store)
    attended = [one.event_id for one in store.events.attendances_of(zoe.id)]
    hosted = [event.id for event in store.events.of_person(zoe.id).hosted]
    mailed = [email.id for email in store.emails.of_person(zoe.id)]

    erasure.erase(store, zoe.id, actor="ingrid", now=clock())

    assert [one.event_id for one in store.events.attendances_of(zoe.id) if one.erased] == attended
    assert len(attended) == 3
    assert len(hosted) == 2
    assert [event_id for event_id in hosted if zoe.id in store.events.host_ids(event_id)] == []
    emails = [store.emails.get(email_id) for email_id in mailed]
    assert {(email.status.value, email.email, email.error, email.erased) for email in emails} == {
        ("sent", "", "", True),
        ("failed", "", "550 5.1.1", True),
    }
    assert store.suppressions.lookup(ZOE.email) is EmailStatus.UNSUBSCRIBED
    record = store.erasures.find(zoe.id)
    assert record is not None
    looked_again(store, clock)
    record = store.erasures.find(zoe.id)
    assert record is not None
    assert (record.sought, record.finished_at) == ((), clock())


def test_one_line_in_the_audit_log_tells_who_erased_somebody(store: Store, clock: Clock) -> None:
    zoe = with_everything(store)

    erasure.erase(store, zoe.id, actor="ingrid", now=clock())
    looked_again(store, clock)

    lines = [entry for entry in store.audit.of_month("2026-05") if entry.action == "people.erased"]
    assert [(entry.actor, entry.subject, dict(entry.facts)) for entry in lines] == [("ingrid", zoe.id, {})]


def test_a_campaign_that_asked_for_them_asks_for_nobody_and_never_for_everybody(store: Store) -> None:
    zoe = people.add(store, ZOE, now=NOW)
    people.add(store, make_profile(), now=NOW)
    draft = store.campaigns.create(make_campaign(audience_filter=PeopleFilter(q=zoe.profile.email)))

    erasure.erase(store, zoe.id, actor="", now=LATER)

    wanted = store.campaigns.get(draft.id).audience_filter
    assert wanted == PeopleFilter(ids=(zoe.id,))
    assert store.people.count(wanted) == 0
    with pytest.raises(Conflict):
        store.campaigns.save(draft)


@pytest.mark.parametrize(
    ("q", "theirs"),
    [
        ("angstrom zoe", True),
        ("Zoë  Ångström, Acme", True),
        ("Ångström, Zoë", True),
        ("Ångström", False),
        ("ZOE.ANGSTROM@example.org", True),
        ("zoe_angstrom", True),
        ("zoe", False),
        ("", False),
    ],
)
def test_a_filter_speaks_of_somebody_by_address_or_whole_name(q: str, theirs: bool) -> None:
    zoe = make_profile(first_name="Zoë", last_name="Ångström", email="zoe.angstrom@example.org")

    left = without_person(PeopleFilter(q=q, company=("Acme",)), "z", zoe)

    assert left == (PeopleFilter(ids=("z",), company=("Acme",)) if theirs else PeopleFilter(q=q, company=("Acme",)))


@pytest.mark.parametrize(
    ("first_name", "last_name", "q"),
    [
        ("Anna-Karin", "Berg", "anna karin berg"),
        ("Anna Karin", "Berg", "anna-karin berg"),
        ("Sean", "O'Brien", "sean o’brien"),
        ("Sean", "O’Brien", "sean obrien"),
        ("Bo", "Li", "bo_li"),
        ("Bo", "###", "### bo"),
    ],
)
def test_a_filter_speaks_of_somebody_in_other_spellings_of_their_name(first_name: str, last_name: str, q: str) -> None:
    person = make_profile(first_name=first_name, last_name=last_name)

    assert without_person(PeopleFilter(q=q), "p", person) == PeopleFilter(ids=("p",))
    assert without_person(PeopleFilter(q=first_name), "p", person) == PeopleFilter(q=first_name)


def test_former_names_of_both_who_were_merged_are_sought_in_every_pair(store: Store, clock: Clock) -> None:
    kept = people.add(store, make_profile(first_name="Zoelle", last_name="Berg"), now=clock())
    gone = people.add(store, make_profile(first_name="Quirina", last_name="Oldname"), now=clock())
    renamed = replace(gone.profile, last_name="Newname"), replace(kept.profile, first_name="Zoella")
    for person, profile in zip((gone, kept), renamed, strict=True):
        people.edit(store, person.id, profile, version=person.version, now=clock.pass_(minutes=1))
    merged(store, kept, gone, now=clock())
    segments.save(store, "as she was", PeopleFilter(q="oldname quirina"), owner="jonas", now=clock())
    segments.save(store, "another one", PeopleFilter(q="quirina berglund"), owner="jonas", now=clock())

    erasure.erase(store, kept.id, actor="", now=clock())

    assert {one.name: one.filter for one in store.segments.walk()} == {
        "as she was": PeopleFilter(ids=(kept.id,)),
        "another one": PeopleFilter(q="quirina berglund"),
    }


def test_an_imported_file_named_after_somebody_loses_its_name(store: Store, clock: Clock, tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    rows = "First name,Last name,Email\nZoelle,Abergstrom,zoelle@x.example\nBo,Li,bo@x.example\n"
    others, theirs = uploaded(store, files, rows, name="members.csv"), begun(store, files, rows)
    store.imports.save(replace(theirs, name="zoelle@x.example.csv"), theirs)
    work_off(store, files)
    person, bo = store.people.find_by_email("zoelle@x.example"), store.people.find_by_email("bo@x.example")
    assert person is not None
    assert bo is not None

    erasure.erase(store, person.id, actor="", now=clock())

    assert store.imports.names([theirs.id, others.id]) == {theirs.id: "(erased).csv", others.id: "members.csv"}
    assert [item for item in store.table.scan(consistent=True) if "zoelle" in str(item)] == []
    [entry] = personal.personal_data(store, bo.id, actor="", now=clock())["log"]
    assert (entry["source"], entry["sourceName"]) == (theirs.id, "(erased).csv")


def come_back(store: Store, person: Person) -> Person:
    """Somebody who stands there again under the id of before, as a worker leaves them that woke up late."""
    back = replace(person, profile=replace(person.profile, first_name="Quirina", email="quirina@example.org"))
    return store.people.create(replace(back, merged_from=()))


@pytest.mark.parametrize("looked", [True, False])
def test_who_comes_back_under_an_id_that_was_erased_is_erased_anew(store: Store, clock: Clock, looked: bool) -> None:
    person = people.add(store, ZOE, now=NOW)
    erasure.erase(store, person.id, actor="ingrid", now=clock())
    if looked:
        looked_again(store, clock)
    clock.pass_(minutes=1)
    back = come_back(store, person)
    segments.save(store, "one", PeopleFilter(q="quirina@example.org"), owner="jonas", now=clock())

    erasure.erase(store, back.id, actor="jonas", now=clock())

    job = store.jobs.get(job_of(person.id))
    assert job is not None
    assert job.due_at == clock() + LOOKS[0]
    looked_again(store, clock)
    assert [item for item in store.table.scan(consistent=True) if "quirina" in str(item).lower()] == []
    assert [entry.actor for entry in store.audit.of_month("2026-05") if entry.action == "people.erased"] == ["jonas", "ingrid"]
    assert differences(store) == []


class Died(Exception):
    """The process was killed here."""


def die_after(table: Table, writes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process die behind so many writes."""
    plain: Callable[[list[Action]], None] = table.write
    left = iter(range(writes))

    def write(actions: list[Action]) -> None:
        if next(left, None) is None:
            raise Died
        plain(actions)

    monkeypatch.setattr(table, "write", write)


@pytest.mark.parametrize("by_hand", [True, False])
def test_wherever_it_is_cut_off_the_erasure_is_finished(store: Store, clock: Clock, *, by_hand: bool) -> None:
    """By the job that stands beside it, or by staff who ask for it once more."""
    writes = 0
    while True:
        person = small_life(store)
        with pytest.MonkeyPatch.context() as monkeypatch:
            die_after(store.table, writes, monkeypatch)
            try:
                erasure.erase(store, person, actor="ingrid", now=clock())
                break
            except Died:
                pass
        if by_hand and person in store.people.get_many([person]):
            erasure.erase(store, person, actor="ingrid", now=clock())
        begun = store.erasures.find(person) is not None
        looked_again(store, clock)
        if begun:
            assert where_she_stands(store) == [], f"cut off behind {writes} writes"
        else:
            erasure.erase(store, person, actor="ingrid", now=clock())
        writes += 1
    assert writes > 7
    assert differences(store) == []
    assert len([entry for entry in store.audit.of_month("2026-05") if entry.action == "people.erased"]) == writes + 1


def small_life(store: Store) -> str:
    """One of each: a note, an event as attendee and as host, an e-mail, a campaign; the id of whose they are."""
    person = people.add(store, ZOE, now=NOW).id
    notes.add(store, person, "Zoëlle likes tea.", actor="jonas", now=NOW)
    event = store.events.create(make_event(owner=person), [person], [], now=NOW)
    store.events.seat(event.id, [person], now=NOW)
    campaign = store.campaigns.create(make_campaign(audience_filter=PeopleFilter(q=ZOE.email)))
    keep_emails(store, [make_email(campaign_id=campaign.id, user_id=person, email=ZOE.email)])
    return person


@pytest.fixture
def late(dynamodb: "DynamoDBClient", table: Table) -> Store:
    """The same table, whose indexes answer a second late."""
    return store_over(LateTable(dynamodb, table.name, lag=1.0))


def test_what_an_index_showed_late_is_found_by_a_later_look(late: Store, clock: Clock) -> None:
    person = people.add(late, ZOE, now=NOW)
    assert late.emails.of_person(person.id) == []
    assert late.campaigns.page().items == []
    small = late.campaigns.create(make_campaign(audience_filter=PeopleFilter(q=ZOE.email)))
    keep_emails(late, [make_email(campaign_id=small.id, user_id=person.id, email=ZOE.email)])

    assert erasure.erase(late, person.id, actor="ingrid", now=clock())
    left = where_she_stands(late)
    time.sleep(1.1)
    looked_again(late, clock)

    assert left == ["content", "email"]
    assert where_she_stands(late) == []
    assert differences(late) == []


def test_an_erasure_waits_until_the_index_shows_what_somebody_hosts(late: Store, clock: Clock) -> None:
    person = people.add(late, ZOE, now=NOW)
    assert late.events.of_person(person.id).hosted == []
    event = late.events.create(make_event(owner=person.id), [person.id], [], now=NOW)

    assert erasure.erase(late, person.id, actor="ingrid", now=clock())

    assert late.events.host_ids(event.id) == []
    assert where_she_stands(late) == []
    assert differences(late) == []


def test_an_erasure_that_began_has_its_job_or_verify_tells(store: Store, clock: Clock) -> None:
    person = people.add(store, ZOE, now=NOW)
    erasure.erase(store, person.id, actor="ingrid", now=clock())
    job = store.jobs.get(job_of(person.id))
    assert job is not None
    store.table.write([store.jobs.park(job)])

    [difference] = differences(store)
    store.table.write(difference.mend)

    assert (difference.kind, difference.subject) == ("erasure", person.id)
    assert differences(store) == []


def test_where_an_erased_person_stood_can_not_be_changed(store: Store, clock: Clock) -> None:
    person = small_life(store)
    [attendance] = store.events.attendances_of(person)
    erasure.erase(store, person, actor="", now=clock())

    with pytest.raises(Conflict, match="erased"):
        store.events.move(attendance.event_id, person, AttendanceStatus.CANCELLED, now=clock())

    assert differences(store) == []


def test_who_is_being_erased_takes_no_notes_any_more(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    person = small_life(store)
    with monkeypatch.context() as patch:
        die_after(store.table, 1, patch)
        with pytest.raises(Died):
            erasure.erase(store, person, actor="", now=clock())

    with pytest.raises(NotFound, match="just deleted"):
        notes.add(store, person, "Zoëlle again", actor="jonas", now=clock())


def test_after_a_plain_delete_no_address_is_left_and_no_name_but_where_staff_wrote_it(store: Store, clock: Clock) -> None:
    zoe = with_everything(store)

    people.remove(store, zoe.id, now=clock())

    assert where_she_stands(store) == ["content", "hit", "segment"]
    assert {email.email for email in store.emails.of_person(zoe.id)} == {""}
    assert store.events.attendances_of(zoe.id) == []
    assert differences(store) == []


@pytest.mark.parametrize("erased", [True, False])
def test_an_email_goes_on_to_count_under_its_domain_when_its_address_is_gone(store: Store, clock: Clock, *, erased: bool) -> None:
    zoe = people.add(store, ZOE, now=NOW)
    campaign = store.campaigns.create(make_campaign())
    own = {"campaign_id": campaign.id, "user_id": zoe.id, "email": ZOE.email}
    named, other = (make_email(**own, domain=domain) for domain in ("example.org", OTHER))
    keep_emails(store, [named, other])
    before = store.email_lists.rows(EmailQuery(), by_domain=True)

    if erased:
        erasure.erase(store, zoe.id, actor="ingrid", now=clock())
    else:
        people.remove(store, zoe.id, now=clock())

    left = store.emails.get_many([named.id, other.id])
    assert [(left[email.id].email, left[email.id].domain) for email in (named, other)] == [("", "example.org"), ("", OTHER)]
    assert store.email_lists.rows(EmailQuery(), by_domain=True) == before
    assert before[0].domains == {"example.org": {"sent": 1}, OTHER: {"sent": 1}}
    assert differences(store) == []
