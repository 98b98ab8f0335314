"""What a campaign may be."""

import pytest

from crm.domain.campaigns import Audience, Utm
from crm.domain.errors import RuleViolation
from crm.domain.ids import email_id, new_id, part_of
from tests.factories import make_campaign


def test_a_campaign_is_trimmed() -> None:
    campaign = make_campaign(subject=" Spring ", body="\n Hello \n").cleaned()

    assert (campaign.subject, campaign.body) == ("Spring", "Hello")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"subject": " "}, "subject"),
        ({"subject": "a\nBcc: x@example.org"}, "subject"),
        ({"subject": "a\u2028b"}, "subject"),
        ({"utm": Utm(medium="a\u2029b")}, "utmMedium"),
        ({"subject": "x" * 301}, "subject"),
        ({"body": " "}, "body"),
        ({"body": "é" * 50_001}, "body"),
        ({"utm": Utm(campaign="a\tb")}, "utmCampaign"),
        ({"utm": Utm(source="x" * 101)}, "utmSource"),
    ],
)
def test_what_a_campaign_can_not_be_is_refused_with_its_field(values: dict[str, object], field: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        make_campaign(**values).cleaned()

    assert [error.field for error in refused.value.errors] == [field]


def test_who_is_suppressed_receives_nothing() -> None:
    assert Audience(matched=10, suppressed={"unsubscribed": 2, "bounced": 1}).will_receive == 7


def test_a_campaign_has_one_email_per_person_whatever_asks_for_its_id() -> None:
    campaign, person = new_id(), new_id()

    assert email_id(campaign, person) == email_id(campaign, person)
    assert email_id(campaign, person) != email_id(person, campaign)


def test_ids_spread_over_all_parts() -> None:
    assert {part_of(new_id(), 4) for _ in range(200)} == {0, 1, 2, 3}
