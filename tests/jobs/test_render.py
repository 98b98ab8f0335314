"""From a campaign's text to what one person reads: Markdown, merge fields, links, and what is refused before sending."""

import re
import time
from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.domain.campaigns import Letter, Utm
from crm.domain.errors import RuleViolation
from crm.jobs.letter import tagged
from crm.jobs.render import Content, Rendered, Tracking, check_template, link_target, merge_fields, render
from tests.factories import make_person

UNSUBSCRIBE = "https://crm.example/u/token/"
ZOE: dict[str, str | int] = {
    "firstName": "Zoë",
    "lastName": "Ångström",
    "email": "zoe+crm@example.org",
    "company": "Brown & Söner",
    "city": "Göteborg",
    "hostedEventCount": 2,
    "attendedEventCount": 17,
}


def rendered(
    body: str, fields: Mapping[str, str | int] | None = None, *, subject: str = "Hello", utm: Utm | None = None
) -> Rendered:
    content = Content(subject=subject, body=body, organisation="The Club", postal_address="Main St 1", utm=utm or Utm())
    return render(content, ZOE if fields is None else fields, unsubscribe_url=UNSUBSCRIBE)


def letter_of(message: Rendered) -> str:
    """The HTML between the organisation's name and the foot, without styles and empty lines."""
    inner = message.html.partition("The Club</p>\n")[2].partition('</td></tr><tr>\n<td class="foot"')[0]
    return re.sub(r"\n+", "\n", re.sub(r' (?:style|class)="[^"]*"', "", inner)).strip()


def text_of(message: Rendered) -> str:
    """The plain text above the foot."""
    return message.text.partition("\n-- \n")[0].strip("\n")


class _Links(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if tag == "a" and name == "href"]
        if tag not in {"br", "hr", "img", "meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def links_of(message: Rendered) -> list[str]:
    """Every address in the letter and its foot, as a browser would follow it; asserts that the HTML is balanced."""
    parsed = _Links(message.html)
    assert parsed.open == []
    return parsed.links


# --- merging ----------------------------------------------------------------------------------------------------------


def test_fields_are_merged_into_subject_html_and_text() -> None:
    message = rendered(
        "Hi {{ firstName }} of {{company}}, you came {{ attendedEventCount }} times.", subject="For {{ firstName }}"
    )

    assert message.subject == "For Zoë"
    assert letter_of(message) == "<p>Hi Zoë of Brown &amp; Söner, you came 17 times.</p>"
    assert text_of(message) == "Hi Zoë of Brown & Söner, you came 17 times."


def test_all_that_is_known_of_a_person_can_be_merged() -> None:
    person = make_person()

    fields = merge_fields(person)

    assert check_template("x", "".join(f"{{{{ {name} }}}}" for name in [*fields, "unsubscribeUrl"])) == []
    assert (fields["firstName"], fields["hostedEventCount"]) == (person.profile.first_name, person.hosted_event_count)


@pytest.mark.parametrize(
    "value", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "*bold* [x](https://evil.example)", "{{ email }}"]
)
def test_a_value_stays_text_whatever_stands_in_it(value: str) -> None:
    message = rendered(
        '**{{ firstName }}** and ![{{ firstName }}](https://a.example/b.png "{{ firstName }}")', {"firstName": value}
    )

    assert links_of(message) == [UNSUBSCRIBE]
    assert all(part not in message.html for part in ("<script", "<img src=x", "<em>", "zoe"))
    assert text_of(message) == f"{value} and {value}"


def test_a_value_inside_an_address_can_not_leave_its_place() -> None:
    message = rendered(
        "[Book](https://a.example/p/{{ company }}?who={{ email }}&x=1)", {"company": "../x?y#z", "email": 'a&b="c'}
    )

    assert links_of(message)[0] == "https://a.example/p/..%2Fx%3Fy%23z?who=a%26b%3D%22c&x=1"
    assert "https://a.example/p/..%2Fx%3Fy%23z?who=a%26b%3D%22c&x=1" in message.text


def test_liquid_means_nothing_to_markdown() -> None:
    body = '{% assign a_b_c = nil %}\n_{{ a_b_c | default: "a_b*c*" }}_ `{{ firstName | default: "`" }}`'

    assert letter_of(rendered(body)) == "<p><em>a_b*c*</em> <code>Zoë</code></p>"


def test_an_empty_field_is_false_and_takes_its_default() -> None:
    body = '{{ company | default: "you" }}{% if company %}!{% else %}?{% endif %}{% if company == blank %}B{% endif %}'
    body += '{% if company == "" %}E{% endif %}'

    assert [text_of(rendered(body, fields)) for fields in ({}, {"company": ""}, {"company": "A"})] == ["you?BE", "you?BE", "A!"]


def test_a_condition_around_paragraphs_leaves_no_gap() -> None:
    body = "One\n{% if hostedEventCount > 0 %}\nAs a host\n{% else %}\nAs a guest\n{% endif %}\nTwo\n\n"
    body += "{% if city %}{{ city }}{% endif %}"

    host, guest = rendered(body), rendered(body, {})

    assert letter_of(host).split("\n") == ["<p>One</p>", "<p>As a host</p>", "<p>Two</p>", "<p>Göteborg</p>"]
    assert letter_of(guest).split("\n") == ["<p>One</p>", "<p>As a guest</p>", "<p>Two</p>"]
    assert text_of(host) == "One\n\nAs a host\n\nTwo\n\nGöteborg"
    assert text_of(guest) == "One\n\nAs a guest\n\nTwo"


def test_a_condition_may_choose_items_of_a_list() -> None:
    body = "- one\n{% if company %}\n- {{ company }}\n{% endif %}\n- three"

    assert links_of(rendered(body)) == links_of(rendered(body, {})) == [UNSUBSCRIBE]
    assert text_of(rendered(body, {})) == "- one\n\n- three"


def test_braces_that_markdown_sets_free_are_no_fields() -> None:
    message = rendered(r"\{\{ firstName \}\} &#123;&#123; lastName &#125;&#125; \{\% if x %\}")

    assert text_of(message) == "{{ firstName }} {{ lastName }} {% if x %}"
    assert "&#123;&#123; firstName }}" in letter_of(message)


@settings(max_examples=50, deadline=None)
@given(body=st.text("ab *_`#->[]()!|\n<{}%&;:/1", max_size=60), value=st.text(max_size=20))
def test_any_text_is_either_refused_or_rendered_whole(body: str, value: str) -> None:
    body = f"{body}{{{{ firstName }}}}{body}"
    if check_template("s", body):
        return

    message = rendered(body, {"firstName": value})

    links_of(message)


# --- the look ---------------------------------------------------------------------------------------------------------


def test_markdown_becomes_html_and_readable_text() -> None:
    message = rendered(
        "# Title\n\nA line\nand *another* with `code`\n\n1. one\n2. two\n   - inner\n\n> said\n\n"
        "---\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx < y\n```"
    )

    assert letter_of(message).startswith("<h1>Title</h1>\n<p>A line<br>\nand <em>another</em> with <code>code</code></p>\n<ol>")
    assert "<td>2</td>" in letter_of(message)
    assert "x &lt; y" in letter_of(message)
    assert text_of(message) == (
        "Title\n\nA line\nand another with code\n\n1. one\n2. two\n   - inner\n\n> said\n\n"
        "--------------------\n\na | b\n1 | 2\n\nx < y"
    )


def test_html_in_the_text_is_shown_and_not_obeyed() -> None:
    message = rendered("<b>bold</b> <script>alert(1)</script>\n\n<div onclick=x>")

    assert "<script" not in letter_of(message)
    assert "&lt;b&gt;bold&lt;/b&gt;" in letter_of(message)


def test_each_message_names_the_sender_and_how_to_leave() -> None:
    message = rendered("Hi")

    assert links_of(message) == [UNSUBSCRIBE]
    assert "The Club, Main St 1" in message.html
    assert message.text.endswith(
        f"\n-- \nYou get this because your address is with The Club, Main St 1.\nUnsubscribe: {UNSUBSCRIBE}\n"
    )


def test_a_link_alone_in_its_paragraph_is_a_button() -> None:
    message = rendered("[I am coming](https://a.example/)\n\nor [write](https://a.example/) first")

    assert message.html.count('class="button"') == 1
    assert re.search(r'class="button">I am coming</a></p>', message.html)


def test_the_organisation_is_escaped() -> None:
    content = Content(subject="x", body="y", organisation="<Us> & {{ firstName }}")

    message = render(content, ZOE, unsubscribe_url=UNSUBSCRIBE)

    assert "&lt;Us&gt; &amp; {{ firstName }}" in message.html


def test_the_preheader_is_merged_and_hidden() -> None:
    content = Content(subject="x", body="y", preheader="Food & <b> at six, {{ firstName }}", organisation="Us")

    message = render(content, {"firstName": "<b>"}, unsubscribe_url=UNSUBSCRIBE)

    hidden = r'<div style="display:none[^>]*>Food &amp; &lt;b&gt; at six, &lt;b&gt;(&nbsp;&zwnj;){90,}</div>'
    assert re.search(hidden, message.html)


def test_without_a_preheader_nothing_is_hidden_before_the_letter() -> None:
    assert re.search(r'<div style="display:none[^>]*></div>', rendered("Hi").html)


def test_a_subject_is_one_line_whatever_is_merged() -> None:
    message = rendered("x", {"firstName": "A\r\nBcc: eve@example.org"}, subject="Hi {{ firstName }}\n{% if city %}x{% endif %}")

    assert message.subject == "Hi A Bcc: eve@example.org"


# --- links ------------------------------------------------------------------------------------------------------------

JUNE = Utm(campaign="summer party", source="crm", medium="email")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://a.example", "https://a.example?utm_source=crm&utm_medium=email&utm_campaign=summer%20party"),
        ("http://a.example/p?x=1#top", "http://a.example/p?x=1&utm_source=crm&utm_medium=email&utm_campaign=summer%20party#top"),
        ("https://a.example/?utm_source=own", "https://a.example/?utm_source=own&utm_medium=email&utm_campaign=summer%20party"),
        ("https://a.example/?UTM_Campaign=&x", "https://a.example/?UTM_Campaign=&x&utm_source=crm&utm_medium=email"),
        ("https://a.example/?x=1&", "https://a.example/?x=1&utm_source=crm&utm_medium=email&utm_campaign=summer%20party"),
        ("https://a.example/#?x", "https://a.example/?utm_source=crm&utm_medium=email&utm_campaign=summer%20party#?x"),
    ],
)
def test_utm_tags_are_added_to_the_query_where_the_author_set_none(address: str, expected: str) -> None:
    assert tagged(address, JUNE) == expected


def test_every_web_link_is_tagged_and_no_other() -> None:
    body = "[a](https://a.example/) <https://b.example> https://c.example/x. "
    body += "[m](mailto:x@d.example) [t](tel:+46) [out]({{ unsubscribeUrl }})"

    *links, foot = links_of(rendered(body, utm=Utm(source="crm")))

    assert links == [
        "https://a.example/?utm_source=crm",
        "https://b.example?utm_source=crm",
        "https://c.example/x?utm_source=crm",
        "mailto:x@d.example",
        "tel:+46",
        UNSUBSCRIBE,
    ]
    assert foot == UNSUBSCRIBE


def test_the_plain_text_has_the_same_tagged_links() -> None:
    message = rendered(
        "See [our page](https://a.example/) or https://b.example/{{ city }} [write](mailto:x@d.example)", utm=Utm(source="crm")
    )

    assert text_of(message) == (
        "See our page <https://a.example/?utm_source=crm> or https://b.example/G%C3%B6teborg?utm_source=crm write <x@d.example>"
    )


@pytest.mark.parametrize(
    "body",
    [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt&#58;alert(1))",
        "<javascript:alert(1)>",
        "[x](data:text/html,hi)",
        "[x][r]\n\n[r]: vbscript:x",
        "[x]({{ company }})",
        "[x]({{ company }}//x)",
        "[x]({% if company %}javascript:{% endif %}alert(1))",
        "[x](//a.example)",
        "[x](/relative)",
        "[x](https:javascript)",
        "![x](data:image/png;base64,AAAA)",
        "![x](mailto:a@b.example)",
    ],
)
def test_a_link_that_does_not_begin_with_a_safe_scheme_is_refused(body: str) -> None:
    problems = check_template("s", body)

    assert [problem.field for problem in problems] == ["body"]
    with pytest.raises(RuleViolation):
        rendered(body)


def test_a_web_address_without_its_scheme_is_suggested_with_one() -> None:
    [problem] = check_template("s", "[x](www.example.org/a)")

    assert problem.suggestion == "https://www.example.org/a"


ALL = Utm(campaign="c 1", source="s&x", medium="m", content="c=ö#", term="t")
NAMES = ["utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"]
addresses = st.builds(
    lambda path, query, fragment: f"https://a.example{path}{query}{fragment}",
    st.sampled_from(["", "/", "/a/b", "/a;b,c", "/%7Eu"]),
    st.sampled_from(
        [
            "",
            "?",
            "?x=1",
            "?x=1&",
            "?utm_source=own",
            "?UTM_TERM=&y",
            "?utm%5Fmedium=own",
            "?x=a?b=c",
            "?a=1&a=2&utm_campaign=own",
        ]
    ),
    st.sampled_from(["", "#", "#top", "#/route?utm_source=inner&x", "#a#b"]),
)


@settings(max_examples=50)
@given(address=addresses)
def test_tags_are_added_and_what_the_author_wrote_is_kept(address: str) -> None:
    before, after = urlsplit(address), urlsplit(tagged(address, ALL))

    own, now = parse_qsl(before.query, keep_blank_values=True), parse_qsl(after.query, keep_blank_values=True)
    given_names = {name.lower() for name, _ in own}
    values = dict(zip(NAMES, ["s&x", "m", "c 1", "c=ö#", "t"], strict=True))
    assert (after.scheme, after.netloc, after.path, after.fragment) == (
        before.scheme,
        before.netloc,
        before.path,
        before.fragment,
    )
    assert now == own + [(name, value) for name, value in values.items() if name not in given_names]
    assert tagged(tagged(address, ALL), ALL) == tagged(address, ALL)
    assert tagged(address, Utm()) == address


def test_a_field_in_an_address_is_merged_beside_the_tags() -> None:
    message = rendered("[x](https://a.example/{{ city }}?who={{ email }}&{{ company }}=1#{{ lastName }})", utm=Utm(term="t"))

    assert links_of(message)[0] == (
        "https://a.example/G%C3%B6teborg?who=zoe%2Bcrm%40example.org&Brown%20%26%20S%C3%B6ner=1&utm_term=t#%C3%85ngstr%C3%B6m"
    )


# --- tracking ---------------------------------------------------------------------------------------------------------

TOLD = Tracking(open_url="https://crm.example/o/x.gif", click_url=lambda number: f"https://crm.example/c/{number}/")
EVERY_LINK = """[one](https://a.example/1?x=1&y=2) https://a.example/2 <https://a.example/3> [m](mailto:a@b.example)
[tel](tel:+46) [out]({{ unsubscribeUrl }}) [ref][r] ![pic](https://a.example/p.png)

{% if company %}[four](https://a.example/{{ company }}){% endif %}

[![p](https://a.example/p.png)](https://a.example/5)

[r]: https://a.example/ref
"""


def tracked(body: str, fields: dict[str, str | int] | None = None) -> Rendered:
    content = Content(subject="s", body=body, organisation="The Club", utm=Utm(source="crm"))
    return render(content, ZOE if fields is None else fields, unsubscribe_url=UNSUBSCRIBE, tracking=TOLD)


def test_a_tracked_letter_leads_past_the_count_of_clicks_and_tells_of_opens() -> None:
    message = tracked(EVERY_LINK)

    numbers = [link.removeprefix("https://crm.example/c/") for link in links_of(message) if "/c/" in link]
    assert numbers == ["0/", "1/", "2/", "3/", "4/", "5/"]
    assert links_of(message)[3:6] == ["mailto:a@b.example", "tel:+46", UNSUBSCRIBE]
    assert message.html.count("https://crm.example/o/x.gif") == 1
    assert "https://a.example/p.png" in message.html
    assert "/c/" not in message.text
    assert "<https://a.example/1?x=1&y=2&utm_source=crm>" in message.text


def test_links_keep_their_numbers_whoever_gets_the_letter() -> None:
    numbers = [link[-2] for link in links_of(tracked(EVERY_LINK, {})) if "/c/" in link]

    assert numbers == ["0", "1", "2", "3", "5"]


def test_each_number_leads_where_the_link_of_the_letter_without_tracking_does() -> None:
    letter = Letter(subject="s", body=EVERY_LINK, utm=Utm(source="crm"))

    for fields in (ZOE, {}):
        plain = [link for link in links_of(rendered(EVERY_LINK, fields, utm=Utm(source="crm"))) if link.startswith("https://a.")]
        numbers = [int(link[-2]) for link in links_of(tracked(EVERY_LINK, fields)) if "/c/" in link]
        assert [link_target(letter, number, fields, unsubscribe_url=UNSUBSCRIBE) for number in numbers] == plain
    assert [link_target(letter, number, ZOE, unsubscribe_url=UNSUBSCRIBE) for number in (-1, 6, 10**9)] == [None] * 3


def test_a_link_computed_from_an_assignment_leads_where_it_was_computed() -> None:
    body = "{% assign place = city | downcase %}\n\n[x](https://a.example/{{ place }}?of={{ unsubscribeUrl }})"

    target = link_target(Letter(subject="s", body=body), 0, {"city": "Berlin"}, unsubscribe_url="https://u.example/1")

    assert target == "https://a.example/berlin?of=https%3A%2F%2Fu.example%2F1"


def test_a_link_leads_on_for_whom_the_letter_can_not_be_merged_any_more() -> None:
    body = "{% assign left = attendedEventCount | minus: 5 %}{{ 10 | divided_by: left }} [x](https://a.example/{{ city }})"

    target = link_target(Letter(subject="s", body=body), 0, {"attendedEventCount": 5, "city": "Umeå"}, unsubscribe_url="")

    assert target == "https://a.example/Ume%C3%A5"


@settings(max_examples=50, deadline=None)
@given(
    value=st.text("ab/?#&=:@%.\\\"'<> \r\n\t\x00\x01{}é", max_size=20),
    place=st.sampled_from(["{{ company }}", "x/{{ company }}/y", "?a={{ company }}&b", "#{{ company }}"]),
)
def test_no_value_makes_a_link_lead_to_another_host(value: str, place: str) -> None:
    letter = Letter(subject="s", body=f"[x](https://a.example/{place}) and {{{{ company }}}}")

    target = link_target(letter, 0, {"company": value}, unsubscribe_url="")

    assert target is not None
    assert (urlsplit(target).scheme, urlsplit(target).netloc) == ("https", "a.example")
    assert not set(target) & set(' \r\n\t\x00\x01<>"')
    assert links_of(rendered(letter.body, {"company": value}))[0] == target


def test_an_address_of_several_lines_stands_in_one_line_of_the_foot() -> None:
    content = Content(subject="x", body="y", organisation="Us & Co", postal_address="Main St 1,\n 10115 Berlin\n\nGermany")

    message = render(content, ZOE, unsubscribe_url=UNSUBSCRIBE)

    assert "with Us &amp; Co, Main St 1, 10115 Berlin, Germany." in message.html
    assert "with Us & Co, Main St 1, 10115 Berlin, Germany.\nUnsubscribe: " in message.text


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said", "suggestion"),
    [
        ("{{ frstName }}", "There is no field “frstName”.", "firstName"),
        ("{{ first_name }}", "There is no field “first_name”.", "firstName"),
        ("{{ user.firstName }}", "There is no field “user.firstName”.", "firstName"),
        ("{{ firstName.size }}", "The field firstName has no parts; write {{ firstName }}.", "firstName"),
        ("{% if compny %}x{% endif %}", "There is no field “compny”.", "company"),
        ("{{ zzz }}", "There is no field “zzz”.", None),
        ("{{ firstName | upercase }}", "There is no filter “upercase”.", "upcase"),
        ("{{ firstName | url_part }}", "There is no filter “url_part”.", None),
        ("{% include 'x' %}", "“{% include 'x' %}” can't be used here; there are if, unless, case and assign.", None),
        ("{% esif city %}", "“{% esif city %}” can't be used here; there are if, unless, case and assign.", "elsif"),
        ("a\n{{ firstName", "In line 2 there is a {{ without its }} (within 500 characters).", None),
        ("firstName }}", "In line 1 there is a }} without its {{ (within 500 characters).", None),
        ("x\n{{ firstName | default 'a' }}", "Line 2: expected end of expression, found string.", None),
        ("{% if city %}x", "expected tag endif, found end of expression.", None),
        ("{{ 1 | divided_by: hostedEventCount }}", "Line 1: divided_by: can't divide by 0.", None),
        ("{% if company > 3 %}x{% endif %}", "Line 1: '<' and '>' are not supported between 'int' and 'str'.", None),
    ],
)
@pytest.mark.parametrize("field", ["subject", "body", "preheader"])
def test_a_mistake_is_found_before_sending_and_explained(field: str, text: str, said: str, suggestion: str | None) -> None:
    texts = {"subject": "s", "body": "b", "preheader": "p"} | {field: text}

    [problem] = check_template(**texts)

    assert (problem.field, problem.message, problem.suggestion) == (field, said, suggestion)


@pytest.mark.parametrize(
    "body", ["**a {% if city %}b** c{% endif %}", "{% if city %}\n> quoted {% endif %}\n\nx", "# A {% if city %}\n\nb{% endif %}"]
)
def test_a_condition_across_formatting_is_refused(body: str) -> None:
    [problem] = check_template("s", body)

    assert "put it around whole words or paragraphs" in problem.message


def test_a_condition_across_two_paragraphs_keeps_both_whole() -> None:
    body = "{% if city %}One\n\nTwo{% endif %}"

    assert letter_of(rendered(body)) == "<p>One</p>\n<p>Two</p>"
    assert letter_of(rendered(body, {})) == ""


def test_all_problems_are_named_at_once() -> None:
    problems = check_template("{{ a1 }}", "{{ b1 }} {{ c1 | d1 }}", "{{ e1 }}")

    assert [problem.field for problem in problems] == ["subject", "preheader", "body", "body", "body"]
    with pytest.raises(RuleViolation) as caught:
        rendered("{{ b1 }}", subject="{{ a1 }}")
    assert [error.field for error in caught.value.errors] == ["subject", "body"]


@pytest.mark.parametrize(
    "body",
    [
        "{{" * 50_000,
        "{% if city %}" * 7_000,
        "`{{ firstName }}`" * 5_000,
        "> " * 50_000,
        '{% assign a = "aaaaaaaaaa" %}' + "{% assign a = a | append: a %}" * 40 + "{{ a }}",
        '{% assign a = "' + "9" * 400 + '" | plus: 0 %}' + "{% assign a = a | times: a %}" * 4 + "{{ a }}",
    ],
)
def test_a_hostile_text_is_judged_without_working_on_it_for_long(body: str) -> None:
    started = time.thread_time()

    check_template("s", body[:100_000])

    assert time.thread_time() - started < 30  # of the processor's time: without limits it would be hours


def test_what_fails_for_one_person_alone_is_said_of_that_person() -> None:
    body = "{% assign left = attendedEventCount | minus: 5 %}{{ 10 | divided_by: left }}"

    assert text_of(rendered(body, {"attendedEventCount": 7})) == "5"
    with pytest.raises(RuleViolation, match=r"for this person: divided_by: can't divide by 0\."):
        rendered(body, {"attendedEventCount": 5})
