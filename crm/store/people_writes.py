"""What is written for one person: profile, claim on the address, search tokens, tags and counts, as one parcel.

Parcels are pure data. The repository sends one alone or packs several into a transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from crm.domain.errors import Conflict, CrmError
from crm.domain.people import Person
from crm.store.deltas import MAX_ROWS
from crm.store.expressions import absent, equals
from crm.store.keys import stamp
from crm.store.people_items import LEAVING, MERGING, Labels, claim_of, item_of, people_changes, tag_copies, token_items, ways_to
from crm.store.requests import Check, Delete, Put, Update, changed
from crm.store.schema import Item
from crm.store.stats import Counter, RowKey
from crm.store.table import MAX_ACTIONS, ConditionFailed

Write = Put | Update | Delete | Check
MOST_PEOPLE = 12
"""People of one transaction: their actions fit, and a transaction that is lost to one taken address costs little."""
THERE = "This person is there already."
STALE = "This person was changed by someone else meanwhile. Look at them as they are now, then repeat your change."
TAKEN = "The address {address} already belongs to {owner}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """The actions for one person, what they change in the counters, and who is there afterwards.

    The condition of action `claim` means that the address is taken, that of `guard` that it was suppressed, or taken off that
    list, a moment ago, and any other one `otherwise`.
    """

    person: Person
    actions: Sequence[Write]
    changes: Mapping[Counter, int]
    labels: Labels = field(default_factory=dict)
    claim: int | None = None
    guard: int | None = None
    otherwise: str = STALE

    def error(self, failed: int, owner: str = "someone else") -> CrmError:
        """Return what a failed condition of the action at `failed` means."""
        if failed == self.guard:
            return ConditionFailed([failed])
        if failed == self.claim:
            return Conflict(TAKEN.format(address=self.person.profile.email, owner=owner), field="email")
        return Conflict(self.otherwise)

    def along(self, also: Sequence[Write]) -> "Parcel":
        """Return the parcel with further actions; a failed condition of theirs means `otherwise`."""
        return replace(self, actions=[*self.actions, *also])

    def guarded(self, check: Check) -> "Parcel":
        """Return the parcel with a condition on its address: a ConditionFailed, after which it is made anew."""
        return replace(self, actions=[*self.actions, check], guard=len(self.actions))


def creation(person: Person) -> Parcel:
    """Return what puts a new person into the table, as version 1."""
    new = replace(person, version=1)
    changes, labels = people_changes(None, new)
    actions: list[Write] = [Put(item=item_of(new), expect=[absent()]), Put(item=claim_of(new), expect=[absent()])]
    actions += [Put(item=item) for item in (*token_items(new).values(), *tag_copies(new).values())]
    return Parcel(person=new, actions=actions, changes=changes, labels=labels, claim=1, otherwise=THERE)


def edition(old: Person, edited: Person) -> Parcel:
    """Return what turns `old` into `edited`, one version up, unless they are just leaving; both counts stay out of it.

    Somebody who came under the same id since is not `old`, whatever their version.

    With another address comes its e-mail status, and `old`'s is a condition then: someone may unsubscribe meanwhile.
    """
    new = replace(
        edited,
        version=old.version + 1,
        hosted_event_count=old.hosted_event_count,
        attended_event_count=old.attended_event_count,
    )
    expect = [equals("version", old.version), equals("createdAt", stamp(old.created_at)), absent(LEAVING)]
    moves = claim_of(old) != claim_of(new)
    if moves or new.email_status is not old.email_status:
        expect.append(equals("emailStatus", old.email_status.value))
    actions: list[Write] = [changed(item_of(old), item_of(new), expect=expect)]
    claim = None
    if moves:
        claim = len(actions)
        actions += [Put(item=claim_of(new), expect=[absent()]), _without(claim_of(old))]
    actions += replacing(ways_to(old), ways_to(new))
    changes, labels = people_changes(old, new)
    return Parcel(person=new, actions=actions, changes=changes, labels=labels, claim=claim)


def removal(person: Person) -> Parcel:
    """Return what takes a person and everything that leads there out of the table, on condition that nothing changed.

    Nobody can be taken out while they are merged: what is with the other one is just coming over, or going there.
    """
    item = item_of(person)
    unchanged = ("version", "createdAt", "emailStatus", "hostedEventCount", "attendedEventCount")
    expect = [*[equals(name, item[name]) for name in unchanged], absent(MERGING)]
    actions: list[Write] = [Delete(key=_key(item), expect=expect), _without(claim_of(person))]
    actions += [_without(other) for other in ways_to(person)]
    changes, _ = people_changes(person, None)
    return Parcel(person=person, actions=actions, changes=changes)


def replacing(before: Sequence[Item], after: Sequence[Item]) -> list[Put | Delete]:
    """Return what puts the items `after` where `before` were, each under its key: those that differ, and those that are new."""
    old, new = ({(item["PK"], item["SK"]): item for item in items} for items in (before, after))
    puts = [Put(item=item) for place, item in new.items() if old.get(place) != item]
    return [*puts, *[_without(item) for place, item in old.items() if place not in new]]


def packed(parcels: Sequence[Parcel]) -> Iterator[list[Parcel]]:
    """Give the parcels in order, as many together as one transaction with a delta and a condition takes, each item once."""
    together: list[Parcel] = []
    written: set[tuple[str, str]] = set()
    rows: set[RowKey] = set()
    for parcel in parcels:
        touched = {(counter.what, counter.key) for counter in parcel.changes}
        keys = {_written(action) for action in parcel.actions}
        full = len(written) + len(keys) > MAX_ACTIONS - 2 or len(rows | touched) > MAX_ROWS or keys & written
        if together and (full or len(together) == MOST_PEOPLE):
            yield together
            together, written, rows = [], set(), set()
        together.append(parcel)
        written |= keys
        rows |= touched
    if together:
        yield together


def counted(parcels: Sequence[Parcel]) -> tuple[dict[Counter, int], Labels]:
    """Return what several parcels change in the counters together."""
    changes: dict[Counter, int] = {}
    labels: Labels = {}
    for parcel in parcels:
        for counter, change in parcel.changes.items():
            changes[counter] = changes.get(counter, 0) + change
        labels |= parcel.labels
    return changes, labels


def _written(action: Write) -> tuple[str, str]:
    key = action.item if isinstance(action, Put) else action.key
    return key["PK"], key["SK"]


def _without(item: Item) -> Delete:
    return Delete(key=_key(item))


def _key(item: Item) -> dict[str, str]:
    return {"PK": item["PK"], "SK": item["SK"]}
