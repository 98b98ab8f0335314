"""docs/operations.md as one looks something up in it: a list of contents that is all of it, and nothing said twice."""

import re
from collections import Counter
from pathlib import Path

TEXT = (Path(__file__).parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")


def _anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def test_the_contents_name_every_section_in_its_order() -> None:
    contents = TEXT[TEXT.index("Here stands, in this order") : TEXT.index("\n## ")]

    linked = re.findall(r"\]\(#([^)]+)\)", contents)

    assert linked == [_anchor(heading) for heading in re.findall(r"^## (.+)$", TEXT, re.MULTILINE)]


def test_every_link_within_the_page_leads_to_a_section() -> None:
    anchors = {_anchor(heading) for heading in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)}

    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors


def test_what_is_to_be_typed_stands_in_one_place() -> None:
    blocks = Counter(body.split("\n", 1)[0] for body in re.findall(r"^```\w*\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
    figures = Counter(re.findall(r"^\| `(crm_\w+)`", TEXT, re.MULTILINE))

    assert [what for what, times in (blocks + figures).items() if times > 1] == []
