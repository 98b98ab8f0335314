"""What a filter names by id, in words: events, campaigns, tasks, imports, a person; and finding events and campaigns by title."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from crm.domain.campaigns import CampaignStatus
from crm.domain.events import STATUS_WORDS, AttendanceStatus
from crm.domain.filters import PeopleFilter, mailing
from crm.domain.folding import fold_words
from crm.services.group_names import mailed_words, phrases, subjects_of
from crm.store import Store

LOOKED_THROUGH = 1_000
"""How many events or campaigns, newest first, a search by title looks at: nothing sorts them by title."""
STEP = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Titled:
    """An event or a campaign to choose; `people` attend it or were mailed, `when` it starts or was written."""

    id: str
    title: str
    when: datetime
    people: int


def names(store: Store, filters: Iterable[PeopleFilter], *, viewer: str = "") -> dict[str, str]:
    """Return `{value: name}` of what the filters name and what is still there; a batch per kind of thing that is named at all.

    Values of `within` and `without` come as phrases, also of what is gone, and so do campaigns by outcome as `mailed:<value>`;
    somebody's own segments have a name for `viewer` alone, a username. Of `ids` only one alone is looked up: several are shown as
    a number.
    """
    wanted = list(filters)
    events = {value: value.partition(":")[0] for one in wanted for value in (*one.attends, *one.attends_not)}
    campaigns = {value for one in wanted for value in (*one.mailed, *one.mailed_not)}
    groups = {value for one in wanted for value in (*one.within, *one.without)}
    selections = {id_ for one in wanted for id_ in one.selected}
    people = {one.ids[0] for one in wanted if len(one.ids) == 1}
    found: dict[str, str] = {}
    if events:
        titles = {event.id: event.title for event in store.events.get_many(sorted({*events.values()})).values()}
        found |= {value: _standing(titles[id_], value) for value, id_ in events.items() if id_ in titles}
    if campaigns:
        subjects = subjects_of(store, [mailing(value)[0] for value in campaigns])
        there = {value: mailing(value) for value in campaigns if mailing(value)[0] in subjects}
        found |= {value: _became(subjects[id_], value) for value, (id_, _) in there.items()}
        found |= {f"mailed:{value}": mailed_words(value, subjects) for value in there if ":" in value}
    if selections:
        found |= store.selections.names(sorted(selections))
    if people:
        found |= {person.id: person.name for person in store.people.get_many(sorted(people)).values()}
    return found | (phrases(store, sorted(groups), viewer=viewer) if groups else {})


def _became(subject: str, value: str) -> str:
    """A campaign, and the outcome that a value of `mailed` names with it.

    >>> _became("Spring", "c1"), _became("Spring", "c1:not_opened")
    ('Spring', 'Spring (not opened)')
    """
    outcome = value.partition(":")[2]
    return f"{subject} ({outcome.replace('_', ' ')})" if outcome else subject


def _standing(title: str, value: str) -> str:
    """An event, and the status that a value of `attends` names with it.

    >>> _standing("Spring meet-up", "e1"), _standing("Spring meet-up", "e1:no_show")
    ('Spring meet-up', 'Spring meet-up (no-show)')
    """
    status = value.partition(":")[2]
    return f"{title} ({STATUS_WORDS[AttendanceStatus(status)].lower()})" if status else title


def events_titled(store: Store, text: str, limit: int) -> list[Titled]:
    """Return events in whose title each word of `text` begins a word, newest first; of the 1,000 newest."""
    return list(islice((one for one in _events(store, limit if not text.strip() else STEP) if _titled(one.title, text)), limit))


def campaigns_titled(store: Store, text: str, limit: int) -> list[Titled]:
    """Return campaigns that went out, or are on their way, in whose subject each word of `text` begins a word, likewise."""
    found = list(islice((one for one in _campaigns(store) if _titled(one.title, text)), limit))
    figures = store.campaigns.figures_many([one.id for one in found]) if found else {}
    return [
        Titled(id=one.id, title=one.title, when=one.when, people=figures[one.id].sent + figures[one.id].uncertain)
        for one in found
    ]


def _titled(title: str, text: str) -> bool:
    """Tell whether each word that is typed begins a word of the title.

    >>> _titled("Spring meet-up in Malmö", "malmo spr"), _titled("Spring meet-up", "up")
    (True, False)
    """
    words = fold_words(title)
    return all(any(word.startswith(typed) for word in words) for typed in fold_words(text))


def _events(store: Store, step: int) -> Iterator[Titled]:
    token, seen = None, 0
    while seen < LOOKED_THROUGH:
        page = store.events.page(limit=step, token=token, newest_first=True)
        for event in page.items:
            yield Titled(id=event.id, title=event.title, when=event.start_at, people=event.registered_count)
        seen, token = seen + len(page.items), page.next_token
        if token is None or not page.items:
            return


def _campaigns(store: Store) -> Iterator[Titled]:
    for campaign in islice(store.campaigns.states(), LOOKED_THROUGH):
        if campaign.status is not CampaignStatus.DRAFT:
            yield Titled(id=campaign.id, title=campaign.subject, when=campaign.created_at, people=0)
