"""What a request that only reads has read is not asked for again, until it writes."""

from crm.store import Store
from crm.store.cost import metered
from crm.store.looking import ROOM, anew, one_look
from crm.store.requests import Put, Query
from crm.store.table import Table

ONE, TWO = {"PK": "LOOK", "SK": "1"}, {"PK": "LOOK", "SK": "2"}
ALL = Query(partition="LOOK", consistent=True)


def put(table: Table, key: dict[str, str], **values: object) -> None:
    table.write([Put(item={**key, **values})])


def test_what_was_read_is_given_again_without_a_request(table: Table) -> None:
    put(table, ONE, n=1)

    with metered() as spent, one_look():
        first = [table.get(ONE), table.get(TWO), *table.query(ALL).items]
        asked = spent.requests
        again = [table.get(ONE), table.get(TWO), *table.query(ALL).items]
        both = table.batch_get([TWO, ONE], consistent=True)

    assert asked == spent.requests == 3
    assert first == again == [{**ONE, "n": 1}, None, {**ONE, "n": 1}]
    assert both == [None, {**ONE, "n": 1}]


def test_a_batch_asks_only_for_what_nobody_has_read(table: Table) -> None:
    put(table, ONE, n=1)
    put(table, TWO, n=2)

    with metered() as spent, one_look():
        table.batch_get([ONE], consistent=True)
        both = table.batch_get([ONE, TWO])

    assert both == [{**ONE, "n": 1}, {**TWO, "n": 2}]
    assert (spent.requests, spent.items_returned) == (2, 2)


def test_what_was_read_carelessly_serves_nobody_who_asks_for_the_present(table: Table) -> None:
    put(table, ONE, n=1)

    with metered() as spent, one_look():
        table.get(ONE, consistent=False)
        table.get(ONE, consistent=True)

    assert spent.requests == 2


def test_after_a_write_of_its_own_it_is_read_again(table: Table) -> None:
    put(table, ONE, n=1)

    with one_look():
        before = table.get(ONE), table.query(ALL).items
        put(table, ONE, n=2)
        after = table.get(ONE), table.query(ALL).items

    assert before == ({**ONE, "n": 1}, [{**ONE, "n": 1}])
    assert after == ({**ONE, "n": 2}, [{**ONE, "n": 2}])


def test_who_asks_anew_sees_what_others_wrote_meanwhile(table: Table, store: Store) -> None:
    put(table, ONE, n=1)

    with one_look():
        table.get(ONE)
        store.table.client.put_item(TableName=table.name, Item={"PK": {"S": "LOOK"}, "SK": {"S": "1"}, "n": {"N": "5"}})
        kept = table.get(ONE)
        with anew():
            present = table.get(ONE)

    assert (kept, present) == ({**ONE, "n": 1}, {**ONE, "n": 5})


def test_what_a_reader_does_to_an_item_is_not_seen_by_the_next(table: Table) -> None:
    put(table, ONE, n=1)

    with one_look():
        for found in (table.get(ONE), table.batch_get([ONE], consistent=True)[0], table.query(ALL).items[0]):
            assert found is not None
            found["n"] = 9
        untouched = [table.get(ONE), *table.query(ALL).items]

    assert untouched == [{**ONE, "n": 1}] * 2


def test_more_than_a_page_needs_is_not_kept(table: Table) -> None:
    put(table, ONE, n=1)

    with metered() as spent, one_look():
        table.batch_get([{"PK": "LOOK", "SK": f"none {number}"} for number in range(ROOM)])
        asked = spent.requests
        table.get(ONE)
        table.get(ONE)

    assert spent.requests == asked + 2
