"""The API does what its description says, whatever it is sent: cases made by schemathesis from /api/openapi.json.

The suite tries a few of a fixed seed; `SCHEMA_EXAMPLES=500` tries so many of each kind per call. `schemathesis run` over a site
tries the borders of every value and calls in a row as well: docs/decisions/0601.
"""

import os
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.generation.case import Case
from schemathesis.specs.openapi.schemas import OpenApiSchema

from crm.store import Store
from tests.api.conftest import Script
from tests.factories import make_person

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES") or 6)
SEED = int(os.environ.get("SCHEMA_SEED") or 20260504)
BOUNDED = settings(max_examples=EXAMPLES, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck))


def narrowed(part: Any, known: dict[str, list[str]]) -> None:
    """Let the ids of a description be those of things that are there, so that a case gets further than “not found”."""
    if isinstance(part, list):
        for one in part:
            narrowed(one, known)
    elif isinstance(part, dict):
        if part.get("in") == "path" and part["name"] in known:
            part["schema"] = {"type": "string", "enum": known[part["name"]]}
        for name, schema in part.get("properties", {}).items():
            if name in known:
                ids = {"type": "string", "enum": known[name]}
                schema.update({"items": ids} if schema.get("type") == "array" else ids)
        for one in part.values():
            narrowed(one, known)


@pytest.fixture
def api(script: Script, site: Store) -> OpenApiSchema:
    """The description, over a community of five people, two events, a segment and a campaign that was sent."""
    people = [make_person(last_name=f"Number {number}") for number in range(5)]
    site.people.create_many(people)
    ids = [person.id for person in people]
    event = {"title": "Meetup", "startAt": "2030-05-01T18:00:00Z", "endAt": "2030-05-01T20:00:00Z", "owner": ids[0]}
    events = [script.post("/events", {**event, "slug": f"meetup-{number}", "attendeeIds": ids})[1]["id"] for number in range(2)]
    segment = script.post("/segments", {"name": "All", "filter": {"company": "Acme"}})[1]["id"]
    campaign = script.post("/emails/send", {"subject": "Hello", "body": "Hello {{ firstName }}"})[1]["campaignId"]
    raw = script.get("/openapi.json")[1]
    known = {"event_id": events, "segment_id": [segment], "campaign_id": [campaign]}
    narrowed(raw["paths"], {**known, "user_id": ids})
    bodies = {name: shape for name, shape in raw["components"]["schemas"].items() if not name.endswith("Out")}
    narrowed(bodies, {"owner": ids, "hostIds": ids, "attendeeIds": ids, "userIds": ids})

    config = schemathesis.Config.from_path(ROOT / "schemathesis.toml")
    described = schemathesis.openapi.from_dict(raw, config=config)
    described.app = get_wsgi_application()
    return described


@pytest.mark.parametrize("tag", ["users", "events", "emails", "campaigns", "segments"])
def test_every_answer_is_one_that_the_description_tells_of(api: OpenApiSchema, script: Script, tag: str) -> None:
    operations = [found.ok() for found in api.include(tag=tag).get_all_operations()]

    def holds(case: Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {script.secret}", "Accept-Encoding": "identity"})

    assert len(operations) >= 3
    for operation in operations:
        for mode in GenerationMode:
            cases = operation.as_strategy(generation_mode=mode)
            seed(SEED)(BOUNDED(given(cases)(holds)))()
