"""Why e-mails were refused, in few groups: by the code in the words of a mail server or provider."""

import re

SMTP = re.compile(r"(?<![\d.])([45]\d\d)(?:[ -]+([245]\.[0-7]\.\d{1,2}))?(?![\d.])")
"""A reply of a mail server (RFC 5321), and the enhanced code behind it (RFC 3463)."""
PROVIDERS = re.compile(r"mail provider [^:]*: ([A-Za-z0-9_.-]{1,40})(?= |$)")
"""What an API of a provider calls it: the first word of its answer, as crm/mail/refusals.py puts it."""
LOOKED_AT = 100
"""Characters of an error in which a code is looked for: fewer than are kept, so that what was cut off can't matter."""
ENHANCED = {
    "1.1": "Address does not exist",
    "1.2": "Domain does not exist",
    "1.3": "Address is not valid",
    "1.6": "Mailbox has moved",
    "1.10": "Domain takes no mail",
    "2.0": "Mailbox can’t be used",
    "2.1": "Mailbox is closed",
    "2.2": "Mailbox is full",
    "2.3": "Message is too large for the mailbox",
    "3.0": "Trouble at the receiving server",
    "3.2": "Receiving server takes nothing just now",
    "3.4": "Message is too large",
    "4.1": "Receiving server did not answer",
    "4.4": "No way to the receiving server",
    "4.7": "Delivery took too long",
    "6.0": "Content was not accepted",
    "7.0": "Refused by a rule of the receiving server",
    "7.1": "Refused as spam, or by a rule of the receiving server",
    "7.26": "Refused because the sender is not proven",
}
"""Subject and detail of an enhanced code in words (RFC 3463, RFC 7505, RFC 7372)."""
BASIC = {
    "421": "Receiving server is not available",
    "450": "Mailbox is not available just now",
    "451": "Trouble at the receiving server",
    "452": "Receiving server has no room",
    "550": "Mailbox is not available",
    "551": "Mailbox is elsewhere",
    "552": "Mailbox is full",
    "553": "Address is not valid",
    "554": "Refused",
}
"""Replies without an enhanced code that we know, in words (RFC 5321, section 4.2.3)."""


def code_of(error: str) -> str:
    """Return the code in what was said, empty where there is none: a reply with its enhanced code, or a provider's word.

    >>> code_of("The mail server refused the address: 550 5.1.1 no such mailbox"), code_of("452 full"), code_of("No such person")
    ('550 5.1.1', '452', '')
    >>> code_of("The mail provider refused the message: MessageRejected Email address is on a list")
    'MessageRejected'
    """
    text = error[:LOOKED_AT]
    if found := PROVIDERS.search(text):
        return found[1]
    found = SMTP.search(text)
    return " ".join(part for part in found.groups() if part) if found else ""


def code_alone(error: str) -> str:
    """Return what stays of an error where nothing is to tell whom it was about: enough to find the same code in it.

    >>> code_alone("The mail server refused the address: 550 5.1.1 no mailbox ada@example.org"), code_alone("No such person Ada")
    ('550 5.1.1', '')
    >>> code_of(code_alone("The mail provider refused the message: MessageRejected ada@example.org is on a list"))
    'MessageRejected'
    """
    code = code_of(error)
    return code if code_of(code) == code else f"The mail provider answered: {code}"


def meaning(code: str) -> str:
    """Return a code in words, empty where we know none.

    >>> meaning("550 5.1.1"), meaning("552"), meaning("554 5.9.9"), meaning("MessageRejected")
    ('Address does not exist', 'Mailbox is full', 'Refused', '')
    """
    basic, _, enhanced = code.partition(" ")
    return ENHANCED.get(enhanced.partition(".")[2]) or BASIC.get(basic, "")
