"""Writing a letter in a real browser: it keeps itself, shows itself as anybody on any screen, and works without JavaScript."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from crm.store import Store
from tests.factories import make_person
from tests.jobs.mailing import ToldMailer

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = Callable[..., Page]


def community(store: Store) -> None:
    """Three people of one company, and one who has none."""
    names = (("Ada", "Engine"), ("Bea", "Engine"), ("Cleo", "Engine"))
    store.people.create_many([make_person(first_name=first, last_name=last, company="Tech Corp") for first, last in names])
    store.people.create_many([make_person(first_name="Beatrice", last_name="Elsewhere")])
    store.stats.fold_all()


def test_a_letter_keeps_itself_while_one_writes_and_is_seen_as_its_readers_see_it(
    open_page: OPEN, site: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    community(site)
    monkeypatch.setattr("crm.web.campaigns.trial.get_mailer", ToldMailer)
    page = open_page("/campaigns/new/?company=Tech+Corp", role="Marketer")
    saved, shown = page.locator("#saved"), page.locator(".preview-head .strong").last
    letter = page.frame_locator(".preview iframe")

    page.get_by_label("Subject").press_sequentially("For {{ firstName }}", delay=5)
    page.locator("#id_body").fill("Hi {{ firstName }}, **come** to {{ city }}.")
    expect(saved).to_contain_text(re.compile(r"Saved \d\d:\d\d"))
    expect(page).to_have_url(re.compile(r"/campaigns/[0-9a-f]{32}/$"))
    expect(page.get_by_label("Subject")).to_have_value("For {{ firstName }}")
    expect(page.locator("#checks")).to_contain_text("3 of the first 3 people have no city")
    expect(shown).to_have_text("For Ada")

    page.get_by_role("button", name="Preview as the next person").click()
    expect(shown).to_have_text("For Bea")
    page.get_by_role("button", name="Phone").click()
    expect(page.locator("iframe.as-phone")).to_have_css("width", "360px")
    expect(shown).to_have_text("For Bea")
    page.get_by_role("button", name="Desktop").click()
    expect(letter.locator("strong")).to_have_text("come")
    assert page.locator("iframe.as-html").evaluate("(frame) => frame.clientWidth") >= 600
    page.locator("#find").press_sequentially("cle", delay=5)
    page.locator("#found button").click()
    expect(shown).to_have_text("For Cleo")
    page.get_by_role("button", name="Text", exact=True).click()
    expect(letter.locator("pre")).to_contain_text("Hi Cleo, come to .")

    page.get_by_label("Subject").fill("Dear {{ firstName }}")
    expect(shown).to_have_text("Dear Cleo")
    page.get_by_label("Send a test to").fill("crew@example.org")
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator("#toasts")).to_contain_text("Test sent to crew@example.org")
    expect(shown).to_have_text("Dear Cleo")
    page.reload()
    expect(page.get_by_label("Subject")).to_have_value("Dear {{ firstName }}")
    assert [(one.subject, one.body) for one in site.campaigns.page().items] == [
        ("Dear {{ firstName }}", "Hi {{ firstName }}, **come** to {{ city }}.")
    ]


def test_two_tabs_never_write_over_each_other(open_page: OPEN, site: Store) -> None:
    community(site)
    first = open_page("/campaigns/new/?company=Tech+Corp", role="Marketer")
    first.get_by_label("Subject").fill("First")
    expect(first.locator("#saved")).to_contain_text("Saved")
    second = first.context.new_page()
    second.goto(first.url)

    second.get_by_label("Subject").fill("Second")
    expect(second.locator("#saved")).to_contain_text(re.compile(r"Saved \d"))
    first.get_by_label("Subject").fill("First, still typing")
    expect(first.locator("#saved")).to_contain_text("Not saved.")

    assert [one.subject for one in site.campaigns.page().items] == ["Second"]
    second.close()
    first.get_by_role("button", name="Save mine over it").click()
    expect(first.locator("#toasts")).to_contain_text("Draft saved")
    assert [one.subject for one in site.campaigns.page().items] == ["First, still typing"]


def test_a_letter_is_written_and_looked_at_without_javascript(open_page: OPEN, site: Store) -> None:
    community(site)
    page = open_page("/campaigns/new/?company=Tech+Corp", role="Marketer", scripts=False)
    shown = page.locator(".preview-head .strong").last

    page.get_by_label("Subject").fill("For {{ firstName }}")
    page.get_by_role("button", name="Preview as the next person").click()
    expect(shown).to_have_text("For Bea")
    page.get_by_role("button", name="Phone").click()
    expect(page.locator("iframe.as-phone")).to_be_visible()
    page.locator("#find").fill("cleo")
    page.get_by_role("button", name="Find", exact=True).click()
    page.locator("#found button").click()
    expect(shown).to_have_text("For Cleo")
    page.get_by_role("button", name="Save draft").click()

    expect(page.locator("#saved")).to_contain_text("Saved")
    expect(page.get_by_label("Subject")).to_have_value("For {{ firstName }}")
    expect(shown).to_have_text("For Cleo")
    expect(page.locator("iframe.as-phone")).to_be_visible()
