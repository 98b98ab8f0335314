"""Groups of a filter in words, each a phrase that goes on behind a number of people: “opened “Spring””, “in the segment X”."""

from collections.abc import Iterable, Mapping

from crm.domain.events import STATUS_WORDS, AttendanceStatus
from crm.domain.filters import Group, GroupKind, PeopleFilter, group, mailing
from crm.domain.outcomes import OUTCOME_WORDS
from crm.store import Store

GONE_EVENT, GONE_CAMPAIGN = "an event that is gone", "a campaign that is gone"
MISSING = {GroupKind.SEGMENT: "in a segment that is gone", GroupKind.LIST: "in a list that is gone"}
PASTED = "Pasted"
PRIVATE = "in somebody’s own segment"


def phrases(store: Store, values: Iterable[str], *, viewer: str = "") -> dict[str, str]:
    """Return `{value: words}` of values of `within` and `without`, all of them; one batch per kind of thing that is named.

    The name of somebody's own segment is for its owner alone.
    """
    groups = {value: group(value) for value in values}
    ids = {kind: sorted({one.id for one in groups.values() if one.kind is kind}) for kind in GroupKind}
    events = store.events.get_many(ids[GroupKind.ATTENDS]) if ids[GroupKind.ATTENDS] else {}
    titles = {id_: f"“{event.title}”" for id_, event in events.items()}
    subjects = subjects_of(store, ids[GroupKind.MAILED])
    known = {
        GroupKind.SEGMENT: _segments(store, ids[GroupKind.SEGMENT], viewer),
        GroupKind.LIST: _lists(store, ids[GroupKind.LIST]),
    }
    found: dict[str, str] = {}
    for value, one in groups.items():
        if one.kind is GroupKind.DAYS:
            found[value] = f"mailed in the last {one.days} days" if one.days > 1 else "mailed in the last day"
        elif one.kind is GroupKind.MAILED:
            found[value] = mailed_words(one.named, subjects)
        elif one.kind is GroupKind.ATTENDS:
            found[value] = _attends_words(one, titles.get(one.id, GONE_EVENT))
        else:
            found[value] = known[one.kind].get(one.id, MISSING[one.kind])
    return found


def opens(wanted: PeopleFilter, named: Mapping[str, str]) -> bool:
    """Tell whether the list of `wanted` opens for the viewer whose `phrases` are `named`: it names no segment that is gone, or
    somebody else's own.
    """
    return not {named.get(value) for value in (*wanted.within, *wanted.without)} & {PRIVATE, MISSING[GroupKind.SEGMENT]}


def subjects_of(store: Store, campaign_ids: Iterable[str]) -> dict[str, str]:
    """Return `{id: subject}` of campaigns that are there; one batch, none without ids."""
    ids = sorted(set(campaign_ids))
    found = store.campaigns.subjects(ids) if ids else {}
    return {id_: subject or "Draft without a subject" for id_, subject in found.items()}


def mailed_words(value: str, subjects: dict[str, str]) -> str:
    """A value of `mailed`, as a phrase.

    >>> mailed_words("c1:not_opened", {"c1": "Spring"}), mailed_words("c2", {})
    ('mailed “Spring” without opening it', 'mailed a campaign that is gone')
    """
    campaign_id, outcome = mailing(value)
    subject = subjects.get(campaign_id)
    return OUTCOME_WORDS[outcome].format(GONE_CAMPAIGN if subject is None else f"“{subject}”")


def _attends_words(one: Group, title: str) -> str:
    return f"{STATUS_WORDS[AttendanceStatus(one.rest)].lower()} at {title}" if one.rest else f"attending {title}"


def _segments(store: Store, ids: list[str], viewer: str) -> dict[str, str]:
    found = store.segments.get_many(ids) if ids else {}
    return {id_: f"in the segment “{one.name}”" if one.seen_by(viewer) else PRIVATE for id_, one in found.items()}


def _lists(store: Store, ids: list[str]) -> dict[str, str]:
    names = store.selections.names(ids) if ids else {}
    return {id_: f"in a {name[0].lower()}{name[1:]}" if name.startswith(PASTED) else f"in {name}" for id_, name in names.items()}
