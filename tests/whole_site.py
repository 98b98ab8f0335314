"""A site with something on every page, for tests that look at each of them, and those who look."""

import io
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.mfa.webauthn.internal.auth import WebAuthn
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from fido2.cose import ES256
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    RegistrationResponse,
)

from crm.domain.campaigns import Campaign, Letter
from crm.domain.filters import PeopleFilter
from crm.domain.ids import new_id
from crm.domain.imports import Choices, Import
from crm.domain.people import EmailStatus, Person
from crm.domain.tasks import TaskAction
from crm.invitations import invite
from crm.mail.files import FilesMailer, Outbox
from crm.mail.port import OutgoingMessage
from crm.models import ApiToken, Invitation
from crm.services import campaigns, event_changes, feeds, imports, mail_settings, notes, segments, suppression_list, tasks
from crm.services.demo import Plan, Sizes, load
from crm.staff import create_token, set_role
from crm.store import Store
from crm.wiring import get_files
from tests.factories import make_event, make_person
from tests.uploads import work_off

PASSWORD = "sommerregen am see"
SENDER = "Community CRM <crm@example.org>"
SHEET = b"First name,Last name,Email,City\n" + b"".join(b"Ada%d,King,ada%d@sheet.example,Lund\n" % (n, n) for n in range(9))
AN_HOUR = 3600
BROKEN = SHEET + b"No,Address,,Lund\nWrong,Address,nobody@,Lund\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What was put into the site."""

    plan: Plan
    twins: tuple[Person, Person]
    draft: Campaign
    scheduled: Campaign
    open_import: Import
    done_import: Import
    task: str
    running_task: str
    note: str
    segment: str
    feed: str
    mark: str
    cancelled: str
    template: str
    letter: str
    token: ApiToken
    invitation: Invitation
    grace: int
    closed: int
    hedy: int
    passkey: int


def fill(store: Store, *, author: str) -> Whole:
    """Put something of everything into the table and the staff database; the files of imports go where the settings say.

    `author` is whose the things are that belong to somebody: a note.
    """
    now = datetime.now(UTC)
    grace, closed, hedy = member("grace", "Editor"), member("closed", "Viewer", is_active=False), member("hedy", "Viewer")
    admin = member("admin", "Admin")
    passkey = _with_factors(hedy)
    plan = load(store, Sizes(people=70, events=8, campaigns=5), seed=1, now=now, sender=SENDER)
    one, two = (store.people.create(make_person(first_name="Ada", last_name="King", company="Twins")) for _ in range(2))
    twins = PeopleFilter(company=("Twins",))
    done_import, open_import = _imported(store, BROKEN, "members.csv", now), _uploaded(store, SHEET, "open.csv", now)
    sender = mail_settings.add_sender(store, "Team", "team@community.example", actor="grace", now=now)
    suppression_list.put_on(store, "gone@elsewhere.example", EmailStatus.BOUNCED, actor="grace", now=now)
    letter = Letter(subject="Summer", body="Hello {{ firstName }}, [come](https://summer.example/)", sender=SENDER)
    sending = {"wanted": twins, "actor": "grace", "now": now, "default_sender": SENDER}
    feed_id = new_id()
    feeds.create(store, feed_id, {}, zone=UTC, actor="grace", now=now)  # type: ignore[arg-type]  # any zone
    return Whole(
        plan=plan,
        twins=(one, two),
        draft=campaigns.save_draft(store, None, letter, wanted=twins, actor="grace", now=now),
        scheduled=campaigns.create_and_send(store, letter, send_at=now + timedelta(days=2), **sending),
        open_import=open_import,
        done_import=done_import,
        task=tasks.start(store, TaskAction.TAG, twins, subject="VIP", actor="grace", now=now).id,
        running_task=tasks.start(store, TaskAction.TAG, twins, subject="Guest", actor="grace", now=now, at_once=0).id,
        note=notes.add(store, one.id, "Met at the spring meetup.", actor=author, now=now).id,
        segment=segments.save(store, "Twins", twins, owner="grace", shared=True, now=now).id,
        feed=feed_id,
        mark=sender.mark,
        cancelled=_cancelled(store, now),
        template=store.templates.all()[0].id,
        letter=_written(),
        token=create_token(grace, ["people:read"], "Website")[0],
        invitation=invite(store, "new@staff.example", "Editor", actor=admin, now=now),
        grace=grace.pk,
        closed=closed.pk,
        hedy=hedy.pk,
        passkey=passkey,
    )


def member(name: str, role: str, **values: Any) -> User:
    """Somebody of staff who can sign in with PASSWORD."""
    user = User.objects.create_user(name, f"{name}@staff.example", PASSWORD, first_name=name.capitalize(), **values)
    set_role(user, role)
    return user


def _with_factors(user: User) -> int:
    """Give them an app, a passkey and codes on paper; the id of the passkey."""
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    key = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    credential = AttestedCredentialData.create(bytes(16), b"a passkey", key)
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.AT
    answer = AuthenticatorAttestationResponse(
        client_data=CollectedClientData.create("webauthn.create", b"a challenge", settings.PUBLIC_URL),
        attestation_object=AttestationObject.create("none", AuthenticatorData.create(bytes(32), flags, 0, credential), {}),
    )
    made = dict(RegistrationResponse(raw_id=credential.credential_id, response=answer))
    return int(WebAuthn.add(user, "Phone", made).instance.pk)


def signed_in(name: str) -> Client:
    """A browser in which they gave their password just now."""
    client = Client()
    client.post("/accounts/login/", {"login": name, "password": PASSWORD})
    return client


def lookers() -> dict[str, Client]:
    """Browsers for the pages that not everybody gets to see: see `whole_pages.SEEN_BY`. Who looks first stands first."""
    return {
        "half": signed_in("hedy"),
        "stranger": Client(),
        "app": _just_in("hedy"),
        "admin": _just_in("admin"),
        "without": _just_in("grace"),
    }


def _just_in(name: str) -> Client:
    """A browser in which they gave all that is asked of them just now, and which is asked nothing again within an hour."""
    client, user = Client(), User.objects.get(username=name)
    client.force_login(user)
    given = {"method": "password", "at": time.time() + AN_HOUR, "username": name, "reauthenticated": True}
    session = client.session
    session.update({"account_authentication_methods": [given], "account_authentication_methods_user": str(user.pk)})
    session.save()
    return client


def _uploaded(store: Store, sheet: bytes, name: str, now: datetime) -> Import:
    files = get_files()
    made = imports.upload(store, files, name=name, content=io.BytesIO(sheet), size=len(sheet), owner="grace", now=now)
    choices = Choices(encoding=made.encoding, delimiter=made.delimiter)
    return imports.choose(store, files, made.id, choices, version=made.version, now=now)


def _imported(store: Store, sheet: bytes, name: str, now: datetime) -> Import:
    checked = _uploaded(store, sheet, name, now)
    imports.begin(store, checked.id, version=checked.version, actor="grace", now=now)
    work_off(store)
    return store.imports.get(checked.id)


def _cancelled(store: Store, now: datetime) -> str:
    """The id of an event that is called off."""
    made_up = make_event(title="Autumn talk", start_at=now + timedelta(days=9), created_at=now, updated_at=now)
    event = store.events.create(made_up, [], [], now=now)
    event_changes.cancel(store, event.id, version=event.version, reason="The hall is closed.", actor="grace", now=now)
    return event.id


def _written() -> str:
    """The name of a message in the outbox, which is there while messages are written to files."""
    mailer = FilesMailer(Path(urlsplit(settings.EMAIL_URL).path))
    data = b"From: crm@example.org\r\nTo: ada@x.example\r\nSubject: Summer\r\n\r\nHello\r\n"
    mailer.send(
        OutgoingMessage(email_id=new_id(), sender="crm@example.org", recipient="ada@x.example", data=data),
        deadline=time.monotonic() + 9,
    )
    return Outbox(mailer.folder).newest(1)[0].name
