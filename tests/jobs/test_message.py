"""The bytes of a message: headers of a mailing, encodings, and nothing smuggled in."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default as modern

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.domain.errors import DeliveryFailed
from crm.jobs.message import build
from crm.jobs.render import Rendered
from crm.mail.port import OutgoingMessage

URL = "https://crm.example/u/" + "t" * 66 + "/"


def built(
    *,
    subject: str = "Hello",
    text: str = "Hi\n",
    html: str = "<p>Hi</p>\n",
    to: str = "zoe@example.org",
    to_name: str = "Zoe",
    sender: str = "The Club <hej@club.example>",
    url: str = URL,
) -> OutgoingMessage:
    return build(
        Rendered(subject=subject, html=html, text=text),
        email_id="e" * 32,
        campaign_id="c" * 32,
        to=to,
        to_name=to_name,
        sender=sender,
        unsubscribe_url=url,
        list_id="mailings.club.example",
        date=datetime(2026, 5, 4, 9, 30, tzinfo=UTC),
    )


def parsed(outgoing: OutgoingMessage) -> EmailMessage:
    message = message_from_bytes(outgoing.data, policy=modern)
    assert message.defects == []
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def decoded(outgoing: OutgoingMessage, name: str) -> str:
    """A header as mail programs read it: unfolded, its encoded words joined."""
    raw = message_from_bytes(outgoing.data)[name].replace("\r\n ", " ")
    return str(make_header(decode_header(raw)))


def test_a_message_has_the_headers_of_a_mailing() -> None:
    message = parsed(built())

    assert {name: str(value) for name, value in message.items() if name != "Content-Type"} == {
        "From": "The Club <hej@club.example>",
        "To": "Zoe <zoe@example.org>",
        "Subject": "Hello",
        "Date": "Mon, 04 May 2026 09:30:00 +0000",
        "Message-ID": f"<{'e' * 32}@club.example>",
        "List-Id": "<mailings.club.example>",
        "List-Unsubscribe": f"<{URL}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "X-Email-Id": "e" * 32,
        "X-Campaign-Id": "c" * 32,
        "MIME-Version": "1.0",
    }
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_the_same_email_is_built_the_same_again() -> None:
    assert built() == built()


def test_the_envelope_has_bare_addresses() -> None:
    outgoing = built(sender='"Club, The" <hej@club.example>', to=" zoe@example.org ")

    assert (outgoing.sender, outgoing.recipient, outgoing.email_id) == ("hej@club.example", "zoe@example.org", "e" * 32)
    assert str(parsed(outgoing)["From"]) == '"Club, The" <hej@club.example>'


@settings(max_examples=50, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=400), html=st.text("aö=<>_.- \n漢", max_size=400))
def test_both_bodies_arrive_as_they_were_written(text: str, html: str) -> None:
    message = parsed(built(text=text, html=html))

    def lines(value: str) -> str:
        return value.replace("\r\n", "\n").replace("\r", "\n")

    assert (body(message, "plain"), body(message, "html")) == (lines(text), lines(html))


@settings(max_examples=50, deadline=None)
@given(
    words=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=30), min_size=1, max_size=9)
)
def test_any_subject_and_name_arrive_as_they_were_written(words: list[str]) -> None:
    line = " ".join(words)
    escaped = line.replace("\\", "\\\\").replace('"', '\\"')

    outgoing = built(subject=line, to_name=line)

    assert decoded(outgoing, "Subject") == line
    assert decoded(outgoing, "To").removesuffix("<zoe@example.org>").strip() in (line, f'"{escaped}"')


@pytest.mark.parametrize("text", ["Zoë " * 90, "漢字かな交じり文。" * 60, "x" * 5000, ".\r\n.\r\nFrom me"])
def test_lines_are_short_and_seven_bits_wide(text: str) -> None:
    outgoing = built(subject=text.replace("\r\n", " "), text=text, html=f"<p>{text}</p>", to_name=text.replace("\r\n", " ")[:200])

    assert outgoing.data.isascii()
    assert max(len(line) for line in outgoing.data.split(b"\r\n")) <= 120
    assert b"\n" not in outgoing.data.replace(b"\r\n", b"")
    assert body(parsed(outgoing), "plain") == text.replace("\r\n", "\n")


@pytest.mark.parametrize(
    "evil", ["x\r\nBcc: eve@example.org", "x\nBcc: eve@example.org\n\nbody", "x\rBcc: eve@example.org", "x\0\x0b\x85Bcc: e"]
)
def test_a_line_break_can_not_begin_a_header(evil: str) -> None:
    outgoing = built(subject=evil, to_name=evil)

    message = parsed(outgoing)

    assert "Bcc" not in message
    assert decoded(outgoing, "Subject").isprintable()
    assert len(message.keys()) == 12


@pytest.mark.parametrize(
    "address",
    [
        "",
        "zoe",
        "@example.org",
        "zoe@",
        "a@b.example\r\nBcc: e@x.example",
        "a@b.example, c@d.example",
        "a b@c.example",
        "<a@b.example>",
    ],
)
def test_what_is_no_single_address_fails_for_good(address: str) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        built(to=address)

    assert (caught.value.permanent, caught.value.whole_provider) == (True, False)


@pytest.mark.parametrize(
    "sender", ["", "The Club", "The Club <>", "hej@club.example, eve@x.example", '"The\r\nBcc: eve@x.example" <hej@club.example>']
)
def test_a_sender_without_an_address_is_a_mistake_of_ours(sender: str) -> None:
    with pytest.raises(ValueError, match="sender"):
        built(sender=sender)


def test_a_host_outside_ascii_travels_in_its_ascii_form() -> None:
    outgoing = built(to="zoe@exämple.org")

    assert outgoing.recipient == "zoe@xn--exmple-cua.org"
    assert outgoing.data.isascii()


def test_an_address_outside_ascii_stays_as_it_is() -> None:
    outgoing = built(to="zoë@exämple.org")

    assert outgoing.recipient == "zoë@exämple.org"
    assert "To: Zoe <zoë@exämple.org>\r\n".encode() in outgoing.data


def test_a_message_without_an_unsubscribe_link_has_no_such_headers() -> None:
    assert "List-Unsubscribe" not in parsed(built(url=""))
    assert "List-Unsubscribe-Post" not in parsed(built(url=""))
