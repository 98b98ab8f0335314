"""Whole e-mails as they are handed over: they parse without a complaint, have both parts and the headers of a mailing."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default as modern
from email.utils import getaddresses
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.domain.campaigns import Letter
from crm.domain.links import Links
from crm.jobs.message import build
from crm.jobs.render import Content, Tracking, check_template, render
from tests.letters import LETTERHEAD, LETTERS, READERS, letter

LINKS = Links(["key"], "https://crm.example")
EMAIL = "e" * 32
TOLD = Tracking(open_url=LINKS.open_url(EMAIL), click_url=partial(LINKS.click_url, EMAIL))


def mailed(written: Letter, fields: dict[str, str | int]) -> bytes:
    """The bytes of the e-mail that somebody gets."""
    url = LINKS.unsubscribe_url(EMAIL, "a" * 32)
    name = f"{fields.get('firstName', '')} {fields.get('lastName', '')}".strip()
    rendered = render(Content.of(written, LETTERHEAD), fields, unsubscribe_url=url, tracking=TOLD if written.tracking else None)
    return build(
        rendered,
        email_id=EMAIL,
        campaign_id="c" * 32,
        to="zoe@example.org",
        to_name=name,
        sender=written.sender or LETTERHEAD.sender,
        reply_to=written.reply_to,
        unsubscribe_url=url,
        list_id="mailings.crm.example",
        date=datetime(2026, 5, 4, 9, 30, tzinfo=UTC),
    ).data


def parsed(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=modern)
    for part in message.walk():
        assert part.defects == []
        assert [(name, value.defects) for name, value in part.items() if value.defects] == []
    return message


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", LETTERS)
def test_a_demanding_letter_is_a_clean_message_with_both_parts(name: str, reader: str) -> None:
    data = mailed(letter(LETTERS[name]), READERS[reader])

    message = parsed(data)
    assert message.get_content_type() == "multipart/alternative"
    assert [one.get_content_type() for one in message.iter_parts()] == ["text/plain", "text/html"]
    assert [one.get_content_charset() for one in message.iter_parts()] == ["utf-8", "utf-8"]
    assert max(len(line) for line in data.split(b"\r\n")) <= 998
    assert data.replace(b"\r\n", b"").count(b"\n") == data.replace(b"\r\n", b"").count(b"\r") == 0
    assert "\0" not in part(message, "html")
    assert "\1" not in part(message, "html")
    assert part(message, "html").rstrip().endswith("</html>")
    assert "Unsubscribe: https://crm.example/u/" in part(message, "plain")


def test_its_headers_are_those_of_a_mailing() -> None:
    data = mailed(letter(LETTERS["ordinary"]), READERS["arabic"])

    message, raw = parsed(data), message_from_bytes(data)
    assert getaddresses([str(message["From"])]) == [("Kulturhuset, Söderköping", "kultur@club.example")]
    to = str(make_header(decode_header(raw["To"].replace("\r\n ", " "))))
    assert getaddresses([to]) == [("محمد بن عبد الله الحسيني", "zoe@example.org")]
    assert str(message["Reply-To"]) == "svar@club.example"
    assert str(message["Subject"]).startswith("Sommar 🎉 محمد: ett mycket långt ämne ett")
    assert message["Message-ID"] == f"<{EMAIL}@club.example>"
    assert message["List-Id"] == "<mailings.crm.example>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"<https://crm\.example/u/[\w-]+/>", str(message["List-Unsubscribe"]).replace(" ", ""))
    assert (message["X-Email-Id"], message["X-Campaign-Id"]) == (EMAIL, "c" * 32)
    assert "Precedence" not in message
    assert "Auto-Submitted" not in message


def test_the_unsubscribe_header_stands_on_one_line_whole() -> None:
    data = mailed(letter(LETTERS["ordinary"]), READERS["nobody"])

    url = LINKS.unsubscribe_url(EMAIL, "a" * 32)
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in data


@pytest.mark.parametrize("reply_to", ["nobody", "a@b.example\r\nBcc: eve@x.example", "a@b.example, c@d.example"])
def test_replies_go_to_one_address_or_the_letter_is_not_made(reply_to: str) -> None:
    with pytest.raises(ValueError, match="address"):
        mailed(Letter(subject="s", body="b", reply_to=reply_to), {})


def test_a_letter_that_names_no_reply_address_has_no_such_header() -> None:
    assert "Reply-To" not in parsed(mailed(Letter(subject="s", body="b"), {}))


@settings(max_examples=25, deadline=None)
@given(
    body=st.text("ab 漢é😀*_#>-|`[](){}%\n1.", max_size=120),
    value=st.text(max_size=30),
    subject=st.text("ab {}é😀:=?\t", min_size=1, max_size=60),
)
def test_whatever_can_be_sent_parses_cleanly(body: str, value: str, subject: str) -> None:
    body += "\n\n{{ firstName }} [x](https://a.example/{{ lastName }})"
    if check_template(subject, body):
        return

    message = parsed(mailed(Letter(subject=subject, body=body, tracking=True), {"firstName": value, "lastName": value}))

    assert "/c/" in part(message, "html")
    assert "https://a.example/" in part(message, "plain")
