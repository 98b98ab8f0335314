"""A test of a letter to oneself or a few others: handed to the mail server at once, marked as a test, counted nowhere."""

import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from crm.domain.errors import DeliveryFailed, FieldError, RuleViolation
from crm.domain.ids import new_id
from crm.domain.links import TEST_LINK
from crm.domain.people import Person, folded_address, well_formed_address
from crm.jobs.message import build
from crm.jobs.render import Content, merge_fields, render
from crm.mail.port import Accepted, Mailer, OutgoingMessage
from crm.wiring import get_links, get_mailer, send_settings

logger = logging.getLogger(__name__)
DEADLINE = 20.0
"""Seconds that somebody waits for the mail server while looking at the page, however many tests."""
MOST = 5
MARK = "*This is a test. Nobody else got it, and it is counted nowhere.*\n\n---\n\n"
BETWEEN = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of one test; `trouble` says why it did not go, or may not have gone, and is empty where it went."""

    to: str
    trouble: str = ""


def addresses(text: str, *, own: str, others: bool) -> list[str]:
    """Return where tests go: the addresses typed, each once, or one's `own`. RuleViolation for what can't be.

    Without `others` only one's own address is taken.
    """
    typed = {folded_address(one): one for one in BETWEEN.split(text.strip()) if one}
    wrong = next((one for one in typed.values() if not well_formed_address(one)), None)
    foreign = next((one for folded, one in typed.items() if folded != folded_address(own)), None)
    if wrong:
        raise _refused(f"“{wrong[:80]}” is not an address. Write them like name@example.org, with commas between.")
    if len(typed) > MOST:
        raise _refused(f"A test goes to {MOST} addresses at most; these are {len(typed)}.")
    if foreign and not others:
        raise _refused("Your role may send tests to its own address only. Leave the field empty, and the test goes there.")
    if not typed and not own:
        raise _refused("Your account has no e-mail address. Type one here, or ask an administrator to give your account one.")
    return list(typed.values()) or [own]


def _refused(words: str) -> RuleViolation:
    return RuleViolation(words, errors=[FieldError(field="testTo", message=words)])


def send_tests(
    content: Content, reader: Person, to: Sequence[str], *, campaign_id: str, sender: str, reply_to: str, names: Mapping[str, str]
) -> list[Trial]:
    """Send the letter as `reader` would get it to each address, over one connection, and return what became of each.

    `names` are those of addresses that have one. RuleViolation for a letter that can't be made.
    """
    marked = replace(content, subject=f"[Test] {content.subject}", body=MARK + content.body)
    link = get_links().unsubscribe_url(*TEST_LINK)
    rendered = render(marked, merge_fields(reader), unsubscribe_url=link)
    mail = send_settings()
    mailer = get_mailer()
    ends = time.monotonic() + DEADLINE
    trials = []
    try:
        for address in to:
            try:
                message = build(
                    rendered,
                    email_id=f"test-{new_id()}",
                    campaign_id=campaign_id,
                    to=address,
                    to_name=names.get(address, ""),
                    sender=sender or mail.sender,
                    reply_to=reply_to,
                    unsubscribe_url=link,
                    list_id=mail.list_id,
                    date=datetime.now(UTC),
                )
            except DeliveryFailed as error:
                trials.append(Trial(to=address, trouble=error.message))
                continue
            trials.append(Trial(to=address, trouble=_handed_over(mailer, message, ends - time.monotonic())))
    finally:
        mailer.close()
    logger.info("tests sent", extra={"campaign_id": campaign_id, "sent": sum(not one.trouble for one in trials)})
    return trials


def _handed_over(mailer: Mailer, message: OutgoingMessage, seconds: float) -> str:
    """Hand one test over and return what went wrong, nothing where it was taken."""
    if seconds <= 0:
        return "The mail server took too long over the ones before."
    try:
        delivery = mailer.send(message, deadline=seconds)
    except DeliveryFailed as error:
        return error.message
    return "" if isinstance(delivery, Accepted) else f"The mail server did not confirm it: {delivery.reason}"
