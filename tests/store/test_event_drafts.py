"""Drafts of events in the table: step by step, beside each other, and the list of them."""

from datetime import timedelta
from typing import Any

import pytest

from crm.domain.draft_people import Source, SourceKind
from crm.domain.errors import Conflict, NotFound
from crm.domain.event_drafts import EventDraft, Step
from crm.domain.ids import new_id
from crm.services import verify
from crm.store import Store
from crm.store.cost import metered
from tests.factories import NOW, make_event


def make_draft(**values: Any) -> EventDraft:
    """A draft that nobody has saved yet."""
    return EventDraft(**{"id": new_id(), "created_at": NOW, "updated_at": NOW, "created_by": "ingrid", **values})


def saved(draft: EventDraft, step: Step, **fields: str) -> EventDraft:
    """The draft with one step saved once more."""
    new = draft.with_step(step, {**draft.fields, **fields})
    return EventDraft(**{name: getattr(new, name) for name in new.__dataclass_fields__} | {"saved": {**new.saved, step: 1}})


def test_a_draft_is_read_as_it_was_written(store: Store) -> None:
    draft = make_draft(
        fields={"title": "", "slug": "a b", "waitlist": "", "owner": "p1"}, host_ids=("p1", "p2"), saved={Step.WHEN: 2}
    )
    sources = (Source(id="s1", kind=SourceKind.PASTED, ids=("p1",), unknown=("nils",), values={"company": ["Acme"]}),)

    stored = store.drafts.create(draft, sources)

    assert stored.version == 1
    assert store.drafts.get(draft.id) == stored
    assert store.drafts.sources(draft.id) == sources


def test_two_at_different_steps_do_not_overwrite_each_other(store: Store) -> None:
    opened = store.drafts.create(make_draft())

    store.drafts.save(opened, saved(opened, Step.BASICS, title="Autumn"), [Step.BASICS])
    store.drafts.save(opened, saved(opened, Step.WHEN, venue="Hall"), [Step.WHEN])

    now = store.drafts.get(opened.id)
    assert (now.text("title"), now.text("venue"), now.version) == ("Autumn", "Hall", 3)


def test_the_second_who_saves_a_step_is_told_and_changes_nothing(store: Store) -> None:
    opened = store.drafts.create(make_draft())
    store.drafts.save(opened, saved(opened, Step.BASICS, title="Mine"), [Step.BASICS])

    with pytest.raises(Conflict, match="saved since you opened it"):
        store.drafts.save(opened, saved(opened, Step.BASICS, title="Theirs"), [Step.BASICS])

    assert store.drafts.get(opened.id).title == "Mine"


def test_a_discarded_draft_is_gone_with_its_people_and_takes_nothing_any_more(store: Store) -> None:
    draft = store.drafts.create(make_draft(), [Source(id="s1", kind=SourceKind.CHOSEN, ids=("p1",))])

    store.drafts.discard(draft)

    assert store.drafts.find(draft.id) is None
    assert store.drafts.sources(draft.id) == ()
    with pytest.raises(NotFound):
        store.drafts.save(draft, draft, [Step.BASICS])
    with pytest.raises(NotFound):
        store.drafts.discard(draft)


def test_the_list_has_the_last_changed_first_page_by_page_and_no_events(store: Store) -> None:
    store.events.create(make_event(), [], [], now=NOW)
    drafts = [store.drafts.create(make_draft(updated_at=NOW + timedelta(hours=number))) for number in range(5)]

    with metered() as cost:
        first = store.drafts.page(limit=2)
    second = store.drafts.page(limit=2, token=first.next_token)
    last = store.drafts.page(limit=2, token=second.next_token)
    back = store.drafts.page(limit=2, token=second.prev_token)

    assert cost.requests == 2
    assert [one.id for page in (first, second, last) for one in page.items] == [draft.id for draft in reversed(drafts)]
    assert last.next_token is None
    assert back.items == first.items
    assert store.drafts.count() == 5


def test_a_draft_is_no_event_and_nothing_for_verify_to_repair(store: Store) -> None:
    draft = store.drafts.create(make_draft(), [Source(id="s1", kind=SourceKind.CHOSEN, ids=("p1",))])

    with pytest.raises(NotFound):
        store.events.get(draft.id)

    assert store.events.get_many([draft.id]) == {}
    assert verify.differences(store) == []
