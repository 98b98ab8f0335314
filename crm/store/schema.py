"""The table, its entities and its eight indexes, declared once as data.

Table creation, the key attributes of every item, the planner and docs/access-patterns.md are computed from this; no key and
no index name is spelled anywhere else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crm.store.keys import render

Item = dict[str, Any]
TTL_ATTRIBUTE = "expiresAt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One kind of item; `pk` and `sk` are key templates over its attributes."""

    name: str
    pk: str
    sk: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How one entity stands in an index. It is left out while a part of the key is missing, or `only` does not hold.

    `only` is (attribute, values): the attribute must be one of them, or just be set and not 0 where `values` is empty.
    """

    entity: str
    partition: str
    sort: str
    serves: str
    only: tuple[str, tuple[str, ...]] | None = None

    def keys(self, item: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return partition and sort key of `item` here, None when it is not in."""
        if self.only is not None:
            name, values = self.only
            if not item.get(name) or (values and item[name] not in values):
                return None
        partition, sort = render(self.partition, item), render(self.sort, item)
        return None if partition is None or sort is None else (partition, sort)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """One global secondary index. It holds whole items, or keys and what it `carries`; `why` says so (decisions 0106, 0306)."""

    number: int
    name: str
    entries: tuple[Entry, ...]
    whole: bool
    why: str
    carries: tuple[str, ...] = ()

    @property
    def pk(self) -> str:
        """The attribute with the partition key."""
        return f"GSI{self.number}PK"

    @property
    def sk(self) -> str:
        """The attribute with the sort key."""
        return f"GSI{self.number}SK"

    def entry(self, entity: str) -> Entry:
        """Return how `entity` stands in this index; KeyError when it does not."""
        for entry in self.entries:
            if entry.entity == entity:
                return entry
        raise KeyError(entity)


PERSON_SORT = "LASTNAME#{lastName:fold}#{firstName:fold}#USER#{id}"

ENTITIES = (
    Entity(name="user", pk="USER#{id}", sk="PROFILE", note="a person: profile, counts, e-mail status, tags, version"),
    Entity(name="log", pk="USER#{userId}", sk="LOG#{at:raw}#{id}", note="a person's notes, edits, imports"),
    Entity(name="distinct", pk="USER#{userId}", sk="DISTINCT#{otherId}", note="staff said that these two are not one person"),
    Entity(name="merged", pk="USER#{id}", sk="MERGED", note="into whom a person was merged: old links lead there"),
    Entity(
        name="merge", pk="MERGES", sk="USER#{id}", note="the same from when a merge begins, all in one query: lists follow them"
    ),
    Entity(name="erasure", pk="ERASURE#{id}", sk="DETAIL", note="that a person was erased; a sealed name to look for until done"),
    Entity(name="attendance", pk="USER#{userId}", sk="ATTENDS#{eventId}", note="status and since when"),
    Entity(name="event", pk="EVENT#{id}", sk="DETAIL", note="also while a draft; carries registeredCount and waitlistedCount"),
    Entity(name="draftPeople", pk="EVENT#{eventId}", sk="DRAFT#PEOPLE", note="whom the draft of an event would bring in"),
    Entity(name="host", pk="EVENT#{eventId}", sk="HOST#{userId}", note="at most 20"),
    Entity(name="waiting", pk="EVENT#{eventId}", sk="WAIT#{since:raw}#{userId}", note="a place in line, read consistently"),
    Entity(name="eventLog", pk="EVENT#{eventId}", sk="LOG#{at:raw}#{id}", note="what staff did to an event"),
    Entity(name="cancellation", pk="EVENT#{eventId}", sk="CANCELLED", note="why, when and by whom an event was cancelled"),
    Entity(name="feed", pk="FEED#{id}", sk="DETAIL", note="a calendar feed: the filter of events behind a secret link"),
    Entity(
        name="pending",
        pk="EVENT#{eventId}",
        sk="PENDING#{seq:count}",
        note="up to 90 ids that a new event still has to seat",
    ),
    Entity(
        name="email",
        pk="EMAIL#{id}",
        sk="ANALYTICS",
        note="one per campaign and person, 700 bytes at most; text stands on the campaign; TTL if it is not kept for ever",
    ),
    Entity(name="hit", pk="EMAIL#{emailId}", sk="HIT#{at:raw}#{id}", note="an open or click with its class; TTL"),
    Entity(name="emailClaim", pk="UNIQUE#EMAIL#{address}", sk="CLAIM", note="one person per address"),
    Entity(name="slugClaim", pk="UNIQUE#SLUG#{slug}", sk="CLAIM", note="one published event per slug"),
    Entity(
        name="searchToken",
        pk="SEARCH#{token:two}",
        sk="{token:fold}#USER#{userId}",
        note="each word of the name, and the whole address",
    ),
    Entity(
        name="tagMember",
        pk="TAG#{tag:fold}#{userId:shard}",
        sk=PERSON_SORT,
        note="who has a tag, with a copy of the profile, so that a page by tag looks nobody up",
    ),
    Entity(
        name="campaign",
        pk="CAMPAIGN#{id}",
        sk="DETAIL",
        note="subject, UTM, state; small, for each step of a job looks at it",
    ),
    Entity(name="content", pk="CAMPAIGN#{campaignId}", sk="CONTENT", note="a campaign's text and audience filter"),
    Entity(
        name="leaver",
        pk="CAMPAIGN#{campaignId}",
        sk="LEFT#{at:raw}#{emailId}",
        note="who unsubscribed by an e-mail of it; ids and a time",
    ),
    Entity(name="domains", pk="CAMPAIGN#{campaignId}", sk="DOMAINS", note="domains under which a campaign's e-mails are counted"),
    Entity(
        name="chunk",
        pk="CAMPAIGN#{campaignId}",
        sk="CHUNK#{lane}#{dueAt:raw}#{seq}",
        note="up to 50 e-mail ids that wait: the sender's queue, read consistently",
    ),
    Entity(name="job", pk="{owner:raw}", sk="JOB#{name}", note="durable work with a lease; owner is the PK of what it works on"),
    Entity(name="delta", pk="DELTA#{id:shard}", sk="{at:raw}#{id}", note="counter changes of one transaction, not yet folded"),
    Entity(name="counter", pk="STATS#{what:raw}", sk="{key:raw}", note="folded counts"),
    Entity(name="suppression", pk="SUPPRESSED#{hash}", sk="REASON", note="HMAC of the address, no address; outlives the person"),
    Entity(name="worker", pk="WORKERS", sk="WORKER#{name}", note="that a worker is alive, and what it sent lately; TTL"),
    Entity(name="pace", pk="PACE#{sender}", sk="BUCKET", note="messages a second over all workers"),
    Entity(name="seen", pk="SEEN#{provider}#{eventId}", sk="ONCE", note="webhook event seen; TTL"),
    Entity(name="repeat", pk="REPEAT#{token}#{hash}", sk="ANSWER", note="answer to an idempotency key; TTL"),
    Entity(
        name="donePart",
        pk="DONE#{wholeId}",
        sk="PART#{seq:count}",
        note="what became of the people of one part of a call or task, written with it: a repeat counts the same; TTL",
    ),
    Entity(name="segment", pk="SEGMENT#{id}", sk="DETAIL", note="a saved filter"),
    Entity(name="mailSettings", pk="SETTINGS", sk="MAIL", note="who letters are from, who gets a copy of each"),
    Entity(
        name="copy",
        pk="CAMPAIGN#{campaignId}",
        sk="COPY#{hash}",
        note="what became of a colleague's copy of a campaign; no e-mail of it counts",
    ),
    Entity(name="template", pk="TEMPLATE#{id}", sk="DETAIL", note="a text to start from"),
    Entity(name="audit", pk="AUDIT#{at:month}", sk="{at:raw}#{id}", note="who did what to what, from where"),
    Entity(name="import", pk="IMPORT#{id}", sk="DETAIL", note="one import: file, choices, counts, state"),
    Entity(name="mapping", pk="MAPPING#{headings}", sk="DETAIL", note="what the columns of a file with these headings became"),
    Entity(name="task", pk="TASK#{id}", sk="DETAIL", note="one action on many people: what, on whom, counts, state"),
    Entity(
        name="selected",
        pk="SELECTION#{selectionId}",
        sk="IDS#{seq:count}",
        note="up to 100 ids of people: whom a task works on, an import wrote, a pasted list names",
    ),
)
BY_NAME = {entity.name: entity for entity in ENTITIES}

INDEXES = (
    Index(
        number=1,
        name="GSI_ByCompany",
        entries=(
            Entry(entity="user", partition="COMPANY#{company:fold}", sort=PERSON_SORT, serves="people of a company, by name"),
        ),
        whole=True,
        why="a list page shows the whole profile and filters on all of it: no second read",
    ),
    Index(
        number=2,
        name="GSI_ByJobTitle",
        entries=(
            Entry(entity="user", partition="JOBTITLE#{jobTitle:fold}", sort=PERSON_SORT, serves="people with a title, by name"),
        ),
        whole=True,
        why="as GSI_ByCompany",
    ),
    Index(
        number=3,
        name="GSI_ByLocation",
        entries=(
            Entry(
                entity="user",
                partition="STATE#{state:fold?}",
                sort="CITY#{city:fold?}#" + PERSON_SORT,
                serves="people of a state, or of a city in it, by city and name",
                only=("place", ()),
            ),
        ),
        whole=True,
        why="as GSI_ByCompany",
    ),
    Index(
        number=4,
        name="GSI_UsersByActivity",
        entries=(
            Entry(
                entity="user",
                partition="ATTENDED#{id:shard}",
                sort="{attendedEventCount:count}#USER#{id}",
                serves="most active attendees; attended between a and b",
            ),
        ),
        whole=True,
        why="as GSI_ByCompany",
    ),
    Index(
        number=5,
        name="GSI_EventAttendees",
        entries=(
            Entry(
                entity="attendance",
                partition="EVENT#{eventId}",
                sort="{status}#{since:raw}#USER#{userId}",
                serves="who attends an event, by status in order of arrival",
            ),
            Entry(
                entity="host",
                partition="HOST#{userId}",
                sort="{startAt:raw}#EVENT#{eventId}",
                serves="what a person hosts, by date",
            ),
            Entry(
                entity="user",
                partition="HOSTED#{id:shard}",
                sort="{hostedEventCount:count}#USER#{id}",
                serves="people that hosted, by how often",
                only=("hostedEventCount", ()),
            ),
        ),
        whole=True,
        why="profiles as GSI_ByCompany; attendances are three ids and carry no names",
    ),
    Index(
        number=6,
        name="GSI_EventsByDate",
        entries=(
            Entry(
                entity="event",
                partition="EVENTS#DRAFT",
                sort="{updatedAt:raw}#EVENT#{id}",
                serves="drafts, by when they were changed",
                only=("status", ("draft",)),
            ),
            Entry(
                entity="event",
                partition="EVENTS#{startAt:year}",
                sort="{startAt:raw}#EVENT#{id}",
                serves="events in a date range",
            ),
            Entry(
                entity="cancellation",
                partition="EVENTS#CANCELLED",
                sort="{startAt:raw}#EVENT#{eventId}",
                serves="cancelled events, by date",
            ),
            Entry(
                entity="feed",
                partition="FEEDS",
                sort="{createdAt:raw}#FEED#{id}",
                serves="calendar feeds, newest first",
            ),
            Entry(
                entity="campaign",
                partition="CAMPAIGNS#ARCHIVED",
                sort="{createdAt:raw}#CAMPAIGN#{id}",
                serves="campaigns that were put away, newest first",
                only=("archivedAt", ()),
            ),
            Entry(
                entity="campaign",
                partition="CAMPAIGNS#{createdAt:year}",
                sort="{createdAt:raw}#CAMPAIGN#{id}",
                serves="campaigns, newest first",
            ),
            Entry(
                entity="job",
                partition="DUE",
                sort="{dueAt:raw}#{owner:raw}#{name}",
                serves="work that is due",
                only=("dueAt", ()),
            ),
            Entry(
                entity="segment",
                partition="SEGMENTS",
                sort="{name:fold}#{seenBy:raw?}#SEGMENT#{id}",
                serves="segments, by name; seenBy marks whose own one is, so that a list reads only what is seen",
            ),
            Entry(
                entity="template",
                partition="TEMPLATES",
                sort="{name:fold}#TEMPLATE#{id}",
                serves="texts to start from, by name",
            ),
            Entry(
                entity="import",
                partition="IMPORTS",
                sort="{createdAt:raw}#IMPORT#{id}",
                serves="imports, newest first",
            ),
            Entry(
                entity="task",
                partition="TASKS",
                sort="{createdAt:raw}#TASK#{id}",
                serves="tasks, newest first",
            ),
            Entry(
                entity="email",
                partition="MAILED#{userId}",
                sort="{createdAt:raw}#EMAIL#{id}",
                serves="what a person was mailed, by time",
            ),
        ),
        whole=False,
        why="registeredCount, leases and outcomes change often and cost no write here; what events and campaigns are chosen by "
        "is carried, so that a list looks at thousands of them in one request, and reads its 50 items in one batch",
        carries=("title", "endAt", "venue", "city", "hostIds", "subject", "campaignStatus"),
    ),
    Index(
        number=7,
        name="GSI_ByName",
        entries=(
            Entry(
                entity="user",
                partition="NAME#{lastName:first}",
                sort=PERSON_SORT,
                serves="everybody by name; last names from a prefix",
            ),
        ),
        whole=True,
        why="as GSI_ByCompany",
    ),
    Index(
        number=8,
        name="GSI_EmailsByCampaign",
        entries=(
            Entry(
                entity="email",
                partition="CAMPAIGN#{campaignId}#{status}#{id:lane}",
                sort="{createdAt:raw}#EMAIL#{id}",
                serves="a campaign's e-mails by status, newest first: for reading only",
            ),
        ),
        whole=True,
        why="the list shows the whole e-mail; its outcome moves it to another partition anyway",
    ),
)
BY_COMPANY, BY_JOB_TITLE, BY_LOCATION, BY_ACTIVITY, EVENT_ATTENDEES, BY_DATE, BY_LAST_NAME, BY_CAMPAIGN = INDEXES


def keyed(entity: str, attributes: Mapping[str, Any]) -> Item:
    """Return the item of that entity: `attributes` without empty ones, entityType, PK, SK and the keys of its indexes.

    KeyError or ValueError for what can't be keyed is a bug of the caller.
    """
    kept = {
        name: value for name, value in attributes.items() if value is not None and value != "" and value != [] and value != {}
    }
    item: Item = {"entityType": entity, **kept, **key(entity, **attributes)}
    derived = {**item, "place": item.get("state") or item.get("city")}
    for index in INDEXES:
        for entry in index.entries:
            if entry.entity == entity and (pair := entry.keys(derived)) is not None:
                item[index.pk], item[index.sk] = pair
                break
    return item


def key(entity: str, **attributes: Any) -> dict[str, str]:
    """Return `{"PK": …, "SK": …}` of that entity; ValueError when an attribute of the key is missing.

    >>> key("user", id="u1")
    {'PK': 'USER#u1', 'SK': 'PROFILE'}
    """
    declared = BY_NAME[entity]
    pk, sk = render(declared.pk, attributes), render(declared.sk, attributes)
    if pk is None or sk is None:
        raise ValueError(f"{entity} lacks a part of its key")
    return {"PK": pk, "SK": sk}


def prefix(entity: str, **attributes: Any) -> tuple[str, str]:
    """Return the PK, and the SK up to its first part that `attributes` lacks: the key condition for a range of items.

    >>> prefix("chunk", campaignId="c1", lane=2)
    ('CAMPAIGN#c1', 'CHUNK#2#')
    """
    declared = BY_NAME[entity]
    pk = render(declared.pk, attributes)
    if pk is None:
        raise ValueError(f"{entity} lacks a part of its partition key")
    head = declared.sk
    while (sk := render(head, attributes)) is None:
        head = head[: head.rindex("{")]
    return pk, sk


def create_request(name: str) -> dict[str, Any]:
    """Return the arguments of CreateTable: on-demand, string keys, eight indexes."""
    attributes = ["PK", "SK", *[attribute for index in INDEXES for attribute in (index.pk, index.sk)]]
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema("PK", "SK"),
        "AttributeDefinitions": _definitions(attributes),
        "GlobalSecondaryIndexes": [index_request(index) for index in INDEXES],
    }


def index_request(index: Index) -> dict[str, Any]:
    """Return the declaration of one index, for CreateTable or UpdateTable."""
    projection: Any = {"ProjectionType": "ALL" if index.whole else "INCLUDE" if index.carries else "KEYS_ONLY"}
    if index.carries:
        projection["NonKeyAttributes"] = list(index.carries)
    return {"IndexName": index.name, "KeySchema": _key_schema(index.pk, index.sk), "Projection": projection}


def index_definitions(index: Index) -> list[dict[str, str]]:
    """Return the attribute definitions that adding `index` to a table needs."""
    return _definitions(["PK", "SK", index.pk, index.sk])


def _key_schema(pk: str, sk: str) -> list[dict[str, str]]:
    return [{"AttributeName": pk, "KeyType": "HASH"}, {"AttributeName": sk, "KeyType": "RANGE"}]


def _definitions(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]
