"""Parcels on their way into the table: one alone or several in a transaction, with their counts, and what came of each."""

import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from crm.domain.errors import Conflict, CrmError, RuleViolation
from crm.domain.people import Person, folded_address
from crm.store.people_writes import Parcel, counted, packed
from crm.store.requests import Action, Check
from crm.store.stats import StatsRepository
from crm.store.table import ConditionFailed, Table

Result = TypeVar("Result")


def until_won(attempt: Callable[[], Result], *, tries: int = 20) -> Result:
    """Return what `attempt` returns, repeated while others win the race for its conditions; Conflict after so many tries.

    `attempt` reads what it conditions its write on anew each time.
    """
    for number in range(tries - 1):
        try:
            return attempt()
        except ConditionFailed:
            time.sleep(random.uniform(0.2, 1.0) * min(0.2, 0.005 * 2**number))
    return attempt()


class Parcels:
    """Writes parcels. `owner` tells who has an address, for the words about one that is taken."""

    def __init__(self, table: Table, stats: StatsRepository, owner: Callable[[str], Person | None]) -> None:
        self._table = table
        self._stats = stats
        self._owner = owner

    def write(self, parcel: Parcel) -> Person:
        """Write one parcel and return its person; raises what came of it otherwise."""
        outcome = self._send([parcel])[0]
        if isinstance(outcome, CrmError):
            raise outcome
        return outcome

    def write_many(
        self, wanted: Sequence[tuple[Person, Callable[[], Parcel], Callable[[], Person]]], gate: Sequence[Check] = ()
    ) -> list[Person | CrmError]:
        """Write the parcel of each, several together; whose address was suppressed meanwhile is written once more, alone."""
        outcomes: list[Person | CrmError | None] = [None] * len(wanted)
        parcels: list[Parcel] = []
        places: list[int] = []
        seen: dict[str, Person] = {}
        for place, (person, make, _) in enumerate(wanted):
            address = folded_address(person.profile.email)
            try:
                if address in seen:
                    raise Conflict(f"The address {person.profile.email} stands twice in this list.", field="email")
                parcels.append(make())
                places.append(place)
                seen[address] = person
            except (RuleViolation, Conflict) as error:
                outcomes[place] = error
        done = [outcome for together in packed(parcels) for outcome in self._send(together, gate)]
        for place, outcome in zip(places, done, strict=True):
            outcomes[place] = _or_error(wanted[place][2]) if isinstance(outcome, ConditionFailed) else outcome
        return [outcome for outcome in outcomes if outcome is not None]

    def _send(self, parcels: list[Parcel], gate: Sequence[Check] = ()) -> list[Person | CrmError]:
        """Write parcels together; who fails is left out with the reason, and the others are written all the same."""
        outcomes: dict[str, Person | CrmError] = {}
        left = parcels
        while left:
            changes, labels = counted(left)
            actions: list[Action] = [action for parcel in left for action in parcel.actions]
            actions += self._stats.delta(changes, labels=labels, now=self._table.clock())
            try:
                self._table.write([*actions, *gate])
            except ConditionFailed as failed:
                errors = self._errors(left, failed.failed)
                outcomes |= errors
                left = [parcel for parcel in left if parcel.person.id not in errors]
            else:
                outcomes |= {parcel.person.id: parcel.person for parcel in left}
                break
        if len(parcels) > 1:
            self._stats.keep_up()
        return [outcomes[parcel.person.id] for parcel in parcels]

    def _errors(self, parcels: Sequence[Parcel], failed: frozenset[int]) -> dict[str, CrmError]:
        errors: dict[str, CrmError] = {}
        start = 0
        for parcel in parcels:
            mine = [place - start for place in sorted(failed) if start <= place < start + len(parcel.actions)]
            if mine:
                errors[parcel.person.id] = self._error(parcel, mine[0])
            start += len(parcel.actions)
        return errors

    def _error(self, parcel: Parcel, place: int) -> CrmError:
        if place != parcel.claim:
            return parcel.error(place)
        owner = self._owner(parcel.person.profile.email)
        return parcel.error(place, owner.name) if owner else parcel.error(place)


def _or_error(write: Callable[[], Person]) -> Person | CrmError:
    try:
        return write()
    except Conflict as error:
        return error
