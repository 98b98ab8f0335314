"""What a page lets one do: every link and every form of its HTML, with the method it sends, but for what does nothing."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

HTMX = {"hx-get": "GET", "hx-post": "POST", "hx-delete": "DELETE", "hx-put": "PUT", "hx-patch": "PATCH"}


@dataclass
class _Form:
    """A form, and the ways out of it: where each button that is not disabled sends it, and how."""

    action: str
    method: str
    by_htmx: list[tuple[str, str]]
    ways: list[tuple[str, str]] = field(default_factory=list)


class Controls(HTMLParser):
    """Reads a page; `ways` gives (method, address) of everything that can be followed or pressed."""

    def __init__(self, html: str, address: str) -> None:
        super().__init__()
        self._address = address
        self._links: list[tuple[str, str]] = []
        self._forms: dict[str, _Form] = {}
        self._open: _Form | None = None
        self._fieldsets: list[bool] = []
        self._late: list[tuple[str, dict[str, str]]] = []
        self.feed(html)
        for owner, found in self._late:
            if owner in self._forms:
                self._press(self._forms[owner], found)

    @property
    def ways(self) -> set[tuple[str, str]]:
        """Method and path with query, of this site alone."""
        every = [*self._links, *(way for form in self._forms.values() for way in form.ways)]
        ours = ((method, urlsplit(urljoin(f"http://here{self._address}", where))) for method, where in every)
        return {
            (method, there._replace(scheme="", netloc="", fragment="").geturl())
            for method, there in ours
            if there.netloc == "here"
        }

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "fieldset":
            self._fieldsets.append("disabled" in found)
        idle = "disabled" in found or found.get("aria-disabled") == "true" or any(self._fieldsets)
        by_htmx = [(method, found[name]) for name, method in HTMX.items() if name in found]
        if tag == "form":
            self._open = _Form(found.get("action", ""), found.get("method", "get").upper(), by_htmx)
            self._forms[found.get("id", f"#{len(self._forms)}")] = self._open
        elif idle:
            return
        elif tag == "a" and found.get("href"):
            self._links.append(("GET", found["href"]))
        elif tag == "button" and found.get("type", "submit") == "submit" and "commandfor" not in found:
            if "form" in found:
                self._late.append((found["form"], found))
            elif self._open is not None:
                self._press(self._open, found)
        if tag != "form":
            self._links += by_htmx

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "fieldset" and self._fieldsets:
            self._fieldsets.pop()

    def _press(self, form: _Form, button: dict[str, str]) -> None:
        method, action = button.get("formmethod", form.method).upper(), button.get("formaction", form.action)
        sent = f"{button['name']}={button.get('value', '')}" if button.get("name") and method == "GET" else ""
        form.ways += form.by_htmx
        form.ways.append((method, f"{action}{'&' if '?' in action else '?'}{sent}" if sent else action))
