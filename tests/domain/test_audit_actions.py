"""The names of what stands in the audit log."""

import re
from collections.abc import Iterator
from pathlib import Path

from crm.domain.audit_actions import DEEDS, GROUP_NAMES, GROUPS

CODE = Path(__file__).parents[2] / "crm"
ENDINGS = {"csv", "html", "txt", "json", "xlsx"}
FIRST_WORDS = {action.partition(".")[0] for action in DEEDS}
NAMED = re.compile(rf'"((?:{"|".join(sorted(FIRST_WORDS))})\.([a-z_]+))"')


def names_in_code() -> Iterator[str]:
    """Every text of the code that looks like the name of an action."""
    for file in CODE.rglob("*.py"):
        if file.name != "audit_actions.py":
            found = NAMED.findall(file.read_text(encoding="utf-8"))
            yield from (name for name, ending in found if ending not in ENDINGS)


def test_every_action_that_is_written_anywhere_has_words_and_no_words_are_of_none() -> None:
    written = set(names_in_code())

    assert written == set(DEEDS)


def test_every_group_of_actions_has_a_name_and_no_action_is_in_two() -> None:
    assert list(GROUPS) == list(GROUP_NAMES)
    assert sum(map(len, GROUPS.values())) == len(DEEDS)
