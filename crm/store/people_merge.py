"""Two entries of one person become one: the first and the last transaction, and what stands beside the profiles."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crm.domain.log import LogEntry
from crm.domain.merging import merged_status, settled
from crm.domain.people import EmailStatus, Person, Profile, folded_address
from crm.store import schema
from crm.store.expressions import Clause, absent, equals
from crm.store.log import LogRepository
from crm.store.people_items import (
    LEAVING,
    MERGING,
    Labels,
    claim_of,
    item_of,
    people_changes,
    person_of,
    token_items,
    ways_to,
)
from crm.store.people_writes import Write, counted, edition, replacing
from crm.store.requests import Action, Check, Delete, Put, Update, changed
from crm.store.schema import Item
from crm.store.stats import Counter, StatsRepository
from crm.store.suppression import SuppressionRepository
from crm.store.table import MAX_ACTIONS, ConditionFailed, Table

PART = 45
"""Entries of a log in one transaction: each is put anew and removed."""
FARTHEST = 50
"""How often a person can have been merged into another one, one after the other, until nobody follows any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Both sides of a merge that has begun, as they are stored, and what the one that stays is to be.

    `base` is what that one was when it was `chosen`: what was edited since is left as it is.
    """

    kept: Person
    gone: Person
    chosen: Profile
    base: Profile

    @property
    def as_it_is(self) -> "Pair":
        """The same with nothing chosen: who stays has what they have now."""
        return replace(self, chosen=self.kept.profile, base=self.kept.profile)

    @property
    def wanted(self) -> Profile:
        """The profile of who is left."""
        return settled(self.chosen, self.base, self.kept.profile)


class MergeRepository:
    """What a merge writes about the two people themselves. Every step is one transaction with its counts."""

    def __init__(self, table: Table, stats: StatsRepository, suppressions: SuppressionRepository, log: LogRepository) -> None:
        self._table = table
        self._stats = stats
        self._suppressions = suppressions
        self._log = log

    def begin(self, kept: Person, gone: Person, also: Sequence[Action]) -> None:
        """Mark both, with `also`: from now on nobody can put `gone` on a list, edit or mail them, and neither can be deleted.

        ConditionFailed when one of them has moved on, leaves, or is being merged already.
        """
        marked: dict[str, dict[str, str | bool]] = {
            kept.id: {MERGING: gone.id},
            gone.id: {MERGING: kept.id, LEAVING: True},
        }
        marks = [
            Update(
                key=schema.key("user", id=one.id),
                changes=marked[one.id],
                expect=[equals("version", one.version), absent(LEAVING), absent(MERGING)],
            )
            for one in (kept, gone)
        ]
        self._table.write([*marks, Put(item=schema.keyed("merge", {"id": gone.id, "into": kept.id})), *also])

    def give_up(self, kept_id: str, gone_id: str) -> None:
        """Take the marks off who was to go, where who was to stay is not there any more; nothing where they are gone as well."""
        marks = Update(
            key=schema.key("user", id=gone_id), changes={MERGING: None, LEAVING: None}, expect=[equals(MERGING, kept_id)]
        )
        try:
            self._table.write([marks, Delete(key=schema.key("merge", id=gone_id))])
        except ConditionFailed:
            return

    def both(self, kept_id: str, gone_id: str) -> tuple[Person | None, Person | None]:
        """Return both sides as they are now, None for one that does not exist, or is not in this merge any more."""
        keys = [schema.key("user", id=id_) for id_ in (kept_id, gone_id)]
        kept, gone = self._table.batch_get(keys, consistent=True)
        return (
            person_of(kept) if kept is not None else None,
            person_of(gone) if gone is not None and gone.get(MERGING) == kept_id else None,
        )

    def heir(self, person_id: str) -> str | None:
        """Return the id of whom a person that is gone was merged into, in the end; None where they were not. A read a merge."""
        found: str | None = None
        for _ in range(FARTHEST):
            item = self._table.get(schema.key("merged", id=found or person_id))
            if item is None:
                break
            found = str(item["into"])
        return found

    def hand_over_log(self, old_id: str, new_id: str) -> None:
        """Let the log of `old_id` stand in that of `new_id`; safe to repeat. A query, and a transaction per 45 entries.

        Entries get an id of their own: both may have one of the same import, and an undo of that must not find the other's.
        """
        entries = self._log.of(old_id)
        for start in range(0, len(entries), PART):
            part = entries[start : start + PART]
            puts = [self._log.put(replace(entry, user_id=new_id, id=_id_of(old_id, entry))) for entry in part]
            self._table.write([*puts, *[self._log.delete(entry) for entry in part]])

    def handed_over(self, entry: LogEntry) -> LogEntry | None:
        """Return an entry as it stands in the log of whom its person was merged into, in the end; None where they were not.

        Whether it stands there is not looked at. A read a merge.
        """
        found = entry
        for _ in range(FARTHEST):
            item = self._table.get(schema.key("merged", id=found.user_id))
            if item is None:
                break
            found = replace(found, user_id=str(item["into"]), id=_id_of(found.user_id, found))
        return found if found is not entry else None

    def settle_tags(self, pair: Pair) -> bool:
        """Give who stays their tags and take them from who goes; tell whether there was anything to do. ConditionFailed."""
        tags = pair.wanted.tags
        if not pair.gone.profile.tags and tags == pair.kept.profile.tags:
            return False
        new = replace(pair.kept, profile=replace(pair.kept.profile, tags=tags))
        bare = replace(pair.gone, profile=replace(pair.gone.profile, tags=()))
        stays, goes = edition(pair.kept, new), edition(pair.gone, bare)
        changes, labels = counted([stays, goes])
        actions = [*stays.actions, *_of_who_goes(pair, goes.actions)]
        self._table.write([*actions, *self._stats.delta(changes, labels=labels, now=self._table.clock())])
        return True

    def finish(self, pair: Pair, entry: LogEntry, also: Sequence[Action], *, now: datetime) -> Person:
        """Take `gone` away, and return `kept` as they are from now on; `entry` goes into their log, `also` is written with it.

        One transaction; search tokens of `gone` that have no room in it, beside long names and many tags of both, go before.
        ConditionFailed where either has moved on, or `gone` is still counted at an event.
        """
        kept, gone = pair.kept, pair.gone
        profile = replace(pair.wanted, tags=kept.profile.tags)
        status = self._status(pair, profile.email)
        came_from = tuple(dict.fromkeys((*kept.merged_from, gone.id, *gone.merged_from)))
        new = replace(
            kept,
            profile=profile,
            email_status=status,
            merged_from=came_from,
            merging=False,
            updated_at=now,
            version=kept.version + 1,
        )
        actions: list[Action] = [*_changed(kept, new, gone), _removed(gone), *_claims(kept, new, gone)]
        actions += self._consent(kept, new, now)
        actions += [self._log.put(entry), Put(item=_trace(gone.id, kept.id)), *also]
        changes, labels = _sum(people_changes(kept, new), people_changes(gone, None))
        actions += self._stats.delta(changes, labels=labels, now=now)
        tokens: list[Action] = [Delete(key=_key(token)) for token in token_items(gone).values()]
        if len(actions) + len(tokens) > MAX_ACTIONS:
            self._table.write([_going(pair), *tokens])
            tokens = []
        self._table.write([*actions, *tokens])
        return new

    def _status(self, pair: Pair, address: str) -> EmailStatus:
        known = self._suppressions.lookup(address)
        return merged_status(pair.kept.email_status, pair.gone.email_status, known)

    def _consent(self, kept: Person, new: Person, now: datetime) -> list[Action]:
        """What the list of suppressed addresses must say, or still not say, about the address that stays."""
        address = new.profile.email
        if new.email_status is not EmailStatus.MAILABLE:
            if self._suppressions.lookup(address) is new.email_status:
                return []
            return self._suppressions.actions(address, new.email_status, now=now, source="merge")
        moved = folded_address(address) != folded_address(kept.profile.email) or kept.email_status is not EmailStatus.MAILABLE
        return [self._suppressions.unless_suppressed(address)] if moved else []


def _changed(kept: Person, new: Person, gone: Person) -> list[Write]:
    """The profile that stays, without its mark, its search tokens, and its tags, of which it has the same as before."""
    expect = [
        equals("version", kept.version),
        equals("emailStatus", kept.email_status.value),
        equals(MERGING, gone.id),
    ]
    update = changed(item_of(kept), item_of(new), expect=expect)
    actions: list[Write] = [replace(update, changes={**update.changes, MERGING: None})]
    return [*actions, *replacing(ways_to(kept), ways_to(new))]


def _removed(gone: Person) -> Write:
    """The profile that goes, as it was read; it has no tags any more, and no count at an event."""
    item = item_of(gone)
    unchanged = [equals(name, item[name]) for name in ("version", "emailStatus")]
    uncounted = [equals("hostedEventCount", 0), equals("attendedEventCount", 0)]
    return Delete(key=_key(item), expect=[*unchanged, *uncounted])


def _claims(kept: Person, new: Person, gone: Person) -> list[Write]:
    """The claims on addresses; one that goes over is written once, for an item can't stand twice in a transaction."""
    old, held, freed = claim_of(kept), claim_of(new), claim_of(gone)
    if _key(held) == _key(freed):
        return [Put(item=held, expect=[equals("userId", gone.id)]), Delete(key=_key(old))]
    return [Delete(key=_key(freed))]


def _going(pair: Pair) -> Check:
    """That the merge goes on."""
    return Check(key=schema.key("user", id=pair.gone.id), expect=_as_read(pair))


def _as_read(pair: Pair) -> list[Clause]:
    return [equals("version", pair.gone.version), equals(MERGING, pair.kept.id)]


def _of_who_goes(pair: Pair, actions: Sequence[Write]) -> list[Write]:
    """The same actions on condition that the merge goes on: an edit is refused to who is leaving."""
    first, *others = actions
    return [replace(first, expect=_as_read(pair)), *others]


def _sum(*parts: tuple[Mapping[Counter, int], Labels]) -> tuple[dict[Counter, int], Labels]:
    changes: dict[Counter, int] = {}
    labels: Labels = {}
    for numbers, texts in parts:
        for counter, number in numbers.items():
            changes[counter] = changes.get(counter, 0) + number
        labels |= texts
    return changes, labels


def _trace(gone_id: str, kept_id: str) -> Item:
    return schema.keyed("merged", {"id": gone_id, "into": kept_id})


def _id_of(old_id: str, entry: LogEntry) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{old_id}#{entry.id}").hex


def _key(item: Item) -> dict[str, str]:
    return {"PK": item["PK"], "SK": item["SK"]}
