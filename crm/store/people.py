"""People: kept once each, found by id, address, and everything the planner knows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from crm.domain.errors import CrmError, NotFound
from crm.domain.filters import Order, PeopleFilter
from crm.domain.people import EmailStatus, Person, folded_address
from crm.store import schema
from crm.store.duplicates import unmark
from crm.store.expressions import absent
from crm.store.facets import Facets, FacetValue, PeopleTotals
from crm.store.people_items import count_change, item_of, people_changes, person_of, status_change
from crm.store.people_pages import Beside, Explain, PeoplePage, PeoplePages
from crm.store.people_parcels import Parcels, until_won
from crm.store.people_shares import Shares
from crm.store.people_writes import Parcel, Write, creation, edition, removal
from crm.store.requests import Check, Delete, Query
from crm.store.stats import StatsRepository
from crm.store.suppression import SuppressionRepository
from crm.store.table import Table
from crm.store.tokens import TokenSigner

__all__ = [
    "Beside",
    "Explain",
    "FacetValue",
    "PeoplePage",
    "PeopleRepository",
    "PeopleTotals",
    "count_change",
    "item_of",
    "people_changes",
    "person_of",
    "status_change",
    "until_won",
]

Also = Mapping[str, Sequence[Write]]
NOTHING: Also = {}
LOGS_AT_ONCE = 50


class PeopleRepository:
    """Every way to write and find people. Each write is one transaction with its counts."""

    def __init__(self, table: Table, stats: StatsRepository, suppressions: SuppressionRepository, signer: TokenSigner) -> None:
        self._table = table
        self._suppressions = suppressions
        self._pages = PeoplePages(table, stats, signer)
        self._facets = Facets(stats)
        self._parcels = Parcels(table, stats, self.find_by_email)

    # one person

    def create(self, person: Person, also: Sequence[Write] = ()) -> Person:
        """Write a new person and return them as stored: version 1, e-mail status as the suppression list has it.

        `also` is written in the same transaction. Raises Conflict(field="email") when the address is taken.
        """
        return until_won(lambda: self._parcels.write(self._creation(person, self._conditioned(person), also)))

    def get(self, person_id: str) -> Person:
        """Return one person, read consistently; NotFound."""
        item = self._table.get(schema.key("user", id=person_id)) if person_id else None
        if item is None:
            raise NotFound("There is no such person; perhaps they were removed.")
        return person_of(item)

    def get_many(self, person_ids: Sequence[str]) -> dict[str, Person]:
        """Return those that exist, by id, read consistently; one request per 100."""
        items = self._table.batch_get([schema.key("user", id=person_id) for person_id in person_ids], consistent=True)
        return {item["id"]: person_of(item) for item in items if item is not None}

    def find_by_email(self, address: str) -> Person | None:
        """Return who has the address, read consistently, or None."""
        return self.find_by_emails([address]).get(address)

    def find_by_emails(self, addresses: Sequence[str]) -> dict[str, Person]:
        """Return who has which of `addresses`, under the spelling given; two requests per 100."""
        owners = self.ids_by_email(addresses)
        people = self.get_many(list(set(owners.values())))
        return {address: people[owner] for address, owner in owners.items() if owner in people}

    def ids_by_email(self, addresses: Sequence[str]) -> dict[str, str]:
        """Return the id of who has which of `addresses`, under the spelling given; one request per 100."""
        spellings = [address for address in addresses if folded_address(address)]
        keys = [schema.key("emailClaim", address=folded_address(address)) for address in spellings]
        claims = self._table.batch_get(keys, consistent=True)
        return {address: claim["userId"] for address, claim in zip(spellings, claims, strict=True) if claim is not None}

    def unclaimed(self, address: str) -> Check:
        """Return the condition that nobody has the address."""
        return Check(key=schema.key("emailClaim", address=folded_address(address)), expect=[absent()])

    def save(self, old: Person, new: Person, also: Sequence[Write] = ()) -> Person:
        """Write what differs between `old`, as it was read, and `new`, with `also`; return it one version up.

        A new address brings its own e-mail status. Raises Conflict when the stored version has moved on, or
        Conflict(field="email") when the address is taken; one transaction. The counts of events are left alone.
        """
        return until_won(lambda: self._parcels.write(self._edition(old, new, also)))

    def delete(self, person: Person, also: Sequence[Write] = ()) -> None:
        """Remove profile, claim, tokens, tags, log and what says who is somebody else, and write `also` with it.

        Conflict when the person has moved on. Events must have been left before; one transaction, one more per 50 entries of the
        log, and one if they were told apart.
        """
        parcel = self._removal(person, also)
        self._delete_log(person.id)
        unmark(self._table, person.id)
        self._parcels.write(parcel)

    # many people

    def create_many(
        self, people: Sequence[Person], also: Also = NOTHING, *, gate: Sequence[Check] = ()
    ) -> list[Person | CrmError]:
        """Write new people, about twelve in a transaction; return for each the person as stored, or why not.

        Of two with one address, the first is written. Safe to repeat: who is there already is a Conflict. `also` has, by the id
        of a person, what is written if and only if this person is; `gate`: a condition of each transaction, with its error.
        """
        known = self._suppressions.conditioned([person.profile.email for person in people])
        wanted = [(person, known[person.profile.email], also.get(person.id, ())) for person in people]
        return self._parcels.write_many(
            [
                (one, partial(self._creation, one, at, more), partial(self.create, one, [*more, *gate]))
                for one, at, more in wanted
            ],
            gate,
        )

    def save_many(
        self, pairs: Sequence[tuple[Person, Person]], also: Also = NOTHING, *, gate: Sequence[Check] = ()
    ) -> list[Person | CrmError]:
        """Write (old, new) pairs as `save` does, several in a transaction; return for each the person, or why not.

        `also` and `gate` are as in `create_many`.
        """
        wanted = [(old, new, also.get(new.id, ())) for old, new in pairs]
        return self._parcels.write_many(
            [
                (new, partial(self._edition, old, new, more), partial(self.save, old, new, [*more, *gate]))
                for old, new, more in wanted
            ],
            gate,
        )

    def delete_many(self, people: Sequence[Person], also: Also = NOTHING) -> list[Person | CrmError]:
        """Remove people with claim, tokens and tags, several in a transaction; return for each the person, or why not.

        Their logs are not looked at: what is to go with them is in `also`, as in `create_many`.
        """
        wanted = [(person, also.get(person.id, ())) for person in people]
        return self._parcels.write_many(
            [(one, partial(self._removal, one, more), partial(self._removed, one, more)) for one, more in wanted]
        )

    # reading many

    def page(self, wanted: PeopleFilter, *, order: Order = Order.SOURCE, limit: int = 50, token: str | None = None) -> PeoplePage:
        """Return up to `limit` people; `token` is a `next_token` or `prev_token` of the same filter and order, else BadToken."""
        return self._pages.page(wanted, order=order, limit=limit, token=token)

    def beside(self, wanted: PeopleFilter, person: Person, *, order: Order = Order.SOURCE) -> Beside:
        """Return who stands before and behind a person in the list of this filter and order.

        Costs a plan and one match each way; where the order is sorted in memory, one reading of that list.
        """
        return self._pages.beside(wanted, person, order=order)

    def count(self, wanted: PeopleFilter) -> int:
        """Return how many match, exactly (an index's lag aside): from counters where one facet decides it."""
        return self._pages.count(wanted)

    def count_by_status(self, wanted: PeopleFilter) -> dict[EmailStatus, int]:
        """Return how many match, by e-mail status: everybody from counters, else from one reading of the matches."""
        return self.totals().by_email_status if wanted.is_empty else self._pages.count_by_status(wanted)

    def shares(self, wanted: PeopleFilter, *, sample: int = 0) -> Shares:
        """Return how those who match but for the exclusions are shared out, each person in one share, and some who are left.

        Costs one reading of them, and of what each exclusion names; for exclusions alone, that of who is left out.
        """
        if replace(wanted, without=()).is_empty:
            return self._pages.shares_of_all(wanted, self.totals().by_email_status, sample=sample)
        return self._pages.shares(wanted, sample=sample)

    def walk(self, wanted: PeopleFilter, *, order: Order = Order.SOURCE) -> Iterator[Person]:
        """Give everybody who matches, page after page, in order."""
        return self._pages.walk(wanted, order=order)

    def facet(self, name: str, prefix: str = "", limit: int = 10) -> list[FacetValue]:
        """Return values of company, jobTitle, city, state or tag that begin with `prefix`, folded, most people first.

        Counts are exact; of more than 2,000 values that begin alike the first in the alphabet are looked at.
        """
        return self._facets.suggest(name, prefix, limit)

    def totals(self, *, beside: PeopleFilter | None = None, order: Order = Order.SOURCE) -> PeopleTotals:
        """Return how many people there are, in all and by e-mail status.

        With the filter of a list, its counters are read along: within `one_moment`, its page and its count read none then.
        """
        keys, ranges = self._pages.counters(beside, order) if beside is not None else ((), ())
        return self._facets.totals(keys, ranges)

    # inside

    def _conditioned(self, person: Person) -> tuple[EmailStatus, Check]:
        """What the suppression list has of the person's address, with the condition that it is still so."""
        address = person.profile.email
        return self._suppressions.conditioned([address])[address]

    def _removal(self, person: Person, also: Sequence[Write] = ()) -> Parcel:
        return removal(person).along(also)

    def _removed(self, person: Person, also: Sequence[Write]) -> Person:
        return self._parcels.write(self._removal(person, also))

    def _creation(self, person: Person, known: tuple[EmailStatus, Check], also: Sequence[Write] = ()) -> Parcel:
        status, still = known
        return creation(replace(person, email_status=status)).along(also).guarded(still)

    def _edition(self, old: Person, new: Person, also: Sequence[Write] = ()) -> Parcel:
        """The parcel of an edit; another address brings its own status."""
        if folded_address(old.profile.email) == folded_address(new.profile.email):
            return edition(old, replace(new, email_status=old.email_status)).along(also)
        status, still = self._conditioned(new)
        return edition(old, replace(new, email_status=status)).along(also).guarded(still)

    def _delete_log(self, person_id: str) -> None:
        partition, beginning = schema.prefix("log", userId=person_id)
        query = Query(partition=partition, low=beginning, high=beginning + "~", consistent=True, attributes=("PK", "SK"))
        entries = list(self._table.walk(query))
        for start in range(0, len(entries), LOGS_AT_ONCE):
            self._table.write([Delete(key=entry) for entry in entries[start : start + LOGS_AT_ONCE]])
