"""The form of one person, and what it says when two people edit at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from crm.domain.errors import RuleViolation
from crm.domain.people import ATTRIBUTES, LABELS, REQUIRED, TAGS_APART, Person, Profile
from crm.web.forms import CrmForm, FormIdField

OPTIONAL_HELP = {"state": "Or region, county, province.", "tags": "Between commas."}
HINTS: dict[str, dict[str, Any]] = {
    "email": {"inputmode": "email", "autocapitalize": "none", "spellcheck": "false"},
    "phoneNumber": {"inputmode": "tel"},
}


def tags_text(tags: tuple[str, ...]) -> str:
    """The tags as one line: between commas, or between semicolons where a tag has a comma in it.

    >>> tags_text(("speaker", "host")), tags_text(("host, 2026",))
    ('speaker, host', 'host, 2026;')
    """
    return "; ".join([*tags, ""]).strip() if any("," in tag for tag in tags) else ", ".join(tags)


def tags_of(text: str) -> tuple[str, ...]:
    """The tags on a line.

    >>> tags_of("speaker, host"), tags_of("host, 2026;")
    (('speaker', 'host'), ('host, 2026',))
    """
    return tuple(tag.strip() for tag in text.split(TAGS_APART if TAGS_APART in text else ",") if tag.strip())


def typed_of(profile: Profile) -> dict[str, str]:
    """A profile as the form shows it."""
    return {**{name: getattr(profile, attribute) for name, attribute in ATTRIBUTES.items()}, "tags": tags_text(profile.tags)}


class ProfileForm(CrmForm):
    """What staff type about a person."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in LABELS.items():
            widget = forms.TextInput(attrs={"autocomplete": "off", **HINTS.get(name, {})})
            help_text = OPTIONAL_HELP.get(name, "")
            self.fields[name] = forms.CharField(label=label, required=name in REQUIRED, widget=widget, help_text=help_text)

    def clean_tags(self) -> str:
        """What was typed, where it is plain what stands between the tags."""
        typed = str(self.cleaned_data["tags"]).strip()
        if "," in typed and TAGS_APART in typed and not typed.endswith(TAGS_APART):
            raise forms.ValidationError(
                "There are commas and semicolons between these tags: use one of them. "
                "For a tag with a comma in it put a semicolon after each tag, after the last one too."
            )
        return typed

    def clean(self) -> None:
        """Ask the domain as well, so that all that is wrong is said at once; a field that is wrong already says why itself."""
        wrong = set(self.errors)
        try:
            self.profile().cleaned()
        except RuleViolation as error:
            for one in error.errors:
                if one.field not in wrong:
                    self.add_error(one.field, one.message)

    def profile(self) -> Profile:
        """What was typed; the domain checks what it means."""
        values = {attribute: self.cleaned_data.get(name, "") for name, attribute in ATTRIBUTES.items()}
        return Profile(**values, tags=tags_of(self.cleaned_data.get("tags", "")))


class NoteForm(CrmForm):
    """A note. Its `key` makes it safe to send it twice."""

    text = forms.CharField(label="Note", required=False, strip=False, widget=forms.Textarea)
    key = FormIdField()


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that two people wrote differently. `mine` says which is proposed: what one did change oneself."""

    field: str
    label: str
    yours: str
    theirs: str
    before: str | None
    mine: bool


def differences(yours: Profile, theirs: Person, before: Mapping[str, str]) -> tuple[list[Difference], dict[str, str]]:
    """Where two versions differ, and the values of all other fields. `before`: what the form showed at first, as `was-…`."""
    typed, stored = typed_of(yours), typed_of(theirs.profile)
    differ, same = [], {}
    for name, label in LABELS.items():
        was = before.get(f"was-{name}")
        if typed[name] == stored[name]:
            same[name] = stored[name]
        else:
            differ.append(Difference(name, label, typed[name], stored[name], was, was is None or typed[name] != was))
    return differ, same
