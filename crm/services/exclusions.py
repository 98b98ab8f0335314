"""What an audience leaves people out by: events and campaigns. One that is gone leaves out nobody: too many would be mailed."""

from crm.domain.campaigns import ENDED, Campaign, CampaignStatus
from crm.domain.errors import Conflict, FieldError, RuleViolation
from crm.domain.filters import PeopleFilter, attending
from crm.store import Store

KINDS = {"attendsNot": "event", "mailedNot": "campaign"}


def gone(store: Store, wanted: PeopleFilter) -> dict[str, list[str]]:
    """Return `{field: values}` of what `wanted` leaves people out by and is not there; an event that is being deleted is not.

    One request for events and one for campaigns, where it names any.
    """
    events = {value: attending(value)[0] for value in wanted.attends_not}
    found = store.events.get_many(sorted({*events.values()}), consistent=True).values() if events else ()
    there = {event.id for event in found if not event.deleting}
    sent = store.campaigns.subjects(wanted.mailed_not) if wanted.mailed_not else {}
    missing = {
        "attendsNot": [value for value, event_id in events.items() if event_id not in there],
        "mailedNot": [campaign_id for campaign_id in wanted.mailed_not if campaign_id not in sent],
    }
    return {field: values for field, values in missing.items() if values}


def check_exclusions(store: Store, wanted: PeopleFilter) -> None:
    """RuleViolation names each field that leaves people out by something that is not there. Costs what `gone` costs."""
    errors = [
        FieldError(
            field=field,
            message=f"There is no {KINDS[field]} “{values[0][:40]}” to leave people out by, so nobody would be left out. "
            "Take it out of the audience, or name another.",
        )
        for field, values in gone(store, wanted).items()
    ]
    if errors:
        raise RuleViolation(" ".join(error.message for error in errors), errors=errors)


def campaigns_using(store: Store, event_id: str) -> list[Campaign]:
    """Return the campaigns, newest first, whose audience names an event and is still to be found, drafts among them.

    Looks at the state of every campaign: a request per year and per hundred.
    """
    states = [one.id for one in store.campaigns.states() if one.status not in ENDED and not one.expanded]
    found = store.campaigns.get_many(states).values() if states else ()
    return [one for one in found if _names(event_id, (*one.audience_filter.attends, *one.audience_filter.attends_not))]


def check_unused(store: Store, event_id: str) -> None:
    """Conflict where a campaign that is on its way, and whose e-mails are not made yet, leaves people out by this event."""
    for one in campaigns_using(store, event_id):
        if one.status is not CampaignStatus.DRAFT and _names(event_id, one.audience_filter.attends_not):
            raise Conflict(
                f"The campaign “{one.subject}” leaves people out by this event, and is not sent yet. "
                "Wait until it is sent, or cancel it, then delete the event."
            )


def _names(event_id: str, values: tuple[str, ...]) -> bool:
    return any(attending(value)[0] == event_id for value in values)
