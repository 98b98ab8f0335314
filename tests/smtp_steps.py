"""What the mail server of the tests can do with a message, and with what chance it does so by itself."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Step:
    """What the server does with one message. `at`: greeting, mail, rcpt, data, body or dot. `then`: reply, drop, stall or drip.

    `record` says whether the message counts as accepted, which the client may never learn.
    """

    at: str
    then: str = "reply"
    reply: str = ""
    record: bool = False


ACCEPT = Step("dot", record=True)
REFUSE_SENDER_550 = Step("mail", reply="550 5.7.1 this sender may not send here")
RETRY_SENDER_451 = Step("mail", reply="451 4.3.0 no mail at the moment")
REFUSE_550 = Step("rcpt", reply="550 5.1.1 no such mailbox")
RETRY_451 = Step("rcpt", reply="451 4.2.1 mailbox busy, try again")
CLOSING_421_AT_RCPT = Step("rcpt", reply="421 4.3.2 going down")
REFUSE_554_AT_DATA = Step("data", reply="554 5.5.1 no valid recipients")
REFUSE_554_AFTER_DATA = Step("dot", reply="554 5.7.1 this looks like spam")
RETRY_451_AFTER_DATA = Step("dot", reply="451 4.3.0 disk full, try again")
DROP_AT_MAIL = Step("mail", "drop")
DROP_AT_RCPT = Step("rcpt", "drop")
DROP_AT_DATA = Step("data", "drop")
DROP_BEFORE_DOT = Step("body", "drop")
ACCEPT_THEN_DROP = Step("dot", "drop", record=True)
DROP_AFTER_DOT = Step("dot", "drop")
STALL_AT_RCPT = Step("rcpt", "stall")
STALL_AFTER_DOT = Step("dot", "stall", record=True)
DRIP_AT_RCPT = Step("rcpt", "drip", reply="250 " + "x" * 2000)
DRIP_AFTER_DOT = Step("dot", "drip", reply="250 " + "x" * 2000, record=True)
GARBLED_AFTER_DOT = Step("dot", reply="hello there", record=True)
GREETING_421 = Step("greeting", reply="421 4.3.2 too busy")
GREETING_554 = Step("greeting", reply="554 5.7.1 we do not talk to you")
STALL_AT_GREETING = Step("greeting", "stall")
STEPS = {name: value for name, value in list(globals().items()) if isinstance(value, Step)}


@dataclass(slots=True)
class Moods:
    """What happens without a script: `chances` are `{step: share of messages}`, of greetings for steps there.

    `always` is `{pattern of addresses: step}`, the same at every try.
    """

    chances: Mapping[Step, float] = field(default_factory=dict)
    always: Mapping[str, Step] = field(default_factory=dict)
    chance: random.Random = field(default_factory=random.Random)

    def at(self, *phases: str) -> Step | None:
        """Draw a step of one of those phases, None for none."""
        drawn = self.chance.random()
        for step, share in self.chances.items():
            if step.at in phases:
                drawn -= share
                if drawn < 0:
                    return step
        return None

    def towards(self, recipient: str) -> Step | None:
        """Return what every message to that address meets."""
        return next((step for pattern, step in self.always.items() if fnmatchcase(recipient, pattern)), None)
