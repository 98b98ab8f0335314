"""The addresses of all pages of the filled site.

A new page needs a line in `pages_of`; what is no page (a file, a part that htmx fetches, what leads elsewhere) in `NO_PAGE`.
A test fails for an address of docs/permissions.md that is in neither.
"""

from datetime import UTC, datetime, timedelta

from crm.wiring import get_links
from tests.permissions import rows
from tests.whole_site import Whole

Pages = dict[str, tuple[str, ...]]
NO_PAGE = {
    "/accounts/passkeys/": "leads to the second factors",
    "/accounts/passkeys/login/": "asked by a script of the sign-in",
    "/accounts/passkeys/reauthenticate/": "asked by a script of the page that asks for a code again",
    "/api/metrics": "for machines",
    "/settings/audit.csv": "a file",
    "/settings/staff/<user_id>/role/": "leads to the account, where the role is chosen",
    "/accounts/logout/": "asked on the page, done by a POST",
    "/accounts/password/reset/key/<uidb36>-<key>/": "needs the key of a letter; its form is that of a password change",
    "/accounts/password/set/": "leads to the change of a password for who has one",
    "/analytics/breakdown.csv": "a file",
    "/analytics/emails.csv": "a file",
    "/analytics/series.csv": "a file",
    "/api/openapi.json": "a file",
    "/c/<token>": "leads elsewhere",
    "/c/<token>/": "leads elsewhere",
    "/calendar/<token>.ics": "a file",
    "/campaigns/<campaign_id>/recipients.csv": "a file",
    "/campaigns/<campaign_id>/report/<part>.csv": "a file",
    "/campaigns/audience/campaigns/": "a part of the page of a letter",
    "/campaigns/audience/events/": "a part of the page of a letter",
    "/campaigns/audience/values/": "a part of the page of a letter",
    "/campaigns/export.csv": "a file",
    "/campaigns/preview/<key>/<kind>/": "a letter in a frame: tests/browser/test_letters.py",
    "/campaigns/templates/<template_id>/frame/<kind>/": "a letter in a frame: tests/browser/test_letters.py",
    "/docs": "leads elsewhere",
    "/events/<event_id>.ics": "a file",
    "/events/<event_id>/attendees.csv": "a file",
    "/events/<event_id>/values/": "a part of the page of an event",
    "/events/export.csv": "a file",
    "/events/hosts/": "a part of the list of events",
    "/events/new/people/": "a part of the pages of a new event",
    "/events/new/slug/": "a part of the pages of a new event",
    "/healthz": "a word",
    "/o/<token>.gif": "a picture",
    "/outbox/<name>/html/": "a letter in a frame: tests/browser/test_letters.py",
    "/outbox/<name>/raw/": "a file",
    "/o/logo-<mark>.gif": "a picture",
    "/o/logo-<mark>.jpg": "a picture",
    "/o/logo-<mark>.png": "a picture",
    "/o/logo-<mark>.webp": "a picture",
    "/settings/mail/logo/": "leads to the settings of mail",
    "/people/<person_id>/personal-data.json": "a file",
    "/people/export.csv": "a file",
    "/people/import/<import_id>/failed.csv": "a file",
    "/people/merge/": "leads to the two who were chosen",
    "/people/suggest/": "a part of the list of people",
    "/people/ways-out/": "a part of the list of people",
    "/readyz": "a word",
    "/segments/counts/": "a part of the list of people",
    "/settings/mail/senders/": "leads to the settings of mail",
    "/u/<token>": "the same page as the one with a slash",
}


def pages_of(whole: Whole) -> Pages:
    """Addresses with something to see, for every page of docs/permissions.md that can be opened by its address."""
    one, two = (f"/people/{person.id}/" for person in whole.twins)
    member = f"/people/{whole.plan.events[-1].host_ids[0]}/"
    past, ahead = (f"/events/{whole.plan.events[number].event.id}/" for number in (3, -1))
    planned = f"/events/new/{whole.plan.drafts[0].id}/"
    sent, draft = f"/campaigns/{whole.plan.mailings.campaigns[0].campaign.id}/", f"/campaigns/{whole.draft.id}/"
    return {
        "/": ("/",),
        **_people(whole, one, two, member),
        **_events(whole, past, ahead, planned),
        **_campaigns(whole, sent, draft),
        **_settings(whole),
        **_accounts(whole),
        "/api/docs": ("/api/docs",),
    }


def _people(whole: Whole, one: str, two: str, member: str) -> Pages:
    chosen = f"id={whole.twins[0].id}&id={whole.twins[1].id}"
    return {
        "/people/": ("/people/", "/people/?company=Twins", "/people/?q=nobody+at+all"),
        "/people/<person_id>/": (one, member),
        "/people/<person_id>/delete/": (f"{one}delete/",),
        "/people/<person_id>/duplicates/": (f"{one}duplicates/",),
        "/people/<person_id>/edit/": (f"{one}edit/",),
        "/people/<person_id>/erase/": (f"{one}erase/",),
        "/people/<person_id>/merge/<other_id>/": (f"{one}merge/{whole.twins[1].id}/",),
        "/people/<person_id>/notes/<note_id>/delete/": (f"{one}notes/{whole.note}/delete/",),
        "/people/import/": ("/people/import/",),
        "/people/import/<import_id>/": (f"/people/import/{whole.open_import.id}/", f"/people/import/{whole.done_import.id}/"),
        "/people/import/<import_id>/undo/": (f"/people/import/{whole.done_import.id}/undo/",),
        "/people/new/": ("/people/new/",),
        "/people/tasks/": ("/people/tasks/",),
        "/people/tasks/<task_id>/": (f"/people/tasks/{whole.task}/", f"/people/tasks/{whole.running_task}/"),
        "/people/tasks/new/": tuple(f"/people/tasks/new/?action={action}&{chosen}" for action in ("tag", "register", "delete")),
        "/segments/": ("/segments/",),
        "/segments/<segment_id>/": (f"/segments/{whole.segment}/",),
        "/segments/<segment_id>/delete/": (f"/segments/{whole.segment}/delete/",),
        "/segments/new/": ("/segments/new/?company=Twins",),
        "/analytics/": ("/analytics/",),
    }


def _events(whole: Whole, past: str, ahead: str, planned: str) -> Pages:
    steps = ("basics", "when", "hosts", "attendees", "review")
    return {
        "/events/": ("/events/", "/events/?when=past"),
        "/events/<event_id>/": (past, ahead),
        "/events/<event_id>/cancel/": (f"{ahead}cancel/",),
        "/events/<event_id>/check-in/": (f"{ahead}check-in/",),
        "/events/<event_id>/check-in/new/": (f"{ahead}check-in/new/",),
        "/events/<event_id>/delete/": (f"{ahead}delete/",),
        "/events/<event_id>/edit/": (f"{ahead}edit/",),
        "/events/<event_id>/history/": (f"{past}history/",),
        "/events/<event_id>/no-shows/undo/": (f"{past}no-shows/undo/",),
        "/events/<event_id>/reinstate/": (f"/events/{whole.cancelled}/reinstate/",),
        "/events/feeds/": ("/events/feeds/",),
        "/events/feeds/<feed_id>/delete/": (f"/events/feeds/{whole.feed}/delete/",),
        "/events/new/": ("/events/new/",),
        "/events/new/<event_id>/<step>/": tuple(f"{planned}{step}/" for step in steps),
        "/events/new/<event_id>/discard/": (f"{planned}discard/",),
    }


def _campaigns(whole: Whole, sent: str, draft: str) -> Pages:
    template = f"/campaigns/templates/{whole.template}/"
    return {
        "/campaigns/": ("/campaigns/",),
        "/campaigns/<campaign_id>/": (sent, draft, f"/campaigns/{whole.scheduled.id}/"),
        "/campaigns/<campaign_id>/delete/": (f"{draft}delete/",),
        "/campaigns/<campaign_id>/recipients/": (f"{sent}recipients/",),
        "/campaigns/<campaign_id>/send/": (f"{draft}send/",),
        "/campaigns/new/": ("/campaigns/new/?company=Twins",),
        "/campaigns/templates/": ("/campaigns/templates/",),
        "/campaigns/templates/<template_id>/": (template, "/campaigns/templates/starter-invitation/"),
        "/campaigns/templates/<template_id>/delete/": (f"{template}delete/",),
        "/campaigns/templates/new/": ("/campaigns/templates/new/",),
        "/outbox/": ("/outbox/",),
        "/outbox/<name>/": (f"/outbox/{whole.letter}/",),
    }


def _settings(whole: Whole) -> Pages:
    verify = get_links().sender_url(whole.mark, datetime.now(UTC) + timedelta(days=1)).rstrip("/").rpartition("/")[2]
    grace, closed = f"/settings/staff/{whole.grace}/", f"/settings/staff/{whole.closed}/"
    invitation = f"/settings/staff/invitations/{whole.invitation.pk}/"
    return {
        "/settings/": ("/settings/",),
        "/settings/audit/": ("/settings/audit/",),
        "/settings/jobs/": ("/settings/jobs/",),
        "/settings/system/": ("/settings/system/",),
        "/settings/mail/": ("/settings/mail/",),
        "/settings/mail/senders/<mark>/remove/": (f"/settings/mail/senders/{whole.mark}/remove/",),
        "/settings/mail/verify/<token>/": (f"/settings/mail/verify/{verify}/",),
        "/settings/staff/": ("/settings/staff/",),
        "/settings/staff/<user_id>/": (grace, closed),
        "/settings/staff/<user_id>/close/": (f"{grace}close/",),
        "/settings/staff/<user_id>/reopen/": (f"{closed}reopen/",),
        "/settings/staff/<user_id>/second-factor/": (f"/settings/staff/{whole.hedy}/second-factor/",),
        "/settings/staff/<user_id>/sign-out/": (f"{grace}sign-out/",),
        "/settings/staff/invitations/<invitation_id>/": (invitation,),
        "/settings/staff/invitations/<invitation_id>/withdraw/": (f"{invitation}withdraw/",),
        "/settings/staff/invite/": ("/settings/staff/invite/",),
        "/settings/staff/second-factor/": ("/settings/staff/second-factor/",),
        "/settings/suppression/": ("/settings/suppression/",),
        "/settings/tokens/": ("/settings/tokens/",),
        "/settings/tokens/<token_id>/revoke/": (f"/settings/tokens/{whole.token.pk}/revoke/",),
    }


def _accounts(whole: Whole) -> Pages:
    email = next(email for email in whole.plan.mailings.campaigns[0].emails if email.sent_at)
    unsubscribe = get_links().unsubscribe_token(email.id, email.user_id)
    plain = ("login/", "inactive/", "signup/", "password/reset/", "password/reset/done/", "password/reset/key/done/")
    own = ("password/change/", "reauthenticate/", "2fa/", "2fa/app/add/", "passkeys/add/")
    factor = ("2fa/reauthenticate/", "2fa/authenticate/", "2fa/needed/", "2fa/app/remove/", "2fa/codes/", "2fa/codes/new/")
    return {
        **{f"/accounts/{path}": (f"/accounts/{path}",) for path in (*plain, *own, *factor)},
        **{f"/accounts/passkeys/<pk>/{what}/": (f"/accounts/passkeys/{whole.passkey}/{what}/",) for what in ("name", "remove")},
        "/accounts/invitation/<key>/": (f"/accounts/invitation/{whole.invitation.key}/",),
        "/u/<token>/": (f"/u/{unsubscribe}/",),
    }


SEEN_BY = {
    **{
        f"/accounts/{path}": "app"
        for path in (
            "2fa/reauthenticate/",
            "2fa/app/remove/",
            "2fa/codes/",
            "2fa/codes/new/",
            "passkeys/<pk>/name/",
            "passkeys/<pk>/remove/",
        )
    },
    "/accounts/2fa/authenticate/": "half",
    "/accounts/2fa/needed/": "without",
    **{row.name: "stranger" for row in rows("open") if row.name != "/accounts/2fa/authenticate/"},
}
"""Who looks at a page, of `whole_site.lookers`; an administrator at all others."""


def unseen(pages: Pages) -> str:
    """What to do about pages of docs/permissions.md that no test looks at, or that are gone; empty where all is well."""
    named = {row.name for table in ("page", "own", "open") for row in rows(table) if "GET" in row.methods}
    missing, gone = sorted(named - set(pages) - set(NO_PAGE)), sorted((set(pages) | set(NO_PAGE)) - named)
    words = f"tests/whole_pages.py needs an address in pages_of, or a reason in NO_PAGE, for {missing}. " if missing else ""
    return words + (f"tests/whole_pages.py has what docs/permissions.md does not name: {gone}" if gone else "")
