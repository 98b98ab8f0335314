"""What a browser would send of a form as it stands on a page, and the words of a page."""

import re
from html.parser import HTMLParser


class _Reader(HTMLParser):
    """Reads the fields of the last form inside `main`; buttons are pressed, not read."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.fields = {}
        elif tag == "input" and "name" in found and "disabled" not in found:
            if found.get("type") in ("checkbox", "radio") and "checked" not in found:
                return
            default = "on" if found.get("type") in ("checkbox", "radio") else ""
            self.fields.setdefault(found["name"], []).append(found.get("value", default))
        elif tag == "textarea":
            self._area = found.get("name", "")
            self.fields[self._area] = [""]

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.fields[self._area][0] = self.fields[self._area][0].removeprefix("\n")
            self._area = ""


def filled(html: str, **typed: str | list[str] | None) -> dict[str, list[str]]:
    """Return the fields of the page's form, with some typed over; None leaves one out, as an empty box does."""
    reader = _Reader()
    reader.feed(html.partition("<main")[2].partition("</main>")[0])
    fields = {name: values for name, values in reader.fields.items() if name != "csrfmiddlewaretoken"}
    for name, value in typed.items():
        if value is None:
            fields.pop(name, None)
        else:
            fields[name] = [value] if isinstance(value, str) else value
    return fields


def text_of(html: bytes) -> str:
    """The words of a page."""
    return " ".join(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", html.decode(), flags=re.DOTALL).split())
