"""What an audience leaves people out by. What is gone leaves out nobody: too many would be mailed.

Events and campaigns in `attendsNot` and `mailedNot`, the groups of `without`, and what segments lean on: whom one of `without`
asks for, whom one of `within` leaves out.
"""

from collections.abc import Iterable, Mapping

from crm.domain.campaigns import ENDED, Campaign, CampaignStatus
from crm.domain.errors import Conflict, FieldError, RuleViolation
from crm.domain.filters import GroupKind, PeopleFilter, group
from crm.domain.segments import Segment
from crm.services.group_names import phrases
from crm.store import Store

KINDS = {"attendsNot": "event", "mailedNot": "campaign"}
SEGMENT, LIST, ATTENDS, MAILED, _ = GroupKind
Segments = Mapping[str, Segment]


def gone(store: Store, wanted: PeopleFilter) -> dict[str, list[str]]:
    """Return `{field: values}` of what `wanted` leaves people out by and is not there; an event that is being deleted is not.

    Among them segments that lean on something that is gone, so that they leave out fewer. One request for each kind of thing that
    is named.
    """
    segments = _segments(store, [wanted])
    leaning = {value: set(_leant_on(value, wanted, segments)) for value in (*wanted.within, *wanted.without)}
    direct = {f"attends:{value}" for value in wanted.attends_not} | {f"mailed:{value}" for value in wanted.mailed_not}
    missing = _missing(store, {*wanted.without, *direct, *(one for some in leaning.values() for one in some)}, segments)
    found = {
        "attendsNot": [value for value in wanted.attends_not if f"attends:{value}" in missing],
        "mailedNot": [value for value in wanted.mailed_not if f"mailed:{value}" in missing],
        "within": [value for value in wanted.within if leaning[value] & missing],
        "without": [value for value in wanted.without if value in missing or leaning[value] & missing],
    }
    return {field: values for field, values in found.items() if values}


def check_exclusions(store: Store, wanted: PeopleFilter) -> None:
    """RuleViolation names each field that leaves people out by something that is not there. Costs what `gone` costs."""
    errors = [FieldError(field=field, message=_message(store, field, values[0])) for field, values in gone(store, wanted).items()]
    if errors:
        raise RuleViolation(" ".join(error.message for error in errors), errors=errors)


def campaigns_using(store: Store, event_id: str) -> list[Campaign]:
    """Return the campaigns, newest first, whose audience names an event and is still to be found, drafts among them.

    Looks at the state of every campaign, a request per year and per hundred, and at the segments that audiences name.
    """
    found = _unmade(store)
    segments = _segments(store, [one.audience_filter for one in found])
    return [one for one in found if event_id in _events(_named(one.audience_filter, segments))]


def check_unused(store: Store, event_id: str) -> None:
    """Conflict where a campaign that is on its way, and whose e-mails are not made yet, leaves people out by this event."""
    using = [one for one in campaigns_using(store, event_id) if one.status is not CampaignStatus.DRAFT]
    segments = _segments(store, [one.audience_filter for one in using])
    for one in using:
        if event_id in _events(_left_out_by(one.audience_filter, segments)):
            raise Conflict(
                f"The campaign “{one.subject}” leaves people out by this event, and is not sent yet. "
                "Wait until it is sent, or cancel it, then delete the event."
            )


def check_segment_unused(store: Store, segment_id: str) -> None:
    """Conflict where a campaign that is on its way leaves people out by this segment, likewise."""
    for one in _unmade(store):
        if one.status is not CampaignStatus.DRAFT and f"{SEGMENT}:{segment_id}" in one.audience_filter.without:
            raise Conflict(
                f"The campaign “{one.subject}” leaves people out by this segment, and is not sent yet. "
                "Wait until it is sent, or cancel it, then delete the segment."
            )


def _unmade(store: Store) -> list[Campaign]:
    """Campaigns whose e-mails are still to be made, newest first."""
    states = [one.id for one in store.campaigns.states() if one.status not in ENDED and not one.expanded]
    return list(store.campaigns.get_many(states).values()) if states else []


def _segments(store: Store, filters: Iterable[PeopleFilter]) -> Segments:
    ids = sorted({id_ for wanted in filters for id_ in wanted.segment_ids})
    found = store.segments.get_many(ids) if ids else {}
    return {id_: one for id_, one in found.items() if not one.filter.segment_ids}


def _leant_on(value: str, wanted: PeopleFilter, segments: Segments) -> list[str]:
    """What a segment of `wanted` leans on so that fewer are left out where it is gone; nothing for other groups."""
    one = group(value)
    segment = segments.get(one.id) if one.kind is SEGMENT else None
    if segment is None:
        return []
    return _asked_for(segment.filter) if value in wanted.without else _excluded(segment.filter)


def _asked_for(wanted: PeopleFilter) -> list[str]:
    """Whom a filter asks for, as groups."""
    named = (("attends", wanted.attends), ("mailed", wanted.mailed), ("list", wanted.selected))
    return [*(f"{kind}:{value}" for kind, values in named for value in values), *wanted.within]


def _excluded(wanted: PeopleFilter) -> list[str]:
    """Whom it leaves out, likewise."""
    named = (("attends", wanted.attends_not), ("mailed", wanted.mailed_not))
    return [*(f"{kind}:{value}" for kind, values in named for value in values), *wanted.without]


def _named(wanted: PeopleFilter, segments: Segments) -> list[str]:
    """All groups that a filter and its segments name."""
    inner = [segments[id_].filter for id_ in wanted.segment_ids if id_ in segments]
    return [value for one in (wanted, *inner) for value in (*_asked_for(one), *_excluded(one))]


def _left_out_by(wanted: PeopleFilter, segments: Segments) -> list[str]:
    """The groups by which it leaves people out, by itself or through a segment."""
    groups = (*wanted.within, *wanted.without)
    return [*_excluded(wanted), *(one for value in groups for one in _leant_on(value, wanted, segments))]


def _events(values: Iterable[str]) -> set[str]:
    return {one.id for one in map(group, values) if one.kind is ATTENDS}


def _missing(store: Store, values: Iterable[str], segments: Segments) -> set[str]:
    """Those of these groups that name something that is not there."""
    groups = {value: group(value) for value in values}
    ids = {kind: sorted({one.id for one in groups.values() if one.kind is kind}) for kind in GroupKind}
    events = store.events.get_many(ids[ATTENDS], consistent=True).values() if ids[ATTENDS] else ()
    there = {
        SEGMENT: set(segments),
        LIST: set(store.selections.names(ids[LIST])) if ids[LIST] else set(),
        ATTENDS: {event.id for event in events if not event.deleting},
        MAILED: _known(store, ids[MAILED]) if ids[MAILED] else set(),
    }
    return {value for value, one in groups.items() if one.kind in there and one.id not in there[one.kind]}


def _known(store: Store, campaign_ids: Iterable[str]) -> set[str]:
    """The campaigns of which it is known who got them: all of their e-mails are still kept."""
    now = store.table.clock()
    return {one.id for one in store.campaigns.states_of(campaign_ids).values() if one.keeps_all(now)}


def _message(store: Store, field: str, value: str) -> str:
    one = group(f"{MAILED}:{value}") if field == "mailedNot" else None
    if one is not None and (subject := store.campaigns.subjects([one.id]).get(one.id)) is not None:
        return (
            f"The e-mails of “{subject}” are no longer kept one by one, so who got them is not known, and they would be mailed. "
            "Take it out of the audience, or name another."
        )
    if field in KINDS:
        return (
            f"There is no {KINDS[field]} “{value[:40]}” to leave people out by, so nobody would be left out. "
            "Take it out of the audience, or name another."
        )
    words = phrases(store, [value])[value]
    return (
        f"People are left out by something that is gone (“{words}”), so too many would be mailed. "
        "Take that out of the audience, or name another."
    )
