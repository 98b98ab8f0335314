"""The page of the suppression list: an address is looked up, put on and taken off, and never stands in the address of a page."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client

from crm.domain.people import EmailStatus
from crm.services.suppression_list import put_on
from crm.store import Store
from tests.factories import NOW, make_person

SignIn = Callable[[str], Client]
PAGE = "/settings/suppression/"
ADDRESS = "ada@example.org"


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(address|status|since)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in found}


def test_an_address_is_looked_up_put_on_and_taken_off(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Marketer")
    person = site.people.create(make_person(email=ADDRESS))

    looked = client.post(PAGE, {"address": ADDRESS}).content.decode()
    added = client.post(f"{PAGE}add/", {"address": ADDRESS, "status": "unsubscribed"}).content.decode()
    off = site.people.get(person.id).email_status
    lifted = client.post(f"{PAGE}lift/", {**hidden(added), "why": "asked"}).content.decode()

    assert "May be mailed" in looked
    assert f"/people/{person.id}/" in looked
    assert "It is on the list" in added
    assert off is EmailStatus.UNSUBSCRIBED
    assert "It is off the list" in lifted
    assert site.people.get(person.id).mailable


@pytest.mark.parametrize("step", ["", "add/", "lift/"])
def test_nonsense_is_refused_and_kept(sign_in: SignIn, step: str) -> None:
    response = sign_in("Admin").post(f"{PAGE}{step}", {"address": "ada at example", "status": "bounced", "why": "asked"})

    assert response.status_code == 422
    assert 'value="ada at example"' in response.content.decode()
    assert "Not saved" not in response.content.decode()


def test_a_character_that_can_not_be_is_said_once(sign_in: SignIn) -> None:
    page = sign_in("Admin").post(PAGE, {"address": "ada\0@example.org"}).content.decode()

    assert page.count('href="#id_address"') == 1


def test_without_a_reason_nothing_is_done(sign_in: SignIn, site: Store) -> None:
    response = sign_in("Admin").post(f"{PAGE}add/", {"address": ADDRESS, "status": ""})

    assert response.status_code == 422
    assert "Choose why" in response.content.decode()
    assert site.suppressions.lookup(ADDRESS) is EmailStatus.MAILABLE


def test_a_reason_that_changed_meanwhile_is_shown_instead(sign_in: SignIn, site: Store) -> None:
    put_on(site, ADDRESS, EmailStatus.COMPLAINED, actor="jonas", now=NOW)

    shown = {"address": ADDRESS, "status": "bounced", "since": NOW.isoformat()}
    response = sign_in("Admin").post(f"{PAGE}lift/", {**shown, "why": "works_again"})

    assert response.status_code == 409
    assert "Must not be mailed: complained" in response.content.decode()
    assert site.suppressions.lookup(ADDRESS) is EmailStatus.COMPLAINED


def test_a_page_that_is_sent_again_does_not_lift_what_came_after_it(sign_in: SignIn, site: Store) -> None:
    client = sign_in("Admin")
    put_on(site, ADDRESS, EmailStatus.UNSUBSCRIBED, actor="jonas", now=NOW)
    given = {**hidden(client.post(PAGE, {"address": ADDRESS}).content.decode()), "why": "asked"}
    client.post(f"{PAGE}lift/", given)
    put_on(site, ADDRESS, EmailStatus.UNSUBSCRIBED, actor="jonas", now=NOW + timedelta(days=1))

    again = client.post(f"{PAGE}lift/", given)

    assert again.status_code == 409
    assert "once more" in again.content.decode()
    assert site.suppressions.lookup(ADDRESS) is EmailStatus.UNSUBSCRIBED


@pytest.mark.parametrize("since", ["", "yesterday"])
def test_what_no_page_showed_is_not_lifted(sign_in: SignIn, site: Store, since: str) -> None:
    put_on(site, ADDRESS, EmailStatus.BOUNCED, actor="jonas", now=NOW)
    given = {"address": ADDRESS, "status": "bounced", "since": since, "why": "works_again"}

    response = sign_in("Admin").post(f"{PAGE}lift/", given)

    assert response.status_code == 422
    assert "Look the address up again" in response.content.decode()
    assert site.suppressions.lookup(ADDRESS) is EmailStatus.BOUNCED


def test_a_viewer_is_told_who_may(sign_in: SignIn) -> None:
    response = sign_in("Viewer").get(PAGE)

    assert response.status_code == 403
    assert "keep the suppression list" in response.content.decode()
