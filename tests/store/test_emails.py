"""E-mails as items: lists by status, by person, and what they count as."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.domain.campaigns import Utm
from crm.domain.emails import Email, EmailState, FailReason, SkipReason
from crm.domain.errors import BadToken, NotFound
from crm.domain.outcomes import Outcome
from crm.domain.recipients import NO_CODE, Part
from crm.store import Store
from crm.store.cost import metered
from crm.store.email_items import email_of, item_of, new_email
from crm.store.outcomes import email_changes, email_counts, outcome, requeued
from crm.store.requests import Put
from crm.store.stats import Counter
from crm.store.table import ConditionFailed
from tests.factories import NOW
from tests.mailings import keep_emails

moments = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0, tzinfo=NOW.tzinfo)
)
times = st.none() | moments
emails = st.builds(
    Email,
    id=st.uuids().map(lambda one: one.hex),
    campaign_id=st.sampled_from(["c1", "c2"]),
    user_id=st.sampled_from(["u1", "u2"]),
    email=st.sampled_from(["", "ada@example.org"]),
    status=st.sampled_from(EmailState),
    utm=st.builds(Utm, campaign=st.sampled_from(["", "spring"])),
    skip_reason=st.none() | st.sampled_from(SkipReason),
    fail_reason=st.none() | st.sampled_from(FailReason),
    error=st.sampled_from(["", "550 no"]),
    attempts=st.integers(0, 6),
    links=st.frozensets(st.integers(0, 999), max_size=3),
    links_any=st.frozensets(st.integers(0, 999), max_size=3),
    created_at=moments,
    first_tried_at=times,
    sent_at=times,
    failed_at=times,
    uncertain_at=times,
    opened_at=times,
    opened_any_at=times,
    clicked_any_at=times,
    unsubscribed_at=times,
)


def make_email(number: int = 0, **values: object) -> Email:
    email = new_email(
        f"{number:032x}",
        campaign_id="c1",
        user_id="u1",
        address="ada@example.org",
        utm=Utm(),
        now=NOW + timedelta(minutes=number),
    )
    return replace(email, **values)  # type: ignore[arg-type]


@given(emails)
def test_an_email_is_read_as_it_was_written(email: Email) -> None:
    assert email_of(item_of(email)) == email


@given(emails, emails)
def test_what_a_change_counts_is_the_difference_of_what_both_count(old: Email, new: Email) -> None:
    changes = email_changes([(old, new)])

    for counter in {*email_counts(old), *email_counts(new)}:
        assert email_counts(old)[counter] + changes.get(counter, 0) == email_counts(new)[counter]


def test_a_skipped_email_counts_in_its_hour_its_campaign_and_by_reason_but_not_as_opened() -> None:
    email = make_email(status=EmailState.SKIPPED, skip_reason=SkipReason.BOUNCED, opened_at=NOW)

    assert dict(email_counts(email)) == {
        Counter("EMAILS", "2026-05"): 1,
        Counter("EMAILS#2026-05", "04T09#c1", "skipped"): 1,
        Counter("CAMPAIGN#c1", "TOTAL", "skipped"): 1,
        Counter("CAMPAIGN#c1", "REASON#bounced", "skipped"): 1,
        Counter("DOMAINS#2026-05", "04T09#c1#skipped", "example.org"): 1,
    }


def test_an_email_that_went_out_counts_as_what_happened_later_too() -> None:
    email = make_email(status=EmailState.SENT, opened_at=NOW)

    assert dict(email_counts(email)) == {
        Counter("EMAILS", "2026-05"): 1,
        **{Counter("EMAILS#2026-05", "04T09#c1", word): 1 for word in ("sent", "opened", "opened_any")},
        **{Counter("CAMPAIGN#c1", "TOTAL", word): 1 for word in ("sent", "opened", "opened_any")},
        **{Counter("DOMAINS#2026-05", f"04T09#c1#{word}", "example.org"): 1 for word in ("sent", "opened", "opened_any")},
    }


def test_an_open_that_comes_while_an_email_is_refused_lets_the_refusal_be_written_anew(store: Store) -> None:
    queued = make_email(status=EmailState.QUEUED)
    store.table.write([Put(item=item_of(queued))])
    refused = replace(queued, status=EmailState.FAILED, fail_reason=FailReason.REFUSED)

    store.table.write([outcome(queued, replace(queued, opened_any_at=NOW, hits=1))])

    with pytest.raises(ConditionFailed):
        store.table.write([outcome(queued, refused)])


def test_a_list_gives_each_email_once_newest_first_and_pages_both_ways(store: Store) -> None:
    stored = [make_email(number, status=EmailState.SENT if number % 3 else EmailState.FAILED) for number in range(47)]
    for email in stored:
        store.table.write([Put(item=item_of(email))])
    newest = [email.id for email in reversed(stored)]

    pages = [store.emails.page(campaign_id="c1", limit=10)]
    while (token := pages[-1].next_token) is not None:
        pages.append(store.emails.page(campaign_id="c1", limit=10, token=token))
    back = store.emails.page(campaign_id="c1", limit=10, token=pages[2].prev_token)

    assert [email.id for page in pages for email in page.items] == newest
    assert back.items == pages[1].items
    assert pages[0].prev_token is None
    failed = store.emails.page(campaign_id="c1", statuses=[EmailState.FAILED], limit=100)
    assert [email.id for email in failed.items] == [email.id for email in reversed(stored) if email.status is EmailState.FAILED]
    assert {email.id for email in store.emails.walk("c1")} == set(newest)


def test_what_a_person_was_mailed_is_listed_newest_first(store: Store) -> None:
    for number in range(3):
        store.table.write([Put(item=item_of(make_email(number)))])

    found = store.emails.of_person("u1", limit=2)

    assert [email.id for email in found] == [f"{2:032x}", f"{1:032x}"]
    assert store.emails.of_person("nobody") == []


def test_there_is_no_email_of_an_unknown_id(store: Store) -> None:
    with pytest.raises(NotFound):
        store.emails.get("nothing")


def test_an_outcome_is_not_written_over_another_one(store: Store) -> None:
    queued = make_email()
    store.table.write([Put(item=item_of(queued))])
    store.table.write([outcome(queued, replace(queued, status=EmailState.UNCERTAIN))])

    with pytest.raises(ConditionFailed):
        store.table.write([outcome(queued, replace(queued, status=EmailState.SENT))])


def test_an_outcome_leaves_alone_what_happened_to_the_email_meanwhile(store: Store) -> None:
    queued = make_email()
    store.table.write([Put(item=item_of(replace(queued, opened_at=NOW)))])

    store.table.write([outcome(queued, replace(queued, status=EmailState.SENT, sent_at=NOW))])

    assert store.emails.get(queued.id).opened_at == NOW


def test_what_is_queued_again_has_nothing_left_of_what_became_of_it() -> None:
    failed = make_email(
        status=EmailState.FAILED, fail_reason=FailReason.GAVE_UP, error="451", attempts=6, failed_at=NOW, first_tried_at=NOW
    )

    assert requeued(failed) == make_email()


def test_a_list_by_outcome_is_what_became_of_the_emails(store: Store) -> None:
    stored = [
        make_email(
            number,
            status=EmailState.UNCERTAIN if number % 11 == 0 else EmailState.FAILED if number % 7 == 0 else EmailState.SENT,
            opened_at=NOW if number % 5 == 0 else None,
            clicked_at=NOW if number % 10 == 0 else None,
        )
        for number in range(60)
    ]
    keep_emails(store, stored)

    for wanted in Outcome:
        pages = [store.emails.page(campaign_id="c1", outcome=wanted, limit=20)]
        while (token := pages[-1].next_token) is not None:
            pages.append(store.emails.page(campaign_id="c1", outcome=wanted, limit=20, token=token))

        expected = [email for email in reversed(stored) if email.became(wanted)]
        assert [email for page in pages for email in page.items] == expected
        assert list(store.emails.walk("c1", outcome=wanted)) == expected
        assert all(len(page.items) == 20 for page in pages[:-1])


def test_an_outcome_and_statuses_must_both_hold(store: Store) -> None:
    keep_emails(store, [make_email(1, status=EmailState.SENT), make_email(2, status=EmailState.UNCERTAIN)])

    assert [email.id for email in store.emails.walk("c1", [EmailState.SENT], outcome=Outcome.NOT_OPENED)] == [f"{1:032x}"]
    assert list(store.emails.walk("c1", [EmailState.FAILED], outcome=Outcome.OPENED)) == []


def test_few_that_were_opened_among_many_are_found_in_few_requests(store: Store) -> None:
    stored = [make_email(number, status=EmailState.SENT, opened_at=NOW if number % 100 == 0 else None) for number in range(400)]
    keep_emails(store, stored)
    store.stats.fold_all()

    with metered() as cost:
        page = store.emails.page(campaign_id="c1", outcome=Outcome.OPENED)

    assert len(page.items) == 4
    assert cost.requests <= 9


@pytest.mark.parametrize("part", [Part(domain="rare.example"), Part(code=NO_CODE)])
def test_few_of_a_part_among_many_are_found_in_few_requests(store: Store, part: Part) -> None:
    rare = {"email": "a@rare.example", "domain": "rare.example", "status": EmailState.FAILED, "fail_reason": FailReason.REFUSED}
    keep_emails(store, [make_email(number, **(rare if number % 200 == 0 else {})) for number in range(400)])
    store.stats.fold_all()

    with metered() as cost:
        page = store.emails.page(campaign_id="c1", part=part, likely=2)

    assert len(page.items) == 2
    assert cost.requests <= 32


def test_a_page_of_one_outcome_is_none_of_another(store: Store) -> None:
    keep_emails(store, [make_email(number, status=EmailState.SENT) for number in range(3)])
    page = store.emails.page(campaign_id="c1", outcome=Outcome.SENT, limit=1)

    with pytest.raises(BadToken):
        store.emails.page(campaign_id="c1", outcome=Outcome.NOT_OPENED, token=page.next_token)


def test_an_email_with_all_that_can_become_of_it_stays_small() -> None:
    times: dict[str, Any] = dict.fromkeys(("sent_at", "delivered_at", "opened_at", "clicked_at"), NOW)
    happened = make_email(
        status=EmailState.SENT,
        id="e" * 32,
        campaign_id="c" * 32,
        user_id="u" * 32,
        email="ada.lovelace@example.org",
        utm=Utm(campaign="spring-2026", source="newsletter", medium="email"),
        hits=4,
        links=frozenset({0, 1}),
        unsubscribed_at=NOW,
        complained_at=NOW,
        **times,
    )
    everything = replace(
        happened,
        opened_any_at=NOW - timedelta(1),
        clicked_any_at=NOW - timedelta(1),
        first_tried_at=NOW,
        attempts=5,
        bounced_at=NOW,
        links_any=frozenset(range(30)),
    )

    def size(email: Email) -> int:
        """As DynamoDB counts it: a number has a byte for two of its digits, and one more."""
        sizes = {name: -(-len(str(value)) // 2) + 1 for name, value in item_of(email).items() if isinstance(value, int)}
        return sum(len(name.encode()) + sizes.get(name, len(str(value).encode())) for name, value in item_of(email).items())

    assert size(happened) <= 700
    assert size(replace(everything, error="x" * 120)) <= 1024, "what is written is paid for by the kilobyte"


def test_a_part_of_the_emails_pages_as_all_of_them_do(store: Store) -> None:
    emails = [
        make_email(number, status=EmailState.SENT, email=f"ada@{domain}", domain=domain, links=frozenset({number % 2}))
        for number in range(30)
        for domain in [f"{'post' if number % 3 else 'mail'}.example"]
    ]
    keep_emails(store, emails)
    part = Part(domain="post.example", link=1)

    pages = [store.emails.page(campaign_id="c1", part=part, limit=4)]
    while token := pages[-1].next_token:
        pages.append(store.emails.page(campaign_id="c1", part=part, limit=4, token=token))
    back = store.emails.page(campaign_id="c1", part=part, limit=4, token=pages[1].prev_token)

    expected = [email.id for email in store.emails.walk("c1") if email.domain == "post.example" and 1 in email.links]
    assert [email.id for page in pages for email in page.items] == expected
    assert back.items == pages[0].items
    with pytest.raises(BadToken):
        store.emails.page(campaign_id="c1", token=pages[0].next_token)


def test_failures_count_by_what_was_said_and_by_nothing_that_was_cut_off() -> None:
    words = "The mail server refused the address after quite some time of thinking about whether it may be so: "
    email = make_email(status=EmailState.FAILED, fail_reason=FailReason.REFUSED, error=f"{words}550 5.1.1 {'x' * 200}")

    assert email_counts(email_of(item_of(email))) == email_counts(email)
    assert email_counts(replace(email, error="550 5.1.1 no"))[Counter("CAMPAIGN#c1", "SAID#refused#550%205.1.1")] == 1
