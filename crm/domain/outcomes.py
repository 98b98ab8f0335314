"""What can become of an e-mail: where it stands, and by what it is asked for."""

from enum import StrEnum


class EmailState(StrEnum):
    """What became of an e-mail. `UNCERTAIN`: handed over, but the answer was lost; never repeated by itself."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"


class Outcome(StrEnum):
    """What became of an e-mail, as people and lists of recipients are asked for by it.

    `SENT` is sent or uncertain. `OPENED` and `CLICKED` are a person's, `OPENED_ANY` and `CLICKED_ANY` also a program's;
    `NOT_OPENED` and `NOT_CLICKED` were sent, or are uncertain, and no person did.
    """

    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    NOT_OPENED = "not_opened"
    CLICKED = "clicked"
    NOT_CLICKED = "not_clicked"
    OPENED_ANY = "opened_any"
    CLICKED_ANY = "clicked_any"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNCERTAIN = "uncertain"

    @property
    def states(self) -> tuple[EmailState, ...]:
        """The states in which such e-mails are, in the order in which they are to be read."""
        return OWN_STATE.get(self, HANDED_OVER)

    @property
    def has(self) -> str:
        """The time that such an e-mail has, "" for any."""
        return HAS.get(self, "")

    @property
    def lacks(self) -> str:
        """The time that it must not have, "" for none."""
        return LACKS.get(self, "")


class Hits(StrEnum):
    """Whose opens and clicks count: those of people, or of programs too."""

    PEOPLE = "people"
    ALL = "all"

    @property
    def opened(self) -> Outcome:
        """The outcome, and the counter, of an open."""
        return Outcome.OPENED if self is Hits.PEOPLE else Outcome.OPENED_ANY

    @property
    def clicked(self) -> Outcome:
        """The outcome, and the counter, of a click."""
        return Outcome.CLICKED if self is Hits.PEOPLE else Outcome.CLICKED_ANY


HANDED_OVER = (EmailState.UNCERTAIN, EmailState.SENT)
"""In this order: an uncertain e-mail may become a sent one while they are read, and is seen once at least."""
OWN_STATE = {
    Outcome.FAILED: (EmailState.FAILED,),
    Outcome.SKIPPED: (EmailState.SKIPPED,),
    Outcome.UNCERTAIN: (EmailState.UNCERTAIN,),
}
HAS = {
    Outcome.DELIVERED: "delivered_at",
    Outcome.OPENED: "opened_at",
    Outcome.CLICKED: "clicked_at",
    Outcome.OPENED_ANY: "opened_any_at",
    Outcome.CLICKED_ANY: "clicked_any_at",
    Outcome.BOUNCED: "bounced_at",
    Outcome.COMPLAINED: "complained_at",
    Outcome.UNSUBSCRIBED: "unsubscribed_at",
}
LACKS = {Outcome.NOT_OPENED: "opened_at", Outcome.NOT_CLICKED: "clicked_at"}
OUTCOME_WORDS = {
    Outcome.SENT: "mailed {}",
    Outcome.DELIVERED: "reached by {}",
    Outcome.OPENED: "opened {}",
    Outcome.NOT_OPENED: "mailed {} without opening it",
    Outcome.CLICKED: "clicked in {}",
    Outcome.NOT_CLICKED: "mailed {} without clicking in it",
    Outcome.OPENED_ANY: "sent {}, which they or a program opened",
    Outcome.CLICKED_ANY: "sent {}, in which they or a program clicked",
    Outcome.BOUNCED: "bounced with {}",
    Outcome.COMPLAINED: "complained about {}",
    Outcome.UNSUBSCRIBED: "unsubscribed from {}",
    Outcome.FAILED: "not reached by {}, which failed",
    Outcome.SKIPPED: "skipped by {}",
    Outcome.UNCERTAIN: "perhaps mailed {}",
}
"""What became of people, with a place for the campaign."""
