"""A person as an item, what is counted about a person, and the writes that keep both in step."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from crm.domain.errors import RuleViolation
from crm.domain.folding import fold
from crm.domain.people import ATTRIBUTES, EmailStatus, Person, Profile, folded_address, search_tokens
from crm.store import schema
from crm.store.counted import Counter, RowKey
from crm.store.deltas import BEHIND
from crm.store.expressions import Clause, absent, equals
from crm.store.keys import count, moment, render, stamp
from crm.store.requests import Update, changed
from crm.store.schema import Item
from crm.store.table import MAX_PARTITION_KEY, MAX_SORT_KEY, ConditionFailed

JOINED = "JOINED#"
"""Before the month: who is there, by the UTC hour in which they came."""
COUNTED = {
    "COMPANY": ("company", "{company:fold}"),
    "JOBTITLE": ("jobTitle", "{jobTitle:fold}"),
    "STATE": ("state", "{state:fold}"),
    "CITY": ("city", "{city:fold}#{state:fold?}"),
}
"""Counter of each field: the attribute it shows, and its key. A city comes before its state: docs/decisions/0101."""

LEAVING = "leaving"
"""Set on the profile of a person who is being deleted or merged: nobody can put them on a list, or edit them, any more.

It tells since when, or by which undo of an import; for a merge or an erasure it is just there.
"""
MERGING = "merging"
"""Set on both profiles of a merge while it lasts: the id of the other one. Neither can be deleted, or merged again, meanwhile."""

Labels = dict[RowKey, dict[str, str | int]]


def item_of(person: Person) -> Item:
    """Return the profile item with all its keys; RuleViolation where a value makes a key too long."""
    searched = {
        "tagKeys": tag_keys(person.profile),
        "search": "".join(f" {token}" for token in search_tokens(person.profile)),
    }
    item = schema.keyed("user", _attributes(person) | searched)
    _check_lengths(item, "lastName", "The name and the city are too long together; shorten one of them.")
    for shown, template in COUNTED.values():
        if item.get(shown) and len((render(template, item) or "").encode()) > MAX_SORT_KEY:
            raise RuleViolation("This is too long with the signs and spaces in it; shorten it.", field=shown)
    return item


def _attributes(person: Person) -> dict[str, Any]:
    """What `person_of` reads, but for marks."""
    profile = person.profile
    attributes: dict[str, Any] = {name: getattr(profile, attribute) for name, attribute in ATTRIBUTES.items()}
    return attributes | {
        "id": person.id,
        "tags": list(profile.tags),
        "hostedEventCount": person.hosted_event_count,
        "attendedEventCount": person.attended_event_count,
        "emailStatus": person.email_status.value,
        "mergedFrom": list(person.merged_from),
        "version": person.version,
        "createdAt": stamp(person.created_at),
        "updatedAt": stamp(person.updated_at),
    }


def person_of(item: Mapping[str, Any]) -> Person:
    """Return the person that a profile item, of the table or an index, holds, or a copy of it."""
    texts = {attribute: item.get(name, "") for name, attribute in ATTRIBUTES.items()}
    return Person(
        id=item["id"],
        profile=Profile(**texts, tags=tuple(item.get("tags", ()))),
        hosted_event_count=item["hostedEventCount"],
        attended_event_count=item["attendedEventCount"],
        email_status=EmailStatus(item["emailStatus"]),
        merged_from=tuple(item.get("mergedFrom", ())),
        leaving=LEAVING in item,
        merging=MERGING in item,
        version=item["version"],
        created_at=moment(item["createdAt"]),
        updated_at=moment(item["updatedAt"]),
    )


def tag_keys(profile: Profile) -> list[str]:
    """Return the folded tags, each once."""
    return list(dict.fromkeys(fold(tag) for tag in profile.tags))


def claim_of(person: Person) -> Item:
    """Return the item that keeps the person's address from being taken twice."""
    attributes = {"id": person.id, "userId": person.id, "address": folded_address(person.profile.email)}
    return _checked(schema.keyed("emailClaim", attributes), "email")


def token_items(person: Person) -> dict[str, Item]:
    """Return the search tokens, by token. Each holds all of them, so that a search gives somebody once without a look at them."""
    tokens = search_tokens(person.profile)
    shared = {"id": person.id, "userId": person.id, "tokens": list(tokens)}
    items = [schema.keyed("searchToken", {**shared, "token": token}) for token in tokens]
    return {
        token: _checked(item, "email" if token == tokens[-1] else "lastName") for token, item in zip(tokens, items, strict=True)
    }


def tag_items(person: Person) -> dict[str, Item]:
    """Return the memberships in tags, by folded tag, bare: with nothing but what their keys are made of."""
    profile = person.profile
    names = {"id": person.id, "userId": person.id, "lastName": profile.last_name, "firstName": profile.first_name}
    return {tag: _checked(schema.keyed("tagMember", {**names, "tag": tag}), "tags") for tag in tag_keys(profile)}


def tag_copies(person: Person) -> dict[str, Item]:
    """Return the same with a copy of the profile in each, without marks: for new people and for the fold."""
    copy = _attributes(person)
    return {tag: schema.keyed("tagMember", copy | item) for tag, item in tag_items(person).items()}


def ways_to(person: Person) -> list[Item]:
    """Return the items of the table that lead to a person: search tokens and bare memberships in tags."""
    return [*token_items(person).values(), *tag_items(person).values()]


def behind(person: Person) -> dict[Counter, int]:
    """Return what the delta of a transaction says that changes a profile: copies are behind, where the person has tags."""
    return {Counter(*BEHIND, person.id): 1} if person.profile.tags else {}


def _still_untagged(person: Person) -> list[Clause]:
    """The condition on which somebody without tags need not be named: they have none by now, either."""
    return [] if person.profile.tags else [absent("tags")]


def people_changes(old: Person | None, new: Person | None) -> tuple[dict[Counter, int], Labels]:
    """Return what changes in the counters when `old` becomes `new` (None: is not there), and the labels of new values.

    A profile that changes is named as well, where it has tags, for its copies are behind then.
    """
    changes: dict[Counter, int] = {}
    labels: Labels = {}
    for person, step in ((old, -1), (new, 1)):
        for counter, label in _counters(person) if person else ():
            changes[counter] = changes.get(counter, 0) + step
            if step > 0 and label:
                labels[counter.what, counter.key] = label
    kept = {counter: change for counter, change in changes.items() if change}
    touched = {(counter.what, counter.key) for counter in kept}
    if old is not None and new is not None:
        kept |= behind(new)
    return kept, {row: label for row, label in labels.items() if row in touched}


def count_change(person: Person, *, hosted: int = 0, attended: int = 0) -> tuple[Update, dict[Counter, int]]:
    """Return the update of a profile whose counts change by this much, and what to count in the same transaction.

    It is conditioned on the counts that `person` was read with: a lost race is a ConditionFailed, after which the caller
    reads the person again and repeats (`until_won` in crm/store/people.py); so is a count below 0, at once. `version` stays.
    """
    new = replace(
        person,
        hosted_event_count=person.hosted_event_count + hosted,
        attended_event_count=person.attended_event_count + attended,
    )
    if new.hosted_event_count < 0 or new.attended_event_count < 0:
        raise ConditionFailed(())  # what is taken away was read before somebody else took it away
    expect: list[Clause] = [equals("id", person.id), *_still_untagged(person)]
    changes: dict[Counter, int] = {}
    for what, attribute, before, after in (
        ("HOSTED", "hostedEventCount", person.hosted_event_count, new.hosted_event_count),
        ("ATTENDED", "attendedEventCount", person.attended_event_count, new.attended_event_count),
    ):
        if before != after:
            expect.append(equals(attribute, before))
            changes |= {Counter(what, count(before)): -1, Counter(what, count(after)): 1}
    return changed(item_of(person), item_of(new), expect=expect), changes | behind(person)


def status_change(person: Person, status: EmailStatus, *, now: datetime) -> tuple[Update, dict[Counter, int]]:
    """Return the update of a profile whose `emailStatus` becomes `status`, and what to count in the same transaction.

    Conditioned on the status and the address that `person` was read with, as `count_change` is on counts.
    """
    new = replace(person, email_status=status, updated_at=now)
    changes: dict[Counter, int] = {}
    if status is not person.email_status:
        changes = {Counter("EMAILSTATUS", person.email_status.value): -1, Counter("EMAILSTATUS", status.value): 1}
    read = [equals("email", person.profile.email), equals("emailStatus", person.email_status.value)]
    expect = [*read, *_still_untagged(person)]
    return changed(item_of(person), item_of(new), expect=expect), changes | behind(person)


def joined_row(created_at: datetime) -> Counter:
    """The counter of who is there and came in that UTC hour.

    >>> joined_row(datetime.fromisoformat("2026-05-01T09:30:00+00:00"))
    Counter(what='JOINED#2026-05', key='01T09', attribute='n')
    """
    text = stamp(created_at)
    return Counter(f"{JOINED}{text[:7]}", text[8:13])


def _counters(person: Person) -> Iterator[tuple[Counter, dict[str, str | int]]]:
    """Every counter that the person is in, with the label of its row."""
    profile = person.profile
    values = {name: getattr(profile, attribute) for name, attribute in ATTRIBUTES.items()}
    yield Counter("PEOPLE", "TOTAL"), {}
    yield joined_row(person.created_at), {}
    for what, (shown, template) in COUNTED.items():
        if values[shown] and (key := render(template, values)) is not None:
            label = {"label": values[shown]}
            yield Counter(what, key), label | {"state": values["state"]} if what == "CITY" else label
    yield Counter("NAME", render("{lastName:first}", values) or ""), {}
    for tag in {fold(tag): tag for tag in profile.tags}.values():
        yield Counter("TAG", render("{tag:fold}", {"tag": tag}) or ""), {"label": tag}
    yield Counter("ATTENDED", count(person.attended_event_count)), {}
    yield Counter("HOSTED", count(person.hosted_event_count)), {}
    yield Counter("EMAILSTATUS", person.email_status.value), {}


def _checked(item: Item, field: str) -> Item:
    _check_lengths(item, field, "This is too long for a key, with the signs in it; shorten it.")
    return item


def _check_lengths(item: Item, field: str, message: str) -> None:
    """Refuse what DynamoDB could not keep: each `#`, `%` or space takes three bytes in a key, and folding may lengthen."""
    partitions = ["PK", *[index.pk for index in schema.INDEXES]]
    sorts = ["SK", *[index.sk for index in schema.INDEXES]]
    for names, limit in ((partitions, MAX_PARTITION_KEY), (sorts, MAX_SORT_KEY)):
        if any(len(str(item.get(name, "")).encode()) > limit for name in names):
            raise RuleViolation(message, field=field)
