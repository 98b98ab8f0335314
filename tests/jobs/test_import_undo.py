"""Taking an import back while its people are merged, deleted, erased or mailed."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crm.domain.campaigns import CampaignStatus
from crm.domain.errors import Conflict
from crm.domain.imports import Import, Undone
from crm.domain.people import Person
from crm.jobs import import_undo
from crm.jobs.kinds import STEPS
from crm.jobs.work import Held, Work
from crm.services import erasure, imports, people
from crm.services import import_undo as undo_service
from crm.services.files import FolderFiles
from crm.services.import_jobs import UNDO, job_key
from crm.store import Store
from crm.store.calls import utc_now
from tests.factories import make_campaign, make_event, make_person
from tests.jobs.importing import assert_sound, done, undone, work_on
from tests.mailings import keep_emails
from tests.services.merging import Died, dying, mailed, merged

PEOPLE = "name,email\nAda King,ada@x.example\nAda King,king@x.example"


@pytest.fixture
def files(tmp_path: Path) -> FolderFiles:
    return FolderFiles(tmp_path)


def imported_two(store: Store, files: FolderFiles) -> tuple[Import, Person, Person]:
    """An import that added two people."""
    imported = done(store, files, PEOPLE)
    found = store.people.find_by_emails(["ada@x.example", "king@x.example"])
    return imported, found["ada@x.example"], found["king@x.example"]


def half_merged(store: Store, kept: Person, gone: Person) -> None:
    """Begin a merge and die after its first write."""
    with pytest.raises(Died), dying(store, 1):
        merged(store, kept, gone, now=utc_now())


def work_at(store: Store, files: FolderFiles, later: timedelta) -> Work:
    return replace(work_on(store, files), clock=lambda: utc_now() + later)


def drive(store: Store, files: FolderFiles) -> None:
    """Do what is due in the next minutes, job by job."""
    for minutes in range(3, 15, 3):
        work = work_at(store, files, timedelta(minutes=minutes))
        for key in store.jobs.due(work.clock()):
            held = Held.take(work, key, "someone")
            while held is not None and not held.over:
                STEPS[key.kind](work, held)


def marked(store: Store, files: FolderFiles, imported: Import, monkeypatch: pytest.MonkeyPatch) -> Held:
    """An undo that broke off when it had just marked whom it is to delete."""
    imports.undo(store, imported.id, actor="zoe", now=utc_now())
    held = Held.take(work_on(store, files), job_key(imported.id, UNDO), "someone")
    assert held is not None
    with monkeypatch.context() as patch:
        patch.setattr(import_undo, "taken_back", _died)
        with pytest.raises(Died):
            import_undo.step(work_on(store, files), held)
    return held


def _died(*args: object, **values: object) -> None:
    raise Died


def test_whoever_is_just_being_merged_is_left_alone_and_the_merge_is_finished(store: Store, files: FolderFiles) -> None:
    imported, kept, gone = imported_two(store, files)
    half_merged(store, kept, gone)

    imported = undone(store, files, imported)
    drive(store, files)

    assert imported.undo_counts == {Undone.LEFT: 2}
    assert {one.reason for one in imports.left_alone(files, imported, 9)} == {"just being merged"}
    assert list(store.people.get_many([kept.id, gone.id])) == [kept.id]
    assert not store.people.get(kept.id).merging
    assert_sound(store)


def test_nobody_who_is_just_being_merged_can_be_deleted(store: Store, files: FolderFiles) -> None:
    kept, gone = (store.people.create(make_person()) for _ in range(2))
    half_merged(store, kept, gone)

    for person in (kept, gone):
        with pytest.raises(Conflict):
            store.people.delete(store.people.get(person.id))

    assert len(store.people.get_many([kept.id, gone.id])) == 2


def test_who_goes_in_a_merge_can_not_be_put_on_a_list_after_an_undo(store: Store, files: FolderFiles) -> None:
    imported, _, gone = imported_two(store, files)
    other = store.people.create(make_person())
    half_merged(store, other, gone)

    imported = undone(store, files, imported)

    assert imported.undo_counts == {Undone.LEFT: 1, Undone.DELETED: 1}
    event = store.events.create(make_event(), [], [], now=utc_now())
    assert store.events.seat(event.id, [gone.id], now=utc_now()).unknown == (gone.id,)
    drive(store, files)
    assert list(store.people.get_many([other.id, gone.id])) == [other.id]
    assert_sound(store)


def test_whom_the_undo_has_marked_can_not_be_merged_meanwhile(
    store: Store, files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported, kept, gone = imported_two(store, files)
    marked(store, files, imported, monkeypatch)

    with pytest.raises(Conflict, match="being merged or deleted"):
        merged(store, kept, gone, now=utc_now())

    drive(store, files)
    assert store.imports.get(imported.id).undo_counts == {Undone.DELETED: 2}
    assert_sound(store)


def test_an_erasure_that_begins_while_an_undo_is_at_it_keeps_its_mark(
    store: Store, files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported, erased, seated = imported_two(store, files)
    held = marked(store, files, imported, monkeypatch)
    with pytest.raises(Died), dying(store, 1):
        erasure.erase(store, erased.id, actor="grace", now=utc_now())
    monkeypatch.setattr(undo_service, "_reason_to_stay", lambda *args, **values: "on the list of an event")

    import_undo.step(work_on(store, files), held)

    left = store.people.get_many([erased.id, seated.id])
    assert left[erased.id].leaving
    assert not left[seated.id].leaving


def test_whoever_is_just_being_deleted_is_left_alone(store: Store, files: FolderFiles) -> None:
    imported, deleted, _ = imported_two(store, files)
    with pytest.raises(Died), dying(store, 1):
        people.remove(store, deleted.id, now=utc_now())

    imported = undone(store, files, imported)

    assert imported.undo_counts == {Undone.LEFT: 1, Undone.DELETED: 1}
    assert [one.reason for one in imports.left_alone(files, imported, 9)] == ["just being deleted"]
    assert store.people.get(deleted.id).leaving


@pytest.mark.parametrize("finished", [None, timedelta(seconds=30)])
def test_whoever_was_mailed_by_a_campaign_that_began_before_the_import_is_left_alone(
    store: Store, files: FolderFiles, finished: timedelta | None
) -> None:
    imported, ada, _ = imported_two(store, files)
    began = started(imported) - timedelta(seconds=30)
    ended = None if finished is None else started(imported) + finished
    campaign = make_campaign(status=CampaignStatus.DONE, started_at=began, finished_at=ended)
    store.campaigns.create(campaign)
    keep_emails(store, [mailed(campaign.id, ada)])

    imported = undone(store, files, imported)

    assert imported.undo_counts == {Undone.DELETED: 1, Undone.LEFT: 1}
    assert imports.left_alone(files, imported, 9) == [(ada.id, "was sent e-mails")]


def test_an_email_that_the_index_does_not_show_yet_is_seen(
    store: Store, files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported, ada, _ = imported_two(store, files)
    campaign = store.campaigns.create(make_campaign(status=CampaignStatus.SENDING, started_at=utc_now()))
    keep_emails(store, [mailed(campaign.id, ada)])
    monkeypatch.setattr(store.traces, "was_mailed", lambda person_id: False)

    imported = undone(store, files, imported)

    assert store.people.get_many([ada.id])
    assert imported.undo_counts == {Undone.DELETED: 1, Undone.LEFT: 1}


@pytest.fixture
def mailed_at_the_last_moment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is deleted gets an e-mail between the look and the deletion."""
    campaign = store.campaigns.create(make_campaign(status=CampaignStatus.SENDING, started_at=utc_now()))
    real = store.people.delete_many

    def mail_first(going: list[Person], also: object) -> object:
        keep_emails(store, [mailed(campaign.id, person) for person in going])
        return real(going, also)  # type: ignore[arg-type]

    monkeypatch.setattr(store.people, "delete_many", mail_first)


@pytest.mark.usefixtures("mailed_at_the_last_moment")
def test_no_address_of_whom_an_undo_deletes_stays_in_an_email(store: Store, files: FolderFiles) -> None:
    imported, *both = imported_two(store, files)

    imported = undone(store, files, imported)

    assert imported.undo_counts == {Undone.DELETED: 2}
    emails = [email for person in both for email in store.emails.of_person(person.id)]
    assert [email.email for email in emails] == ["", ""]


def started(imported: Import) -> datetime:
    assert imported.started_at is not None
    return imported.started_at
