"""The list over campaigns: what is read, and in what order it comes."""

from datetime import UTC, datetime, timedelta

import pytest

from crm.domain.emails import EmailState
from crm.domain.errors import BadToken
from crm.domain.ids import new_id
from crm.domain.metrics import EmailQuery
from crm.store import Store
from crm.store.cost import metered
from tests.mailings import keep_emails, make_email

MAY = datetime(2026, 5, 4, 9, tzinfo=UTC)
IN_MAY = EmailQuery(start=MAY.date(), end=MAY.date())


def test_only_partitions_that_hold_something_are_read(store: Store) -> None:
    others = [make_email(campaign_id=new_id(), created_at=MAY - timedelta(days=40 + number)) for number in range(20)]
    keep_emails(store, [*others, make_email(campaign_id=new_id(), created_at=MAY)])
    store.stats.fold_all()

    with metered() as counting:
        store.email_lists.rows(IN_MAY)
    with metered() as cost:
        found = store.email_lists.find(IN_MAY).items

    lanes = 4
    assert len(found) == 1
    assert cost.requests == counting.requests + lanes


def test_hours_that_are_not_needed_for_the_page_are_not_read(store: Store) -> None:
    campaigns = [new_id() for _ in range(10)]
    keep_emails(
        store,
        [
            make_email(campaign_id=campaign, created_at=MAY + timedelta(hours=hour))
            for hour, campaign in enumerate(campaigns)
            for _ in range(5)
        ],
    )
    store.stats.fold_all()

    with metered() as counting:
        store.email_lists.rows(IN_MAY)
    with metered() as cost:
        page = store.email_lists.find(IN_MAY, limit=4)

    assert {email.campaign_id for email in page.items} == {campaigns[-1]}
    assert cost.requests == counting.requests + 4


def test_e_mails_of_one_moment_come_by_id_the_greatest_first(store: Store) -> None:
    emails = [make_email(campaign_id=new_id(), created_at=MAY, status=status) for status in EmailState for _ in range(3)]
    keep_emails(store, emails)

    found = [email.id for email in store.email_lists.find(EmailQuery()).items]

    assert found == sorted((email.id for email in emails), reverse=True)


def test_a_page_of_which_everything_is_gone_is_empty_so_that_nobody_gets_anything_twice(store: Store) -> None:
    keep_emails(store, [make_email(created_at=MAY + timedelta(minutes=minute)) for minute in range(3)])
    query = EmailQuery()
    token = store.email_lists.find(query, limit=2).next_token
    last = store.email_lists.find(query, limit=2, token=token).items[0]

    store.table.client.delete_item(TableName=store.table.name, Key={"PK": {"S": f"EMAIL#{last.id}"}, "SK": {"S": "ANALYTICS"}})
    found = store.email_lists.find(query, limit=2, token=token)

    assert found.items == []
    assert found.next_token is None


@pytest.mark.parametrize("position", [["x"], "text", [True, 1, 2], None])
def test_a_signed_position_that_makes_no_sense_is_refused(store: Store, position: object) -> None:
    query = EmailQuery()
    token = store.email_lists._signer.sign(f"emails {query.fingerprint()}", position)

    with pytest.raises(BadToken):
        store.email_lists.find(query, token=token)


def test_a_range_that_ends_before_it_begins_holds_nothing(store: Store) -> None:
    keep_emails(store, [make_email(created_at=MAY)])

    found = store.email_lists.find(EmailQuery(start=MAY + timedelta(hours=2), end=MAY - timedelta(hours=2)))

    assert found.items == []
