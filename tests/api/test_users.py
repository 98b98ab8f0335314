"""The calls about people."""

from collections.abc import Callable

import pytest

from crm.store import Store
from tests.api.conftest import Script

ADA = {"firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.org", "company": "Analytical Engines"}


def test_a_created_person_is_read_back_whole(script: Script) -> None:
    status, created = script.post("/users", {**ADA, "phoneNumber": None, "tags": ["Pioneer"]})

    assert status == 201
    assert created | ADA == created
    assert created["tags"] == ["Pioneer"]
    assert (created["emailStatus"], created["version"], created["phoneNumber"]) == ("mailable", 1, "")
    assert created["createdAt"].endswith("Z")
    assert script.get(f"/users/{created['id']}") == (200, created)


def test_a_taken_address_is_a_conflict_that_names_the_field(script: Script) -> None:
    script.post("/users", ADA)

    status, answer = script.post("/users", {**ADA, "email": "ADA@example.org", "firstName": "Other"})

    assert status == 409
    assert answer["errors"][0]["field"] == "email"
    assert script.get("/users/count") == (200, {"count": 1})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**ADA, "email": "nonsense"}, "email"),
        ({**ADA, "lastName": "  "}, "lastName"),
        ({**ADA, "firstName": "\u0301\u0308"}, "firstName"),
        ({**ADA, "company": "a\u0000b"}, "company"),
        ({**ADA, "city": "x" * 5000}, "city"),
        ({**ADA, "compnay": "typo"}, "compnay"),
        ({"firstName": "Ada"}, "lastName"),
        ({**ADA, "tags": "one"}, "tags"),
    ],
)
def test_a_value_that_cannot_be_is_named_and_writes_nothing(script: Script, body: dict[str, object], field: str) -> None:
    status, answer = script.post("/users", body)

    assert status == 422
    assert field in {error["field"] for error in answer["errors"]}
    assert script.get("/users/count") == (200, {"count": 0})


@pytest.mark.parametrize(
    ("name", "sorted_after"), [("O#Neil", None), ("100% Ångström", None), ("van dyke", None), ("الفيومي", None), ("李", None)]
)
def test_names_of_all_kinds_are_found_again(script: Script, name: str, sorted_after: None) -> None:
    script.post("/users", {**ADA, "lastName": name, "company": name})

    by_company = script.client.get(
        "/api/users", {"company": name.upper()}, headers={"Authorization": f"Bearer {script.secret}"}
    ).json()
    by_search = script.client.get("/api/users", {"q": name[:2]}, headers={"Authorization": f"Bearer {script.secret}"}).json()

    assert [user["lastName"] for user in by_company["items"]] == [name]
    assert [user["lastName"] for user in by_search["items"]] == [name]


@pytest.mark.parametrize("raw", [b"{", b"[]", b"", b"\xff\xfe", b'{"firstName": NaN}', b'{"firstName": "\\ud800"}', b'"text"'])
def test_a_malformed_body_is_a_400(script: Script, raw: bytes) -> None:
    status, answer = script.call("POST", "/users", raw)

    assert (status, answer["status"]) == (400, 400)


def test_errors_are_problems_of_their_own_type(script: Script) -> None:
    response = script.client.get("/api/users/nobody", headers={"Authorization": f"Bearer {script.secret}"})

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert set(response.json()) >= {"title", "status", "detail"}


def test_other_media_types_methods_and_addresses_are_refused(script: Script) -> None:
    assert script.call("POST", "/users", b"a=b", content_type="application/x-www-form-urlencoded")[0] == 415
    assert script.call("PUT", "/users", {})[0] == 405
    assert script.get("/nothing")[0] == 404
    assert script.call("POST", "/users", b'{"firstName": "' + b"x" * 12_000_000 + b'"}')[0] == 413


def test_head_is_answered_as_get_without_the_body(script: Script) -> None:
    ada = script.post("/users", ADA)[1]

    heads = [script.call("HEAD", address) for address in ("/events", "/users", f"/users/{ada['id']}", "/users/none")]

    assert heads == [(200, None), (200, None), (200, None), (404, None)]
    assert script.call("HEAD", "/emails/send") == (405, None)
    assert script.call("PUT", "/users")[1]["detail"] == "This address takes GET, HEAD, POST."


def test_the_log_of_a_person_tells_whose_token_it_was(script: Script, site: Store) -> None:
    ada = script.post("/users", ADA)[1]
    script.call("PATCH", f"/users/{ada['id']}", {"version": ada["version"], "city": "London"})

    entries = site.log.of(ada["id"])

    assert len(entries) == 2
    assert all(entry.actor.startswith("script-") for entry in entries)


def test_paging_gives_everybody_once_and_back_again(script: Script) -> None:
    for number in range(7):
        script.post("/users", {**ADA, "email": f"{number}@example.org", "lastName": f"L{number}"})

    seen, path, pages = [], "/users?limit=3&order=name", []
    while path:
        page = script.get(path)[1]
        pages.append(page)
        seen += [user["lastName"] for user in page["items"]]
        path = f"/users?limit=3&order=name&nextToken={page['nextToken']}" if page["nextToken"] else ""
    back = script.get(f"/users?limit=3&order=name&prevToken={pages[1]['prevToken']}")[1]

    assert seen == [f"L{number}" for number in range(7)]
    assert [user["lastName"] for user in back["items"]] == ["L0", "L1", "L2"]


def test_a_changed_or_foreign_token_is_a_400(script: Script) -> None:
    for number in range(3):
        script.post("/users", {**ADA, "email": f"{number}@example.org"})
    token = script.get("/users?limit=1")[1]["nextToken"]
    flipped = ("A" if token[5] != "A" else "B").join([token[:5], token[6:]])

    assert script.get(f"/users?limit=1&nextToken={flipped}")[0] == 400
    assert script.get(f"/users?limit=1&q=ad&nextToken={token}")[0] == 400
    assert script.get("/users?nextToken=%20%C3%A9")[0] == 400


def test_a_misspelled_filter_is_refused_and_does_not_match_everybody(script: Script) -> None:
    assert script.get("/users?compnay=Acme")[0] == 422
    assert script.get("/users/count?compnay=Acme")[0] == 422
    assert script.get("/users?limit=0")[0] == 422
    assert script.get("/users?limit=000000001999")[0] == 422
    assert script.get("/users?limit=000000001" + "9" * 4_400)[0] == 422
    assert script.get("/users?order=size")[0] == 422
    assert script.get("/users?hostedEventCountMin=5&hostedEventCountMax=2")[0] == 422


def test_explain_tells_what_a_page_cost(script: Script) -> None:
    script.post("/users", ADA)

    found = script.get("/users?company=analytical%20engines&explain=1")[1]["explain"]

    assert found["index"] == "GSI_ByCompany"
    assert found["itemsRead"] == found["itemsReturned"] == 1
    assert found["readUnits"] > 0
    assert "explain" not in script.get("/users")[1]


def test_a_patch_changes_what_is_given_and_refuses_a_stale_version(script: Script) -> None:
    ada = script.post("/users", ADA)[1]

    status, changed = script.call("PATCH", f"/users/{ada['id']}", {"version": ada["version"], "city": "London"})
    stale, _ = script.call("PATCH", f"/users/{ada['id']}", {"version": ada["version"], "city": "Paris"})

    assert (status, changed["city"], changed["company"]) == (200, "London", ADA["company"])
    assert stale == 409
    assert script.call("PATCH", f"/users/{ada['id']}", {"version": True, "city": "Paris"})[0] == 422
    assert script.get(f"/users/{ada['id']}")[1]["city"] == "London"


def test_a_deleted_person_is_gone_and_the_address_free(script: Script) -> None:
    ada = script.post("/users", ADA)[1]

    assert script.call("DELETE", f"/users/{ada['id']}") == (204, None)
    assert script.get(f"/users/{ada['id']}")[0] == 404
    assert script.post("/users", ADA)[0] == 201


def test_a_repeat_under_one_idempotency_key_does_nothing_again(script: Script) -> None:
    first = script.post("/users", ADA, Idempotency_Key="k1")

    assert script.post("/users", ADA, Idempotency_Key="k1") == first
    assert script.post("/users", {**ADA, "email": "b@example.org"}, Idempotency_Key="k1")[0] == 422
    assert script.get("/users/count") == (200, {"count": 1})


@pytest.mark.parametrize(
    ("scopes", "role", "call", "expected"),
    [
        (("people:read",), "Admin", ("GET", "/users"), 200),
        (("people:read",), "Admin", ("POST", "/users"), 403),
        (("events:read",), "Admin", ("GET", "/users"), 403),
        (("people:write",), "Viewer", ("POST", "/users"), 403),
        (("people:read",), "Door", ("GET", "/users"), 403),
        (("emails:read",), "Viewer", ("POST", "/emails/send"), 403),
    ],
)
def test_a_token_may_do_what_its_scopes_and_its_owner_may(
    script_for: Callable[..., Script], scopes: tuple[str, ...], role: str, call: tuple[str, str], expected: int
) -> None:
    script = script_for(*scopes, role=role)

    assert script.call(*call, ADA if call[0] == "POST" else None)[0] == expected


def test_without_a_good_token_everything_is_a_401(site: Store, db: None) -> None:
    for secret in ("", "crm_wrong"):
        status, answer = Script(secret).get("/users")

        assert (status, answer["status"]) == (401, 401)
