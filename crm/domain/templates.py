"""Templates: texts that letters start from."""

from dataclasses import dataclass, replace
from datetime import datetime

from crm.domain.campaigns import MAX_BODY_BYTES, MAX_SUBJECT, Letter
from crm.domain.errors import FieldError, RuleViolation
from crm.domain.folding import TURNING, fold, nothing_visible, one_line

MAX_TEMPLATES = 100
"""So many there can be: lists and menus read them whole."""
MAX_NAME = 80
MAX_NAME_BYTES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One text to start from, for everybody. Times are aware UTC; one that comes with the program was never changed.

    What a letter takes from it is subject, preheader and body; it may be unfinished.
    """

    id: str
    name: str
    subject: str = ""
    preheader: str = ""
    body: str = ""
    created_by: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: int = 0

    @property
    def is_starter(self) -> bool:
        """Whether it comes with the program: it can be used and copied, not changed."""
        return self.created_at is None

    def cleaned(self) -> "Template":
        """Return the template trimmed; RuleViolation names every field that can't be kept."""
        template = replace(
            self,
            name=" ".join(self.name.split(" ")).strip(),
            subject=self.subject.strip(),
            preheader=self.preheader.strip(),
            body=self.body.replace("\r\n", "\n").strip(),
        )
        faults = {
            "name": _name_fault(template.name),
            "subject": _line_fault("subject", template.subject),
            "preheader": _line_fault("preheader", template.preheader),
            "body": _body_fault(template.body),
        }
        if errors := [FieldError(field=name, message=words) for name, words in faults.items() if words]:
            raise RuleViolation("; ".join(error.message for error in errors), errors=errors)
        return template

    def put_into(self, letter: Letter) -> Letter:
        """Return the letter with the texts of this template; sender, tags and the rest stay as they are."""
        return replace(letter, subject=self.subject, preheader=self.preheader, body=self.body)


def _name_fault(name: str) -> str:
    if not name:
        return "Give it a name."
    if not one_line(name):
        return "The name must be one line without control characters."
    if nothing_visible(name) or not fold(name):
        return "The name has nothing in it that can be seen; type at least one letter or digit."
    if not TURNING.isdisjoint(name):
        return "The name has a character in it that can't be seen and turns the direction of writing; type it anew."
    if len(name) > MAX_NAME or max(len(name.encode()), len(fold(name).encode())) > MAX_NAME_BYTES:
        return f"The name is too long; {MAX_NAME} characters are the most."
    return ""


def _line_fault(name: str, text: str) -> str:
    if not one_line(text):
        return f"The {name} must be one line without control characters."
    return f"The {name} can have {MAX_SUBJECT} characters." if len(text) > MAX_SUBJECT else ""


def _body_fault(body: str) -> str:
    if not body:
        return "A text is required: it is what letters start from."
    if any("\ud800" <= c <= "\udfff" for c in body):
        return "The text has a character that can't be written; remove it."
    return f"The text is too long; {MAX_BODY_BYTES:,} bytes are the most." if len(body.encode()) > MAX_BODY_BYTES else ""
