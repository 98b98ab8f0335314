"""The description of an event as a page shows it: Markdown without HTML, pictures and headings above the page's own."""

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

BELOW = 2
"""Its first heading stands below those of the page."""

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])


def description_html(text: str) -> SafeString:
    """Return the Markdown as HTML.

    Of a picture its words are left. Nobody's HTML comes through, and no address but of the web, mail and telephone:
    markdown-it escapes the one and leaves out the other.

    >>> description_html("# Hello <b>[you](javascript:alert(1))</b>")
    '<h3>Hello &lt;b&gt;[you](javascript:alert(1))&lt;/b&gt;</h3>\\n'
    """
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1:]) + BELOW)}"
        for child in token.children or ():
            if child.type == "image":
                child.type, child.content = "text", "".join(one.content for one in child.children or ())
            if child.type == "link_open":
                child.attrSet("rel", "noopener nofollow")
    page = str(_markdown.renderer.render(tokens, _markdown.options, {}))
    return mark_safe(page)  # noqa: S308  # escaped by markdown-it
