"""What can stand in the audit log: every action by name, in words, and what kind of thing it is done to.

The page, the CSV and its links are made of this. An action that is written anywhere stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Subject(StrEnum):
    """What an action is done to: what the subject of its entry is the id of. `NOTHING`: it has none.

    Accounts, invitations and tokens are numbered in the staff database: their subjects are like `staff:3`, so nobody else's id.
    """

    NOTHING = ""
    PERSON = "person"
    EVENT = "event"
    CAMPAIGN = "campaign"
    IMPORT = "import"
    TASK = "task"
    SEGMENT = "segment"
    TEMPLATE = "template"
    FEED = "feed"
    SENDER = "sender"
    MAIL = "mail"
    JOB = "job"
    STAFF = "staff"
    INVITATION = "invitation"
    TOKEN = "token"  # noqa: S105  # a word


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One action: what was done, in words that follow who did it, and to what."""

    words: str
    subject: Subject = Subject.NOTHING


GROUPS: Mapping[str, Mapping[str, Deed]] = {
    "people": {
        "person.added": Deed(words="added a person", subject=Subject.PERSON),
        "person.edited": Deed(words="changed a person", subject=Subject.PERSON),
        "person.deleted": Deed(words="deleted a person", subject=Subject.PERSON),
        "person.note_added": Deed(words="wrote a note", subject=Subject.PERSON),
        "person.note_deleted": Deed(words="deleted a note", subject=Subject.PERSON),
        "people.erased": Deed(words="erased a person", subject=Subject.PERSON),
        "people.personal_data": Deed(words="downloaded the personal data of a person", subject=Subject.PERSON),
        "people.merged": Deed(words="merged two people", subject=Subject.PERSON),
        "people.told_apart": Deed(words="told two people apart", subject=Subject.PERSON),
        "people.tagged": Deed(words="tagged people", subject=Subject.TASK),
        "people.untagged": Deed(words="took a tag from people", subject=Subject.TASK),
        "people.registered": Deed(words="added people to an event", subject=Subject.TASK),
        "people.deleted": Deed(words="deleted people", subject=Subject.TASK),
        "people.task_cancelled": Deed(words="cancelled work on people", subject=Subject.TASK),
        "people.file_uploaded": Deed(words="uploaded a file of people", subject=Subject.IMPORT),
        "people.file_discarded": Deed(words="threw a file of people away", subject=Subject.IMPORT),
        "people.imported": Deed(words="imported people", subject=Subject.IMPORT),
        "people.import_stopped": Deed(words="stopped an import", subject=Subject.IMPORT),
        "people.import_undone": Deed(words="took an import back", subject=Subject.IMPORT),
        "people.failed_rows_exported": Deed(words="downloaded the rows of an import that failed", subject=Subject.IMPORT),
        "people.exported": Deed(words="downloaded people"),
    },
    "segments": {
        "segment.saved": Deed(words="saved a segment", subject=Subject.SEGMENT),
        "segment.edited": Deed(words="changed a segment", subject=Subject.SEGMENT),
        "segment.deleted": Deed(words="deleted a segment", subject=Subject.SEGMENT),
    },
    "events": {
        "event.draft_begun": Deed(words="began to plan an event", subject=Subject.EVENT),
        "event.draft_discarded": Deed(words="discarded the draft of an event", subject=Subject.EVENT),
        "event.created": Deed(words="published an event", subject=Subject.EVENT),
        "event.edited": Deed(words="changed an event", subject=Subject.EVENT),
        "event.cancelled": Deed(words="cancelled an event", subject=Subject.EVENT),
        "event.reinstated": Deed(words="let a cancelled event take place", subject=Subject.EVENT),
        "event.deleted": Deed(words="deleted an event", subject=Subject.EVENT),
        "event.no_shows_undone": Deed(words="took no-shows of an event back", subject=Subject.EVENT),
        "attendee.moved": Deed(words="changed where somebody stands with an event", subject=Subject.EVENT),
        "attendee.taken_back": Deed(words="took a change of an attendee back", subject=Subject.EVENT),
        "attendees.moved": Deed(words="changed attendees of an event", subject=Subject.TASK),
        "attendees.signed_up": Deed(words="signed people up for an event", subject=Subject.EVENT),
        "attendees.exported": Deed(words="downloaded the attendees of an event", subject=Subject.EVENT),
        "events.exported": Deed(words="downloaded events"),
        "feed.created": Deed(words="made a calendar feed", subject=Subject.FEED),
        "feed.revoked": Deed(words="revoked a calendar feed", subject=Subject.FEED),
    },
    "campaigns": {
        "campaign.created": Deed(words="began a campaign", subject=Subject.CAMPAIGN),
        "campaign.edited": Deed(words="changed a campaign", subject=Subject.CAMPAIGN),
        "campaign.sent": Deed(words="sent a campaign", subject=Subject.CAMPAIGN),
        "campaign.scheduled": Deed(words="scheduled a campaign", subject=Subject.CAMPAIGN),
        "campaign.taken_back": Deed(words="took the sending of a campaign back", subject=Subject.CAMPAIGN),
        "campaign.paused": Deed(words="paused a campaign", subject=Subject.CAMPAIGN),
        "campaign.resumed": Deed(words="let a paused campaign go on", subject=Subject.CAMPAIGN),
        "campaign.cancelled": Deed(words="cancelled a campaign", subject=Subject.CAMPAIGN),
        "campaign.failed_retried": Deed(words="tried failed e-mails again", subject=Subject.CAMPAIGN),
        "campaign.uncertain_resent": Deed(words="sent uncertain e-mails again", subject=Subject.CAMPAIGN),
        "campaign.uncertain_settled": Deed(words="called uncertain e-mails sent", subject=Subject.CAMPAIGN),
        "campaign.tested": Deed(words="sent a test letter", subject=Subject.CAMPAIGN),
        "campaign.duplicated": Deed(words="copied a campaign", subject=Subject.CAMPAIGN),
        "campaign.archived": Deed(words="put a campaign away", subject=Subject.CAMPAIGN),
        "campaign.unarchived": Deed(words="took a campaign out of the archive", subject=Subject.CAMPAIGN),
        "campaign.deleted": Deed(words="deleted the draft of a campaign", subject=Subject.CAMPAIGN),
        "campaigns.exported": Deed(words="downloaded campaigns"),
        "recipients.exported": Deed(words="downloaded the recipients of a campaign", subject=Subject.CAMPAIGN),
        "emails.exported": Deed(words="downloaded e-mails of the analytics"),
        "template.created": Deed(words="saved a template", subject=Subject.TEMPLATE),
        "template.edited": Deed(words="changed a template", subject=Subject.TEMPLATE),
        "template.deleted": Deed(words="deleted a template", subject=Subject.TEMPLATE),
    },
    "mail": {
        "mail.settings_edited": Deed(words="changed the mail settings", subject=Subject.MAIL),
        "mail.logo_changed": Deed(words="changed the logo", subject=Subject.MAIL),
        "mail.sender_added": Deed(words="added a sender", subject=Subject.SENDER),
        "mail.sender_verified": Deed(words="verified a sender", subject=Subject.SENDER),
        "mail.sender_removed": Deed(words="removed a sender", subject=Subject.SENDER),
        "suppression.added": Deed(words="put an address on the suppression list"),
        "suppression.removed": Deed(words="took an address off the suppression list"),
    },
    "staff": {
        "staff.invited": Deed(words="invited somebody", subject=Subject.INVITATION),
        "staff.invitation_withdrawn": Deed(words="withdrew an invitation", subject=Subject.INVITATION),
        "staff.added": Deed(words="made an account", subject=Subject.STAFF),
        "staff.joined": Deed(words="accepted an invitation", subject=Subject.STAFF),
        "staff.role_changed": Deed(words="changed a role", subject=Subject.STAFF),
        "staff.closed": Deed(words="closed an account", subject=Subject.STAFF),
        "staff.reopened": Deed(words="opened an account again", subject=Subject.STAFF),
        "staff.signed_in": Deed(words="signed in", subject=Subject.STAFF),
        "staff.sign_in_failed": Deed(words="failed to sign in", subject=Subject.STAFF),
        "staff.signed_out": Deed(words="signed out", subject=Subject.STAFF),
        "staff.sessions_ended": Deed(words="ended sessions of an account", subject=Subject.STAFF),
        "staff.second_factor_added": Deed(words="set up a second factor", subject=Subject.STAFF),
        "staff.second_factor_removed": Deed(words="removed a second factor", subject=Subject.STAFF),
        "staff.second_factor_required": Deed(words="made a second factor a must"),
        "staff.second_factor_not_required": Deed(words="made a second factor a choice"),
        "staff.second_factor_reset": Deed(words="reset the second factor of an account", subject=Subject.STAFF),
        "staff.profile_edited": Deed(words="changed their profile", subject=Subject.STAFF),
        "staff.password_changed": Deed(words="changed their password", subject=Subject.STAFF),
        "staff.password_reset": Deed(words="set a new password by a mailed link", subject=Subject.STAFF),
        "token.created": Deed(words="made an API token", subject=Subject.TOKEN),
        "token.revoked": Deed(words="revoked an API token", subject=Subject.TOKEN),
        "audit.exported": Deed(words="downloaded the audit log"),
    },
    "jobs": {
        "job.restarted": Deed(words="started background work again", subject=Subject.JOB),
    },
}
GROUP_NAMES = {
    "people": "People",
    "segments": "Segments",
    "events": "Events",
    "campaigns": "Campaigns",
    "mail": "Mail and suppression",
    "staff": "Staff, tokens and this log",
    "jobs": "Background work",
}
DEEDS: Mapping[str, Deed] = {action: deed for deeds in GROUPS.values() for action, deed in deeds.items()}


def deed_of(action: str) -> Deed:
    """Return what an action is; one that is not known, as from another release, in its own name.

    >>> deed_of("campaign.paused").words, deed_of("what.ever").words
    ('paused a campaign', 'what.ever')
    """
    return DEEDS.get(action) or Deed(words=action)


def actions_of(what: str) -> frozenset[str]:
    """Return the actions that a group has, or the one of that name; none for anything else.

    >>> sorted(actions_of("segments")), sorted(actions_of("job.restarted")), sorted(actions_of("what.ever"))
    (['segment.deleted', 'segment.edited', 'segment.saved'], ['job.restarted'], [])
    """
    return frozenset(GROUPS.get(what) or ([what] if what in DEEDS else []))
