"""Writing a campaign: what is shown, what is kept, what is sent as a test; without JavaScript, and as htmx asks for it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from bench.meter import Meter
from crm.domain.campaigns import CampaignStatus, Utm
from crm.domain.mail_settings import MailSettings, Sender
from crm.domain.templates import Template
from crm.mail.files import FilesMailer, Outbox
from crm.services import templates
from crm.store import Store
from tests.factories import NOW, make_person
from tests.jobs.mailing import COMPANY, REFUSED, ToldMailer, crowd
from tests.web.letters import LETTER, id_of, new_letter, written

SignIn = Callable[[str], Client]


@pytest.fixture
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """The folder that mail is written to."""
    monkeypatch.setattr("crm.web.campaigns.trial.get_mailer", lambda: FilesMailer(tmp_path))
    return Outbox(tmp_path)


@pytest.fixture
def marketer(sign_in: SignIn) -> Client:
    return sign_in("Marketer")


def test_the_letter_is_shown_as_one_of_its_readers_gets_it(marketer: Client, site: Store) -> None:
    site.people.create_many([make_person(first_name=name, last_name=name, company=COMPANY) for name in ("Ada", "Zoë & Co")])
    address = new_letter(marketer)

    page = marketer.post(address, LETTER | {"do": "preview"}).content.decode()
    following = re.search(r'name="go" value="(~[^"]+:2)"', page)
    assert following
    second = marketer.post(address, LETTER | {"go": following.group(1)}).content.decode()
    frame = re.search(r'iframe src="([^"]+)"', second)
    assert frame
    letter = marketer.get(frame.group(1))

    assert "Hello Ada" in page
    assert "2 of" in second
    assert "Hi Zoë &amp; Co, <strong>come</strong>." in letter.content.decode()
    assert letter.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert letter.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_a_preview_changes_nothing(marketer: Client, site: Store) -> None:
    crowd(site, 1)
    address = new_letter(marketer)

    marketer.post(address, LETTER | {"do": "preview"})

    assert site.campaigns.page().items == []


def test_htmx_gets_the_preview_alone(marketer: Client, site: Store) -> None:
    crowd(site, 1)
    headers = {"HX-Request": "true", "HX-Target": "preview"}

    response = marketer.post(new_letter(marketer), LETTER | {"do": "preview"}, headers=headers)

    assert response.content.decode().lstrip().startswith('<div id="preview">')


@pytest.mark.parametrize("todo", ["preview", "save", "send", "test"])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"body": "[" * 100_001}, "100,000 bytes are the most"),
        ({"body": "ü" * 50_001}, "100,000 bytes are the most"),
        ({"subject": "{{ x" * 100_000}, "at most 300 characters"),
        ({"utmSource": "x" * 100_000}, "at most 100 characters"),
    ],
)
def test_a_text_that_is_too_long_is_told_and_kept_but_neither_looked_at_nor_stored(
    marketer: Client, site: Store, monkeypatch: pytest.MonkeyPatch, todo: str, values: dict[str, str], words: str
) -> None:
    address = new_letter(marketer)
    looked_at: list[str] = []
    monkeypatch.setattr("crm.web.campaigns.preview.check_template", lambda _, body: looked_at.append(body))
    monkeypatch.setattr("crm.web.campaigns.preview.render", lambda content, *_, **__: looked_at.append(content.body))

    response = marketer.post(address, LETTER | values | {"do": todo})

    page = response.content.decode()
    assert response.status_code == (200 if todo == "preview" else 422)
    assert words in page[page.index('id="preview"') :]
    assert page.count(words) > 1
    assert next(iter(values.values())) in page
    assert looked_at == []
    assert site.campaigns.page().items == []


def test_a_letter_that_is_just_short_enough_is_kept_though_a_browser_sends_longer_line_ends(
    marketer: Client, site: Store
) -> None:
    address = new_letter(marketer)

    response = marketer.post(address, LETTER | {"body": "x" * 49_998 + "\r\n" * 2 + "y" * 50_000, "do": "save"})

    assert response.status_code == 302
    assert len(site.campaigns.get(id_of(address)).body) == 100_000


@pytest.mark.parametrize("name", ["of", "go", "at", "version"])
@pytest.mark.parametrize("todo", ["preview", "save"])
@pytest.mark.parametrize("digits", [40, 5000])
def test_a_number_of_too_many_digits_breaks_no_page(marketer: Client, site: Store, name: str, todo: str, digits: int) -> None:
    crowd(site, 1)
    address = written(marketer)

    response = marketer.post(
        address, LETTER | {name: "9" * digits, "do": todo}, headers={"HX-Request": "true", "HX-Target": "preview"}
    )

    assert response.status_code < 500


def test_a_misspelt_field_is_named_with_what_was_meant(marketer: Client, site: Store) -> None:
    crowd(site, 1)

    page = marketer.post(new_letter(marketer), LETTER | {"body": "Hi {{ first_name }}", "do": "preview"}).content.decode()

    assert "There is no field “first_name”" in page
    assert "Did you mean <code>firstName</code>?" in page


def test_a_draft_is_kept_even_if_it_is_unfinished(marketer: Client, site: Store) -> None:
    address = written(marketer, subject="", body="Hi {{ nonsense")

    page = marketer.get(address).content.decode()

    assert "Hi {{ nonsense" in page
    assert site.campaigns.get(id_of(address)).status is CampaignStatus.DRAFT


def test_the_same_form_sent_twice_makes_one_draft(marketer: Client, site: Store) -> None:
    address = new_letter(marketer)

    answers = [marketer.post(address, LETTER | {"do": "save"}).status_code for _ in range(2)]

    assert answers == [302, 302]
    assert [(draft.id, draft.version) for draft in site.campaigns.page().items] == [(id_of(address), 1)]


def test_a_change_that_somebody_else_has_overtaken_is_not_lost_and_overwrites_nothing(marketer: Client, site: Store) -> None:
    address = written(marketer)
    marketer.post(address, LETTER | {"subject": "Theirs", "version": "1", "do": "save"})

    response = marketer.post(address, LETTER | {"subject": "Mine", "version": "1", "do": "save"})
    stale = marketer.post(address, LETTER | {"subject": "Mine", "version": "", "do": "save"})

    assert (response.status_code, stale.status_code) == (409, 409)
    assert 'value="Mine"' in response.content.decode()
    assert site.campaigns.get(id_of(address)).subject == "Theirs"


def test_after_going_back_one_may_save_over_what_is_there(marketer: Client, site: Store) -> None:
    crowd(site, 1)
    address = written(marketer)

    refused = marketer.post(address, LETTER | {"subject": "Another subject", "do": "save"})
    over = re.search(r'name="over" value="(\d+)"', refused.content.decode())
    marketer.post(address, LETTER | {"subject": "Another subject", "over": over[1] if over else ""})

    assert refused.status_code == 409
    assert "Another subject" in refused.content.decode()
    assert site.campaigns.get(id_of(address)).subject == "Another subject"


def test_a_test_goes_to_oneself_is_marked_and_counts_nowhere(marketer: Client, site: Store, outbox: Outbox) -> None:
    crowd(site, 1, first_name="Grace")
    address = new_letter(marketer)

    page = marketer.post(address, LETTER | {"do": "test"}, follow=True).content.decode()

    message = outbox.read(outbox.newest()[0].name)
    assert message.entry.subject == "[Test] Hello Grace"
    assert "@staff.example" in message.entry.to
    assert "This is a test" in message.text
    assert "Test sent to" in page
    assert site.campaigns.figures(id_of(address)).total == 0


def test_a_test_that_the_mail_server_does_not_take_says_why(
    marketer: Client, site: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(site, 1)
    monkeypatch.setattr("crm.web.campaigns.trial.get_mailer", lambda: ToldMailer(down=True))

    page = marketer.post(new_letter(marketer), LETTER | {"do": "test"}, follow=True).content.decode()

    assert "@staff.example was not sent" in page
    assert "connection refused" in page


HTMX = {"HX-Request": "true", "HX-Target": "preview"}


def typed(client: Client, address: str, **values: str) -> str:
    """What htmx gets after a pause in typing."""
    response = client.post(address, LETTER | values | {"do": "autosave"}, headers=HTMX)
    assert response.status_code == 200
    return response.content.decode()


def test_a_pause_in_typing_keeps_the_draft_and_the_page_learns_where(marketer: Client, site: Store) -> None:
    address = new_letter(marketer)

    answer = marketer.post(address, LETTER | {"subject": "Half a th", "do": "autosave"}, headers=HTMX)
    typed(marketer, address, subject="Half a thought", version="1")

    page = answer.content.decode()
    assert (answer.headers["HX-Trigger"], answer.headers["HX-Replace-Url"]) == ("kept", address)
    assert re.search(r'name="version" value="1" id="id_version" hx-swap-oob="true"', page)
    assert re.search(r'id="saved" hx-swap-oob="innerHTML">.*Saved <time[^>]*>\d\d:\d\d</time>', page, re.DOTALL)
    assert [(one.subject, one.version) for one in site.campaigns.page().items] == [("Half a thought", 2)]


def test_a_second_tab_is_told_and_never_writes_over_what_is_newer(marketer: Client, site: Store) -> None:
    address = written(marketer)
    typed(marketer, address, subject="Newer", version="1")

    page = typed(marketer, address, subject="Older tab", version="1")
    again = typed(marketer, address, subject="Older tab, still typing", version="1")

    assert "Not saved." in page
    assert 'name="over" value="2"' in page
    assert 'hx-swap-oob="true"' not in page + again
    assert site.campaigns.get(id_of(address)).subject == "Newer"


def test_a_letter_that_was_sent_meanwhile_is_not_saved_over(marketer: Client, site: Store) -> None:
    crowd(site, 1)
    address = written(marketer)
    marketer.post(f"{address}send/", {"when": "now", "expected": "1"})

    page = typed(marketer, address, subject="Too late", version="1")
    refused = marketer.post(address, LETTER | {"subject": "Too late", "version": "1", "over": "2"})

    assert "This campaign was sent meanwhile" in page
    assert 'name="over"' not in page
    assert refused.status_code == 409
    assert site.campaigns.get(id_of(address)).subject == LETTER["subject"]


def test_what_can_not_be_kept_is_told_while_one_types(marketer: Client, site: Store) -> None:
    page = typed(marketer, new_letter(marketer), replyTo="nobody")

    assert "Not saved." in page
    assert "Replies need one plain address" in page
    assert site.campaigns.page().items == []


def test_all_that_was_typed_is_kept_and_found_again(marketer: Client, site: Store) -> None:
    site.mail_settings.save(
        MailSettings(senders=(Sender(name="Crew", address="crew@example.org", added_at=NOW, verified_at=NOW),))
    )
    values = {
        "preheader": "Food at six",
        "sender": "Crew <crew@example.org>",
        "replyTo": "team@example.org",
        "utmCampaign": "a",
        "utmSource": "b",
        "utmMedium": "c",
        "utmContent": "d",
        "utmTerm": "e",
        "tracking": "on",
    }

    address = written(marketer, **values)
    page = marketer.get(address).content.decode()

    kept = site.campaigns.get(id_of(address)).letter
    assert (kept.preheader, kept.sender, kept.reply_to, kept.tracking) == (
        "Food at six",
        "Crew <crew@example.org>",
        "team@example.org",
        True,
    )
    assert kept.utm == Utm(campaign="a", source="b", medium="c", content="d", term="e")
    assert '<option value="Crew &lt;crew@example.org&gt;" selected>' in page
    assert all(f'value="{values[name]}"' in page for name in ("preheader", "replyTo", "utmContent", "utmTerm"))


def test_a_sender_that_is_gone_stays_chosen_and_is_told(marketer: Client, site: Store) -> None:
    crowd(site, 1)

    page = marketer.get(written(marketer, sender="Crew <crew@example.org>")).content.decode()

    assert "Crew &lt;crew@example.org&gt; (not verified)</option>" in page
    assert "is not in the list of verified senders" in page


def test_the_preview_keeps_its_place_and_its_screen_while_one_types(marketer: Client, site: Store) -> None:
    site.people.create_many([make_person(first_name=name, last_name=name, company=COMPANY) for name in ("Ada", "Bea")])
    address = new_letter(marketer)
    page = marketer.post(address, LETTER | {"do": "preview"}).content.decode()
    place = re.search(r'name="go" value="(~[^"]+:2)"', page)
    assert place

    page = typed(marketer, address, at=place[1], **{"as": "phone"})

    assert "Hello Bea" in page
    assert 'class="as-phone"' in page


def test_somebody_of_the_audience_can_be_looked_for_and_the_next_is_beside_them(marketer: Client, site: Store) -> None:
    people = [make_person(first_name=name, last_name=name, company=COMPANY) for name in ("Ada", "Bea", "Cleo")]
    site.people.create_many([*people, make_person(first_name="Beatrice", last_name="Elsewhere", company="Other")])
    address = new_letter(marketer)

    headers = HTMX | {"HX-Target": "found"}
    found = marketer.post(address, LETTER | {"do": "preview", "find": "be"}, headers=headers).content.decode()
    places = re.findall(r'name="go" value="(~[^"]+)"', found)
    page = marketer.post(address, LETTER | {"go": places[0]}).content.decode()
    beside = re.findall(r'name="go" value="(~[^"]+)"', page)

    assert found.lstrip().startswith('<div id="found"')
    assert places == [f"~{people[1].id}"]
    assert "Hello Bea" in page
    assert sorted(beside) == sorted([f"~{people[0].id}", f"~{people[2].id}"])


def test_somebody_outside_of_the_audience_is_nobody_to_preview_as(marketer: Client, site: Store) -> None:
    crowd(site, 1, first_name="Inside")
    (other,) = crowd(site, 1, first_name="Outside", company="Other")

    page = marketer.post(new_letter(marketer), LETTER | {"go": f"~{other.id}"}).content.decode()

    assert "Hello Inside" in page


@pytest.mark.parametrize("place", ["~", "~:2", "~nobody:-1", "2:of another audience", "x"])
def test_a_place_that_is_none_is_the_first(marketer: Client, site: Store, place: str) -> None:
    crowd(site, 1, first_name="Grace")

    page = marketer.post(new_letter(marketer), LETTER | {"go": place}).content.decode()

    assert "Hello Grace" in page
    assert "1 of 1" in page


def test_one_goes_through_the_audience_to_its_end_and_back(marketer: Client, site: Store) -> None:
    site.people.create_many([make_person(first_name=name, last_name=name, company=COMPANY) for name in ("Ada", "Bea", "Cleo")])
    address, pages = new_letter(marketer), []

    for way in ("next", "next", "previous", "previous"):
        page = pages[-1] if pages else marketer.post(address, LETTER | {"do": "preview"}).content.decode()
        button = re.search(rf'aria-label="Preview as the {way} person" name="go" value="([^"]+)"', page)
        assert button
        pages.append(marketer.post(address, LETTER | {"go": button[1]}).content.decode())

    seen = [re.search(r"Hello (\w+)</bdi>", page) for page in pages]
    assert [name[1] for name in seen if name] == ["Bea", "Cleo", "Bea", "Ada"]
    assert [re.search(r"(\d) of \d", page)[1] for page in pages] == ["2", "3", "2", "1"]  # type: ignore[index]
    assert 'type="button" aria-disabled="true"' in pages[-1]


def test_the_text_is_shown_as_plain_text(marketer: Client, site: Store) -> None:
    crowd(site, 1, first_name="Grace")

    page = marketer.post(new_letter(marketer), LETTER | {"show": "text"}).content.decode()
    frame = re.search(r'iframe src="([^"]+/text/)"', page)
    assert frame
    letter = marketer.get(frame[1])

    assert letter.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert letter.content.decode().startswith("Hi Grace, come.")


def test_who_may_only_look_can_look_as_anybody_by_addresses_alone(marketer: Client, site: Store, sign_in: SignIn) -> None:
    site.people.create_many([make_person(first_name=name, last_name=name, company=COMPANY) for name in ("Ada", "Bea")])
    address, viewer = written(marketer), sign_in("Viewer")

    first = viewer.get(address).content.decode()
    button = re.search(r'name="go" value="([^"]+)"\s+formmethod="get"', first)
    assert button
    second = viewer.get(address, {"go": button[1], "show": "phone"}).content.decode()

    form = first[first.index('<form id="letter"') :]
    assert "Hello Bea" in second
    assert 'class="as-phone"' in second
    assert "csrfmiddlewaretoken" not in form[: form.index("</form>")]
    assert "hx-post" not in form[form.index('<div id="preview">') : form.index("</form>")]


def test_gaps_of_the_audience_are_told_with_the_preview(marketer: Client, site: Store) -> None:
    crowd(site, 3)

    page = typed(marketer, new_letter(marketer), body="Hello from {{ city }}")

    assert "3 of the first 3 people have no city, and the letter prints it." in page


def test_tests_go_to_others_as_the_person_shown_and_each_is_told_of(
    marketer: Client, site: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(site, 1, first_name="Grace")
    mailer = ToldMailer()
    mailer.tell("b@example.org", REFUSED)
    monkeypatch.setattr("crm.web.campaigns.trial.get_mailer", lambda: mailer)

    to = "a@example.org, b@example.org;A@example.org"
    page = marketer.post(new_letter(marketer), LETTER | {"do": "test", "testTo": to}, follow=True).content.decode()

    assert mailer.sent == ["a@example.org"] or mailer.sent == ["A@example.org"]
    assert "As Grace" in page
    assert "The test to b@example.org was not sent" in page


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("not-an-address", "is not an address"),
        (",".join(f"p{number}@example.org" for number in range(6)), "5 addresses at most"),
    ],
)
def test_a_test_to_what_can_not_be_is_refused_and_stays_typed(
    marketer: Client, site: Store, outbox: Outbox, to: str, words: str
) -> None:
    crowd(site, 1)

    response = marketer.post(new_letter(marketer), LETTER | {"do": "test", "testTo": to})

    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert f'value="{to}"' in page
    assert outbox.count() == 0


def test_who_may_not_send_may_test_to_themselves_alone(site: Store, sign_in: SignIn, outbox: Outbox) -> None:
    crowd(site, 1)
    writer = sign_in("Viewer")
    user = User.objects.get(username__startswith="viewer-")
    user.user_permissions.add(*Permission.objects.filter(codename="edit_campaigns"))
    address = new_letter(writer)

    other = writer.post(address, LETTER | {"do": "test", "testTo": "a@example.org"})
    own = writer.post(address, LETTER | {"do": "test", "testTo": user.email, "version": "1"})

    assert (other.status_code, own.status_code) == (422, 302)
    assert "to its own address only" in other.content.decode()
    assert [entry.to for entry in outbox.newest()] == [own_name(user)]


def own_name(user: User) -> str:
    return f"{user.username} <{user.email}>"


def test_no_test_goes_out_from_a_sender_that_is_not_verified(marketer: Client, site: Store, outbox: Outbox) -> None:
    crowd(site, 1)

    response = marketer.post(new_letter(marketer), LETTER | {"do": "test", "sender": "Else <else@example.com>"})

    assert response.status_code == 422
    assert "it is not in the list of verified senders" in response.content.decode()
    assert outbox.count() == 0


@pytest.mark.parametrize(
    ("query", "left_out"), [("", ("days:7",)), ("&without=days:3", ("days:3",)), (f"&mailed={'c' * 32}", ())]
)
def test_a_new_letter_begins_as_the_settings_say(marketer: Client, site: Store, query: str, left_out: tuple[str, ...]) -> None:
    site.mail_settings.save(MailSettings(tracking=False, quiet_days=7))

    page = marketer.get(f"/campaigns/new/?company={COMPANY}{query}").content.decode()

    assert tuple(re.findall(r'name="without" value="([^"]+)"', page)) == left_out
    assert re.search(r'name="tracking"[^>]* checked', page) is None


def test_a_letter_can_start_from_a_template(marketer: Client, site: Store) -> None:
    made = templates.save(
        site,
        Template(id="t" * 32, name="Party", subject="A party", body="Come", created_at=NOW, updated_at=NOW),
        actor="",
        now=NOW,
    )

    page = marketer.get(f"/campaigns/new/?company={COMPANY}&template={made.id}").content.decode()

    assert 'name="subject" value="A party"' in page


def test_a_letter_costs_few_requests(marketer: Client, site: Store) -> None:
    crowd(site, 5)
    address = written(marketer)

    with Meter(site.table.client).reading() as page:
        marketer.get(address)
    with Meter(site.table.client).reading() as pause:
        typed(marketer, address, subject="More", version="1")
    with Meter(site.table.client).reading() as step:
        marketer.post(address, LETTER | {"do": "preview"}, headers=HTMX)

    assert 0 < page.cost.requests <= 17
    assert 0 < pause.cost.requests <= 13
    assert 0 < step.cost.requests <= 11
