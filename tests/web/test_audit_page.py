"""The page of the audit log: in words, with links, by filter, as CSV."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from crm.domain.audit import AuditEntry, Origin
from crm.domain.filters import PeopleFilter
from crm.domain.ids import new_id
from crm.domain.segments import Segment
from crm.store import Store
from crm.store.cost import metered
from tests.factories import NOW, make_person

SignIn = Callable[[str], Client]
PAGE = "/settings/audit/"


def note(site: Store, action: str, subject: str = "", *, actor: str = "ingrid", **values: object) -> AuditEntry:
    """An entry of a moment ago."""
    given = {"id": new_id(), "at": timezone.now() - timedelta(minutes=1), **values}
    entry = AuditEntry(actor=actor, action=action, subject=subject, **given)  # type: ignore[arg-type]
    site.audit.note(entry)
    return entry


def test_an_entry_is_told_in_words_with_a_link_to_what_it_is_about(sign_in: SignIn, site: Store) -> None:
    User.objects.create_user("ingrid", first_name="Ingrid", last_name="Sjöberg")
    person = site.people.create(make_person(first_name="Ada", last_name="King"))
    note(site, "person.edited", person.id, facts={"fields": "company"}, origin=Origin(via="page", address="192.0.2.7"))

    page = sign_in("Admin").get(PAGE).content.decode()

    assert "Ingrid Sjöberg</bdi></a> changed a person" in page
    assert f'<a href="/people/{person.id}/"><bdi>Ada King</bdi></a>' in page
    assert "fields: <bdi>company</bdi>" in page
    assert "192.0.2.7" in page


def test_a_long_address_may_go_on_in_the_next_line(sign_in: SignIn, site: Store) -> None:
    origin = Origin(via="page", address="2001:db8:85a3:1234:5678:8a2e:370:7334")
    note(site, "mail.settings_changed", origin=origin)

    page = sign_in("Admin").get(PAGE).content.decode()

    assert page.count("2001:<wbr>db8:<wbr>85a3:<wbr>1234:<wbr>5678:<wbr>8a2e:<wbr>370:<wbr>7334") == 2


def test_what_is_gone_is_named_by_its_kind_alone(sign_in: SignIn, site: Store) -> None:
    note(site, "people.erased", "p1")
    note(site, "person.what_ever", "p2")

    page = sign_in("Admin").get(PAGE).content.decode()

    assert "Person, gone" in page
    assert "/people/p1/" not in page
    assert "person.what_ever" in page


def test_somebody_elses_own_segment_keeps_its_name_to_itself(sign_in: SignIn, site: Store) -> None:
    wanted = PeopleFilter(company=("Acme",))
    segment = site.segments.create(
        Segment(id="s1", name="My secret", filter=wanted, owner="jonas", created_at=NOW, updated_at=NOW)
    )
    note(site, "segment.saved", segment.id, actor="jonas")

    page = sign_in("Admin").get(PAGE).content.decode()

    assert "Segment, not shared with you" in page
    assert "My secret" not in page


def test_accounts_and_tokens_are_named(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Admin")
    jonas = User.objects.create_user("jonas", first_name="Jonas", last_name="Lindqvist")
    note(site, "staff.role_changed", f"staff:{jonas.pk}", facts={"from": "Viewer", "to": "Editor"})
    note(site, "token.revoked", "token:99999")

    page = client.get(PAGE).content.decode()

    assert "<bdi>Jonas Lindqvist</bdi>" in page
    assert "from: <bdi>Viewer</bdi> · to: <bdi>Editor</bdi>" in page
    assert "API token, gone" in page


def test_filters_narrow_the_page_and_stand_as_chips(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Admin")
    note(site, "campaign.sent", "c1")
    note(site, "campaign.sent", "c2", actor="jonas")
    note(site, "people.merged", "p1", origin=Origin(via="api", token=7))

    shown = {
        query: client.get(f"{PAGE}?{query}").content.decode()
        for query in ("who=jonas", "what=campaigns", "what=people.merged", "object=c1", "via=api", "to=2025-01-01")
    }

    assert [shown[query].count('<th scope="row"') for query in shown] == [1, 2, 1, 1, 1, 0]
    assert "API, token 7" in shown["via=api"]
    assert 'aria-label="Remove What Campaigns"' in shown["what=campaigns"]
    assert "No entry found" in shown["to=2025-01-01"] or "Nothing found so far" in shown["to=2025-01-01"]


def test_a_filter_that_cannot_be_says_so_and_keeps_what_was_typed(sign_in: SignIn) -> None:
    response = sign_in("Admin").get(f"{PAGE}?what=nonsense&from=2026-05-04&to=2026-05-01&who=ingrid")

    page = response.content.decode()
    assert response.status_code == 422
    assert "There is no such action" in page
    assert "The last day is before the first one" in page
    assert 'value="ingrid"' in page


def test_the_name_that_the_log_shows_finds_what_its_owner_did(sign_in: SignIn, site: Store) -> None:
    User.objects.create_user("ingrid", first_name="Ingrid", last_name="Sjöberg")
    note(site, "campaign.sent", "c1")
    note(site, "campaign.sent", "c2", actor="jonas")
    client = sign_in("Admin")

    answers = [client.get(PAGE, {"who": typed}) for typed in ("ingrid sjöberg", "Ingrid")]
    found = client.get(f"{PAGE}?who=ingrid").content.decode()

    assert [answer.headers["Location"] for answer in answers] == [f"{PAGE}?who=ingrid"] * 2
    assert found.count('<th scope="row"') == 1
    assert "No account has" not in found


def test_a_name_that_nobody_or_more_than_one_has_is_said(sign_in: SignIn) -> None:
    for username in ("grace", "gmn"):
        User.objects.create_user(username, first_name="Grace-Marie", last_name="Ng")
    client = sign_in("Admin")

    pages = [client.get(PAGE, {"who": typed}).content.decode() for typed in ("Grace-Marie Ng", "ada")]

    assert all("Choose one of the list that opens as you type" in page for page in pages)
    assert "No account has the user name “<bdi>ada</bdi>”" in pages[1]


def test_an_empty_form_has_a_plain_address(sign_in: SignIn) -> None:
    response = sign_in("Admin").get(f"{PAGE}?who=&what=campaigns&via=")

    assert response.headers["Location"] == f"{PAGE}?what=campaigns"


def test_pages_lead_on_and_back(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Admin")
    site.table.write([site.audit.put(_numbered(number)) for number in range(70)])

    first = client.get(PAGE)
    second = client.get(f"{PAGE}{first.context['pager'].next_query}")
    again = client.get(f"{PAGE}{second.context['pager'].prev_query}")

    assert [len(one.context["rows"]) for one in (first, second)] == [50, 20]
    assert [row.entry.id for row in again.context["rows"]] == [row.entry.id for row in first.context["rows"]]
    assert (second.context["pager"].first, second.context["pager"].last) == (51, 70)


def test_a_page_costs_a_handful_of_requests_however_many_things_it_names(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Admin")
    for number in range(55):
        site.audit.note(_numbered(number))

    with metered() as cost:
        client.get(PAGE)

    assert cost.requests == 2


def test_the_csv_has_exactly_the_filter_and_stands_in_the_log_itself(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Admin")
    kept = note(site, "campaign.sent", "c1", facts={"matched": 3}, origin=Origin(via="page", address="192.0.2.7"))
    note(site, "people.merged", "p1")

    response = client.get("/settings/audit.csv?what=campaigns")
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))

    assert [(row["ID"], row["By"], row["Action"], row["Object"], row["Facts"]) for row in rows] == [
        (kept.id, "ingrid", "campaign.sent", "c1", "matched=3")
    ]
    noted = [one for one in site.audit.of_month(f"{timezone.now():%Y-%m}") if one.action == "audit.exported"]
    assert [dict(one.facts) for one in noted] == [{"filter": "what"}]


def _numbered(number: int) -> AuditEntry:
    at = timezone.now() - timedelta(minutes=number + 1)
    return AuditEntry(id=f"{number:04d}", at=at, actor="ingrid", action="person.edited", subject=f"p{number}")
