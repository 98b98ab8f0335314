"""Campaigns and who they went to, as scripts read them."""

from collections.abc import Callable

import pytest

from crm.domain.campaigns import Campaign
from crm.domain.hits import HitClass, HitKind
from crm.mail.port import Uncertain
from crm.services import campaign_shelf, hits
from crm.store import Store
from crm.store.cost import metered
from tests.api.conftest import Script
from tests.conftest import Clock
from tests.factories import make_campaign
from tests.jobs.mailing import REFUSED, ToldMailer, accepted, crowd, drive, emails_of, make_work


@pytest.fixture
def campaign(store: Store, clock: Clock) -> Campaign:
    """Sent to seven: one refused, one uncertain, one opened by its reader and another by a program alone."""
    people, mailer = crowd(store, 7), ToldMailer()
    mailer.tell(people[0].profile.email, REFUSED)
    mailer.tell(people[1].profile.email, Uncertain("lost"))
    made = accepted(store, clock(), preheader="Read me", tracking=True)
    drive(make_work(store, mailer, clock))
    sent = [email for email in emails_of(store, made) if email.sent_at]
    for email, hit_class in zip(sent, (HitClass.PERSON, HitClass.PREFETCH), strict=False):
        hits.record(store, email.id, kind=HitKind.OPEN, hit_class=hit_class, at=clock(), now=clock())
    return store.campaigns.get(made.id)


def test_a_campaign_tells_where_its_emails_stand_and_what_became_of_them(script: Script, campaign: Campaign) -> None:
    status, answer = script.get(f"/campaigns/{campaign.id}")

    assert status == 200
    assert answer["counts"] == {"queued": 0, "sent": 5, "failed": 1, "uncertain": 1, "skipped": 0}
    assert {name: number for name, number in answer["outcomes"].items() if number} == {"opened": 1, "openedAny": 2}
    assert (answer["matched"], answer["willReceive"], answer["preheader"], answer["tracking"]) == (7, 7, "Read me", True)


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", 7),
        ("?status=failed&status=uncertain", 2),
        ("?outcome=opened", 1),
        ("?outcome=opened_any", 2),
        ("?outcome=not_opened", 5),
        ("?reason=refused", 1),
        ("?reason=gave_up", 0),
        ("?status=uncertain&outcome=not_opened", 1),
        ("?domain=example.org", 7),
        ("?domain=other", 0),
        ("?reason=refused&code=550", 1),
        ("?link=0&hits=all", 0),
    ],
)
def test_recipients_are_found_by_status_outcome_and_reason(script: Script, campaign: Campaign, query: str, number: int) -> None:
    status, answer = script.get(f"/campaigns/{campaign.id}/recipients{query}")

    assert (status, len(answer["items"])) == (200, number)


def test_of_a_domain_that_nobody_has_no_list_is_read(script: Script, campaign: Campaign) -> None:
    costs = []
    for query in ("", "?domain=nope.example"):
        script.get(f"/campaigns/{campaign.id}/recipients{query}")
        with metered() as cost:
            script.get(f"/campaigns/{campaign.id}/recipients{query}")
        costs.append(cost.requests)

    assert costs[1] < costs[0]


def test_recipients_come_page_by_page_each_once(script: Script, campaign: Campaign) -> None:
    path = f"/campaigns/{campaign.id}/recipients?outcome=not_opened&limit=2"
    seen: list[str] = []
    token: str | None = ""
    while token is not None:
        answer = script.get(path + (f"&nextToken={token}" if token else ""))[1]
        seen += [one["id"] for one in answer["items"]]
        token = answer["nextToken"]

    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?outcome=loved", "outcome “loved” is unknown"),
        ("?status=opened", "status “opened” is unknown"),
        ("?reason=whim", "reason “whim” is unknown"),
        ("?link=last", "from 0 to 999"),
        ("?outcome=opened&outcome=clicked", "Only one outcome"),
        ("?colour=red", "colour is not a parameter"),
    ],
)
def test_what_can_not_be_asked_for_is_named(script: Script, campaign: Campaign, query: str, words: str) -> None:
    status, answer = script.get(f"/campaigns/{campaign.id}/recipients{query}")

    assert status == 422
    assert words in answer["detail"]


def test_recipients_of_nothing_are_404_and_need_the_scope(script_for: Callable[..., Script], campaign: Campaign) -> None:
    reader, other = script_for("emails:read"), script_for("people:read")

    assert reader.get(f"/campaigns/{'0' * 32}/recipients")[0] == 404
    assert reader.get(f"/campaigns/{campaign.id}/recipients")[0] == 200
    assert other.get(f"/campaigns/{campaign.id}/recipients")[0] == 403


def test_lists_by_status_words_and_archive(script: Script, store: Store, clock: Clock, campaign: Campaign) -> None:
    draft = store.campaigns.create(make_campaign(subject="Autumn walk"))
    campaign_shelf.archive(store, campaign.id, now=clock())

    def ids(query: str) -> list[str]:
        return [one["id"] for one in script.get(f"/campaigns{query}")[1]["items"]]

    assert (ids(""), ids("?archived=true"), ids("?archived=false")) == ([draft.id], [campaign.id], [draft.id])
    assert (ids("?status=draft&status=done"), ids("?q=walk"), ids("?q=stroll")) == ([draft.id], [draft.id], [])
    assert script.get("/campaigns?status=finished")[0] == 422
    assert script.get("/campaigns?archived=perhaps")[0] == 422


def test_a_list_reads_the_figures_of_all_at_one_moment(script: Script, store: Store) -> None:
    for _ in range(40):
        store.campaigns.create(make_campaign())

    with metered() as cost:
        answer = script.get("/campaigns")[1]

    assert len(answer["items"]) == 40
    assert cost.requests <= 11
