"""Markdown as plain text: of a letter, and of an event in a calendar."""

from collections.abc import Sequence

from markdown_it.token import Token


class _Container:
    """A quotation or list item: what its first line begins with, and all others."""

    def __init__(self, first: str, rest: str) -> None:
        self.first, self.rest = first, rest


class _Writer:
    """Collects lines; blocks are parted by one empty line, items of a tight list by none."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.containers: list[_Container] = []
        self.numbers: list[int | None] = []
        self.cells: list[str] = []

    def block(self, text: str, *, tight: bool) -> None:
        """Write one block behind the marks of what it stands in."""
        for line in text.split("\n"):
            self.lines.append("".join(container.first for container in self.containers) + line)
            for container in self.containers:
                container.first = container.rest
        if not tight:
            self.gap()

    def gap(self) -> None:
        """Part what follows by an empty line."""
        if self.lines and self.lines[-1].strip():
            self.lines.append("".join(container.rest for container in self.containers).rstrip())

    def leave(self) -> None:
        """End a quotation or list item; an empty line at its end is not a part of it."""
        gap = "".join(container.rest for container in self.containers).rstrip()
        self.containers.pop()
        if gap and self.lines and self.lines[-1] == gap:
            self.lines[-1] = "".join(container.rest for container in self.containers).rstrip()

    def item(self) -> None:
        """Begin a list item."""
        number = self.numbers[-1]
        mark = "- " if number is None else f"{number}. "
        self.numbers[-1] = None if number is None else number + 1
        self.containers.append(_Container(mark, " " * len(mark)))


def as_text(tokens: Sequence[Token]) -> str:
    """Return Markdown as plain text: links keep their address, emphasis goes."""
    writer = _Writer()
    for number, token in enumerate(tokens):
        match token.type:
            case "inline":
                _inline(writer, token, tokens[number - 1])
            case "fence" | "code_block":
                writer.block(token.content.rstrip("\n"), tight=False)
            case "hr":
                writer.block("-" * 20, tight=False)
            case "blockquote_open":
                writer.containers.append(_Container("> ", "> "))
            case "bullet_list_open":
                writer.numbers.append(None)
            case "ordered_list_open":
                writer.numbers.append(int(token.attrs.get("start", 1)))
            case "list_item_open":
                writer.item()
            case "blockquote_close" | "list_item_close":
                writer.leave()
            case "bullet_list_close" | "ordered_list_close":
                writer.numbers.pop()
                writer.gap()
            case "tr_close":
                writer.block(" | ".join(writer.cells), tight=True)
                writer.cells.clear()
            case "table_close":
                writer.gap()
    return "\n".join(writer.lines).strip("\n") + "\n"


def _inline(writer: _Writer, token: Token, opener: Token) -> None:
    text = _written(token.children or [])
    if opener.tag in {"td", "th"}:
        writer.cells.append(text.replace("\n", " "))
    else:
        writer.block(text, tight=opener.hidden and len(writer.numbers) > 0)


def _written(children: Sequence[Token]) -> str:
    """Return the words, each link followed by its address; an address that stands for itself comes once, as it is opened."""
    written: list[str] = []
    opened: list[Token] = []
    for token in children:
        match token.type:
            case "link_open":
                opened.append(token)
            case "link_close":
                opener = opened.pop()
                address = str(opener.attrs.get("href", "")).removeprefix("mailto:")
                written.append(address if opener.markup == "autolink" else f" <{address}>")
            case _ if opened and opened[-1].markup == "autolink":
                continue
            case "softbreak" | "hardbreak":
                written.append("\n")
            case "image":
                written.append(_written(token.children or []))
            case _:
                written.append(token.content)
    return "".join(written)
