"""Erasing a person: they go, what they took part in stays counted, and nothing tells any more who it was.

The request does it at once, under a record that holds no personal data. Beside the record stands a job: it goes on where the
request was cut off, and looks again a while later for what an index did not show yet.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice, product, zip_longest

from crm.domain.erasing import without_name
from crm.domain.errors import Conflict, NotFound
from crm.domain.log import LogEntry, LogKind
from crm.domain.people import ATTRIBUTES, Person, Profile
from crm.services import draft_people, segments
from crm.services.audit import noted
from crm.services.people import delete_profile
from crm.store import Store, schema
from crm.store.erasure import forget_beside, forget_emails, forget_in_campaigns
from crm.store.erasures import SEALED, Erasure
from crm.store.expressions import absent, exists
from crm.store.jobs import JobKey
from crm.store.people_items import LEAVING, MERGING
from crm.store.requests import Update
from crm.store.table import ConditionFailed

logger = logging.getLogger(__name__)
ERASE = "ERASE"
"""Name of the job that stands beside the record of an erasure."""
LOOKS = (timedelta(seconds=10), timedelta(minutes=2), timedelta(hours=1))
"""When the job looks again, each counted from the look before: an index may lag, and a worker may have had a page in hand."""
TRIES = 5
MOST_KNOWN = 40
"""Names and addresses of one person that are looked for."""


def erase(store: Store, person_id: str, *, actor: str, now: datetime) -> bool:
    """Erase a person; False where something of it is left for the job, because an index lags behind. Raises NotFound.

    Profile, address, search words, tags, log and the list of who is somebody else go; they host nothing any more. Attendances
    and e-mails stay under the opaque id, marked. Where a campaign or segment asks for them, it asks for that id. What is known
    of their address as not to be mailed stays as a hash. A repeat goes on where a crash stopped.
    """
    person = store.people.get(person_id)
    _begin(store, person, actor=actor, now=now)
    logger.info("erasure begun", extra={"person_id": person_id, "actor": actor})
    try:
        go_on(store, person_id, now=now)
    except Conflict:
        logger.warning("erasure goes on later", extra={"person_id": person_id})
        return False
    return True


def go_on(store: Store, person_id: str, *, now: datetime) -> None:
    """Do all that is left of an erasure that was begun. Safe to repeat, and at the same time as somebody else.

    Raises NotFound where none was begun, and Conflict while an index does not show all events the person hosts.
    """
    erasure = store.erasures.find(person_id)
    if erasure is None:
        raise NotFound("Nobody was erased under this id.")
    for id_ in erasure.ids:
        forget_emails(store.table, id_, erased=True)
    _forget_names(store, erasure)
    if store.people.get_many([person_id]):
        with suppress(NotFound):  # somebody else goes on with it as well, and was faster
            store.events.erase_all(person_id, now=now)
            delete_profile(store, person_id)
            logger.info("person erased", extra={"person_id": person_id})
        _forget_names(store, erasure)
        for id_ in erasure.ids:
            forget_emails(store.table, id_, erased=True)
    for id_ in erasure.ids:
        forget_beside(store.table, id_)


def job_of(person_id: str) -> JobKey:
    """The job of an erasure."""
    return JobKey(owner=schema.key("erasure", id=person_id)["PK"], name=ERASE)


def _begin(store: Store, person: Person, *, actor: str, now: datetime) -> None:
    """Write down that it began, with its job and the line in the audit log; one transaction, nothing when that is there.

    From then on the person can't be edited or put on a list. Somebody who came back under an id that was erased before, as by a
    worker that was suspended, is erased anew. Raises NotFound, and Conflict while they are being merged.
    """
    before = store.erasures.find(person.id)
    if before is not None and before.finished_at is None and person.leaving:
        return
    leaving = Update(key=schema.key("user", id=person.id), changes={LEAVING: True}, expect=[exists(), absent(MERGING)])
    job = store.jobs.put(job_of(person.id), due_at=now + LOOKS[0], old=store.jobs.get(job_of(person.id)))
    try:
        store.table.write(
            [
                store.erasures.begin(person, known_as(person, store.log.of(person.id)), now=now, before=before),
                leaving,
                job,
                noted(store, "people.erased", person.id, actor=actor, now=now),
            ]
        )
    except ConditionFailed as failed:
        begun = store.erasures.find(person.id)
        if begun is None or begun.finished_at is not None:
            store.people.get(person.id)
            raise Conflict("This person is just being merged with another one. Try again in a minute.") from failed


def known_as(person: Person, log: Sequence[LogEntry]) -> list[Profile]:
    """Return names and addresses of a person, now and before, as their log (newest first) has them; `MOST_KNOWN` at most.

    The log of whoever was merged into them is among it, so nobody knows which names belonged together: each first name is taken
    with each last name, the newest first.
    """
    known = {name: [getattr(person.profile, ATTRIBUTES[name])] for name in SEALED}
    whole: list[str] = []
    for entry in log:
        for name, values in known.items():
            values += reversed(entry.changes.get(name, ()))
        if entry.kind is LogKind.MERGED:
            name, _, address = entry.text.partition("\n")[0].rpartition(", ")
            whole.append(name)
            known["email"].append(address)
    firsts, lasts, addresses = (list(dict.fromkeys(filter(None, known[name]))) or [""] for name in SEALED)
    for name in whole:
        lasts += [name[len(first) :].strip() for first in list(firsts) if name.startswith(f"{first} ")]
        firsts += [name[: -len(last)].strip() for last in list(lasts) if name.endswith(f" {last}")]
    pairs = sorted(product(_numbered(firsts), _numbered(lasts)), key=lambda pair: pair[0][0] + pair[1][0])
    names = [*[(first, last) for (_, first), (_, last) in pairs], *[(name, "") for name in whole]]
    both = zip_longest(dict.fromkeys(names), addresses, fillvalue=None)
    first_name = names[0]
    return [
        Profile(first_name=(name or first_name)[0], last_name=(name or first_name)[1], email=address or addresses[0])
        for name, address in islice(both, MOST_KNOWN)
    ]


def _numbered(values: Sequence[str]) -> list[tuple[int, str]]:
    return list(enumerate(dict.fromkeys(values)))


def _forget_names(store: Store, erasure: Erasure) -> None:
    """Take every name and address out of filters, drafts of events and names of imported files."""
    _forget_files(store, erasure)
    for profile in erasure.sought:
        forget_in_campaigns(store.table, store.campaigns, erasure.id, profile)
        gone = Person(id=erasure.id, profile=profile, created_at=erasure.created_at, updated_at=erasure.created_at)
        segments.forget(store, gone)
        draft_people.forget(store, gone)


def _forget_files(store: Store, erasure: Erasure) -> None:
    """Imports are told by the names of their files, which stand in the import alone; one query, and a batch per 50."""
    for imported in store.imports.walk():
        for _ in range(TRIES):
            name = imported.name
            for profile in erasure.sought:
                name = without_name(name, profile)
            if name == imported.name:
                break
            try:
                store.imports.save(replace(imported, name=name), imported)
                break
            except Conflict:  # somebody works on it, or has thrown it away
                again = store.imports.find(imported.id)
                if again is None:
                    break
                imported = again
