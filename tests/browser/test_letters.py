"""How letters look: on a desk and on a telephone, light and dark, they fit and are to be seen."""

import struct
import zlib

import pytest
from playwright.sync_api import Browser, Route

from crm.jobs.render import Content, render
from tests.letters import LETTERHEAD, LETTERS, READERS, letter

WIDE = (1600, 40)


def picture() -> bytes:
    """A PNG that is wider than any letter."""
    width, height = WIDE

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\x20\x90\x70" * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", LETTERS)
def test_a_letter_fits_a_desk_and_a_telephone(browser: Browser, name: str, scheme: str) -> None:
    content = Content.of(letter(LETTERS[name]), LETTERHEAD)
    html = render(content, READERS["arabic"], unsubscribe_url="https://crm.example/u/token/").html
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()

    def answer(route: Route) -> None:
        route.fulfill(body=picture(), content_type="image/png")

    page.route("**/*", answer)
    try:
        for width in (600, 360):
            page.set_viewport_size({"width": width, "height": 700})
            page.set_content(html, wait_until="load")
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.evaluate("Math.max(...[...document.images].map(one => one.getBoundingClientRect().right), 0)") <= width
            assert page.evaluate("document.querySelector('.card p:last-child').getBoundingClientRect().height") > 0
            colours = "(() => { const { color, backgroundColor } = getComputedStyle(document.querySelector('.card'));"
            assert page.evaluate(colours + " return color !== backgroundColor })()")
            assert page.evaluate("getComputedStyle(document.querySelector('.foot p')).fontWeight") == "400"
            assert len(set(page.screenshot(type="jpeg", quality=60))) > 200  # a blank picture is a few bytes again and again
            assert len(page.screenshot(type="png")) > 8_000
    finally:
        context.close()
