"""From Markdown with merge fields to two Liquid templates, one of HTML and one of plain text.

Markdown comes first, values last: what stands in a person's record can't become a link, a tag or emphasis. While Markdown is
read, each piece of Liquid is a word of letters and digits, so that its quotes, pipes and underscores mean nothing to Markdown.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from crm.domain.campaigns import Utm
from crm.jobs.layout import BUTTON, PRE, STYLES, TABLE
from crm.jobs.merge import SPAN, TAG_NAME, UNSUBSCRIBE, URL_FILTER
from crm.services.plaintext import as_text

WEB_ADDRESS = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
ADDRESS = re.compile(r"(https?://[^\s/?#]|mailto:|tel:)", re.IGNORECASE)
BARE_ADDRESS = re.compile(r"https?://[^\s<>\"“”„«»]*[^\s<>\"“”„«»‘’.,;:!?'*_~()\[\]…]", re.IGNORECASE)
LINE_END = re.compile(r"\r\n|\r|\n")
FENCE = re.compile(r" {0,3}(```+|~~~+)")
ELEMENT = re.compile(r"<(/?)([a-z][a-z0-9]*)[^>]*?>")
VOID_ELEMENTS = frozenset({"br", "hr", "img"})
MARKED = re.compile('"\0([0-9]+)\1([^"\0\1]*)\1"')
"""The address of a numbered link in merged HTML: between characters that no text has, and quotes that no value has."""
MAX_BRACKETS, MAX_CELLS = 2_000, 5_000
"""Of these a short text can have so many that converting it takes seconds; a long letter has some dozens, and some hundreds."""
TABLE_RULE = re.compile(r"[>\s]*[|:-][|:\s-]*")
"""The line beneath the head of a table, which says how many columns there are."""
BLANK = re.compile(r"[> \t]*")
WHOLE_UNSUBSCRIBE = re.compile(rf"\{{\{{-?\s*{UNSUBSCRIBE}\s*-?\}}\}}")


class _Markdown(MarkdownIt):
    """CommonMark with tables, without HTML, where a line break stays one."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False, "breaks": True, "xhtmlOut": False})
        self.enable(["table", "strikethrough"])

    def validateLink(self, url: str) -> bool:
        """Let every address through: they are judged below, with words for the author."""
        return True


_markdown = _Markdown()
UNBALANCED = "A {% … %} begins inside some formatting and ends outside of it; put it around whole words or paragraphs."


@dataclass(frozen=True, slots=True)
class Letter:
    """A body as two Liquid templates, and what is wrong with it (message, what may have been meant).

    `links` are the addresses of its web links, as templates of plain text; in the HTML each is marked with its place among them
    (see MARKED).
    """

    html: str
    text: str
    links: tuple[str, ...]
    faults: tuple[tuple[str, str | None], ...]


def letter(body: str, utm: Utm) -> Letter:
    """Return `body` converted; its Liquid is only moved, not checked. Each web link gets the UTM tags that it doesn't have.

    Nothing is converted of a body whose converting would keep everybody else waiting; its faults say so.
    """
    spans = _Spans(body)
    hidden = spans.hidden()
    if excess := _excess(hidden):
        return Letter(html="", text="", links=(), faults=((excess, None),))
    tokens = _markdown.parse(hidden)
    faults: list[tuple[str, str | None]] = []
    for token in tokens:
        if token.type == "inline":
            token.children = _linked(token.children or [])
            for child in token.children:
                faults += _settle(child, spans, utm)
    text = as_text(tokens)
    links = _numbered(tokens)
    _shape(tokens, spans)
    page = str(_markdown.renderer.render(tokens, _markdown.options, {})).replace("<pre>", PRE)
    page = page.replace("<table", TABLE[0]).replace("</table>", TABLE[1])
    if not _balanced(page, spans):
        faults.append((UNBALANCED, None))
    plain = [spans.restored(one, '{{ "{" }}') for one in (text, *links)]
    return Letter(html=spans.restored(page, "&#123;"), text=plain[0], links=tuple(plain[1:]), faults=tuple(faults))


def _excess(text: str) -> str:
    """Say what there is too much of, empty when it can be converted in little time."""
    if (brackets := text.count("[")) > MAX_BRACKETS:
        return f"The letter has {brackets:,} opening brackets “[”; at most {MAX_BRACKETS:,} can be read. Take some out."
    if (cells := _cells(text)) > MAX_CELLS:
        return (
            f"The letter's tables have about {cells:,} cells; at most {MAX_CELLS:,} can be read. "
            "Make them smaller, or link to a page that shows them."
        )
    return ""


def _cells(text: str) -> int:
    """Return how many cells the tables have at most: a row that is too short is filled up, so each line counts as a whole one."""
    cells = lines = columns = 0
    for line in (*text.split("\n"), ""):
        if BLANK.fullmatch(line):
            cells += lines * columns
            lines = columns = 0
        else:
            lines += 1
            if "|" in line and TABLE_RULE.fullmatch(line):
                columns = max(columns, line.count("|") + 1 - line.strip(" \t>").startswith("|") - line.rstrip().endswith("|"))
    return cells


class _Spans:
    """The pieces of Liquid in a text, and the words that stand for them: one for texts, one for addresses."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.pieces: list[str] = SPAN.findall(source)
        self.mark = hashlib.sha256(source.encode()).hexdigest()[:12]
        self.word = re.compile(rf"([tu]){self.mark}n(\d+)z")
        self.tag_line = re.compile(rf"\s*(?:t{self.mark}n\d+z\s*)+")

    def hidden(self) -> str:
        """Return the text with words in place of Liquid; a line of tags alone becomes a block of its own."""
        numbers = iter(range(len(self.pieces)))
        lines, fence = [], ""
        text = SPAN.sub(lambda _: f"t{self.mark}n{next(numbers)}z", self.source)
        for line in LINE_END.split(text):
            if mark := FENCE.match(line):
                fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
            lines += ["", line.strip(), ""] if not fence and self.only_tags(line) else [line]
        return "\n".join(lines)

    def only_tags(self, line: str) -> bool:
        """Tell whether there is nothing but `{% … %}` in a line."""
        return bool(self.tag_line.fullmatch(line)) and all(self.is_tag(int(word[2])) for word in self.word.finditer(line))

    def is_tag(self, number: int) -> bool:
        """Tell a `{% … %}` from a `{{ … }}`."""
        return self.pieces[number].startswith("{%")

    def in_address(self, address: str) -> str:
        """Return an address whose words stand for values that are escaped as a part of it."""
        return self.word.sub(lambda word: f"u{self.mark}n{word[2]}z", address)

    def restored(self, text: str, brace: str) -> str:
        """Put the Liquid back. A brace that came about otherwise, by an escape of Markdown, becomes `brace`: it is no Liquid."""
        return self.word.sub(self._piece, text.replace("{", brace))

    def _piece(self, word: re.Match[str]) -> str:
        piece = self.pieces[int(word[2])]
        if word[1] == "t":
            return piece
        end = -3 if piece.endswith("-}}") else -2
        return f"{piece[:end]} | {URL_FILTER} {piece[end:]}"


def _linked(children: Sequence[Token]) -> list[Token]:
    """Make links of web addresses that stand in the text just so."""
    linked: list[Token] = []
    depth = 0
    for token in children:
        depth += (token.type == "link_open") - (token.type == "link_close")
        if token.type != "text" or depth:
            linked.append(token)
            continue
        end = 0
        for found in BARE_ADDRESS.finditer(token.content):
            opened = Token("link_open", "a", 1, attrs={"href": _markdown.normalizeLink(found[0])}, markup="autolink")
            linked += [_text(token.content[end : found.start()]), opened, _text(found[0]), Token("link_close", "a", -1)]
            end = found.end()
        linked.append(_text(token.content[end:]))
    return [token for token in linked if token.type != "text" or token.content]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _settle(token: Token, spans: _Spans, utm: Utm) -> list[tuple[str, str | None]]:
    """Judge the address of a link or picture, tag it and make its values safe; return what is wrong with it."""
    name = {"link_open": "href", "image": "src"}.get(token.type)
    if name is None:
        return []
    address = str(token.attrs.get(name, ""))
    whole = spans.word.fullmatch(address)
    if name == "href" and whole and WHOLE_UNSUBSCRIBE.fullmatch(spans.pieces[int(whole[2])]):
        return []
    shown = spans.restored(address, "{")
    if any(spans.is_tag(int(word[2])) for word in spans.word.finditer(address)):
        return [(f"Put {{% … %}} around a link, not into its address: {shown[:80]}", None)]
    if name == "src" and not WEB_ADDRESS.match(address):
        return [(f"A picture needs a whole address that begins with https://, not “{shown[:80]}”.", None)]
    if not ADDRESS.match(address):
        guess = f"https://{shown}" if re.match(r"[a-z0-9-]+(\.[a-z0-9-]+)+(/|$)", address, re.IGNORECASE) else None
        return [(f"A link needs a whole address that begins with https://, mailto: or tel:, not “{shown[:80]}”.", guess)]
    if name == "href" and WEB_ADDRESS.match(address):
        address = tagged(address, utm)
        token.meta["web"] = True
    token.attrs[name] = spans.in_address(address)
    return []


def tagged(address: str, utm: Utm) -> str:
    """Return a web address with the UTM tags it doesn't have yet, before its fragment.

    >>> tagged("https://example.org/a?utm_source=mine#top", Utm(campaign="June party", source="crm"))
    'https://example.org/a?utm_source=mine&utm_campaign=June%20party#top'
    """
    address, hash_, fragment = address.partition("#")
    path, _, query = address.partition("?")
    there = {unquote(part.partition("=")[0]).lower() for part in query.split("&")}
    tags = {name: getattr(utm, name) for name in ("source", "medium", "campaign", "content", "term")}
    added = [f"utm_{name}={quote(value, safe='')}" for name, value in tags.items() if value and f"utm_{name}" not in there]
    if not added:
        return f"{address}{hash_}{fragment}"
    kept = query.rstrip("&")
    return f"{path}?{'&'.join([kept] * bool(kept) + added)}{hash_}{fragment}"


def _numbered(tokens: Sequence[Token]) -> list[str]:
    """Mark the web links with their numbers, from 0 as they stand in the letter, and return their addresses."""
    links: list[str] = []
    for token in [child for block in tokens for child in block.children or [] if child.meta.get("web")]:
        address = str(token.attrs["href"])
        token.attrs["href"] = f"\0{len(links)}\1{address}\1"
        links.append(address)
    return links


def _shape(tokens: list[Token], spans: _Spans) -> None:
    """Give each element its styles, a link that is alone in its paragraph the look of a button, and tags alone no paragraph."""
    for number, token in enumerate(tokens):
        if token.type == "inline":
            opener, closer, children = tokens[number - 1], tokens[number + 1], token.children or []
            if opener.type == "paragraph_open" and spans.only_tags(token.content):
                opener.hidden = closer.hidden = True
            if opener.type == "paragraph_open" and not opener.hidden and _is_button(children):
                children[0].meta["button"] = True
            for child in children:
                _style(child)
        else:
            _style(token)


def _is_button(children: list[Token]) -> bool:
    ends = children and children[0].type == "link_open" and children[-1].type == "link_close"
    alone = ends and sum(child.type == "link_open" for child in children) == 1
    return bool(alone) and children[0].markup != "autolink" and all(child.type != "image" for child in children)


def _style(token: Token) -> None:
    if token.nesting < 0 or token.hidden:
        return
    style = BUTTON if token.meta.get("button") else STYLES.get(token.tag, "")
    if style and token.type != "fence":
        align = token.attrGet("style")
        token.attrSet("style", f"{style};{align}" if align else style)
    if token.tag == "a":
        token.attrSet("class", "button" if token.meta.get("button") else "link")


def _balanced(page: str, spans: _Spans) -> bool:
    """Tell whether the HTML is whole in every branch: the same elements are open at each tag of one condition."""
    opened: list[str] = []
    waiting: list[list[str]] = []
    for mark in re.finditer(rf"{ELEMENT.pattern}|{spans.word.pattern}", page):
        if mark[2] and mark[2] not in VOID_ELEMENTS:
            if mark[1]:
                opened.pop()
            else:
                opened.append(mark[2])
        elif mark[4] and (name := TAG_NAME.match(spans.pieces[int(mark[4])])):
            if name[1] in {"if", "unless", "case"}:
                waiting.append(opened.copy())
            elif name[1] in {"elsif", "else", "when", "endif", "endunless", "endcase"}:
                if not waiting or waiting[-1] != opened:
                    return False
                if name[1].startswith("end"):
                    waiting.pop()
    return True
