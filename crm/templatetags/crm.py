"""Tags and filters of every template; none of them needs a `{% load %}`."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django import template
from django.template import Context
from django.template.defaultfilters import date as format_date
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from crm.staff import why_not

register = template.Library()

ICONS = Path(__file__).parent / "icons"
PLACE = ("nextToken", "prevToken", "at")


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """A Lucide icon, inline; FileNotFoundError for a name that is not in the folder `icons`."""
    return mark_safe((ICONS / f"{name}.svg").read_text().strip())  # noqa: S308  # a file of ours


@register.filter
def number(value: int | float | None) -> str:
    """Grouped by thousands; a dash for what is not known.

    >>> number(1284), number(0), number(None)
    ('1,284', '0', '–')
    """
    return "–" if value is None else f"{value:,}"


@register.filter
def plural(value: int, words: str) -> str:
    """The number with its noun in the right form.

    >>> plural(1, "person,people"), plural(1284, "person,people")
    ('1 person', '1,284 people')
    """
    one, many = words.split(",")
    return f"{value:,} {one if value == 1 else many}"


@register.filter
def percent(part: int, whole: int) -> str:
    """The share with one digit behind the point; a dash of nothing.

    >>> percent(1, 3), percent(0, 0)
    ('33.3%', '–')
    """
    return f"{100 * part / whole:.1f}%" if whole else "–"


@register.filter
def breakable(address: str) -> SafeString:
    """The address of a machine, which may go on in the next line behind a colon: one of IPv6 is as wide as half a table.

    >>> breakable("192.0.2.1"), breakable("2001:db8::1")
    ('192.0.2.1', '2001:<wbr>db8:<wbr>:<wbr>1')
    """
    return format_html_join(mark_safe(":<wbr>"), "{}", ((part,) for part in address.split(":")))


STEPS = ((60, "minute"), (60, "hour"), (24, "day"), (30, "month"), (12, "year"))


def in_words(moment: datetime, now: datetime) -> str:
    """How far `moment` is from `now`, in one rough number.

    >>> now = datetime(2026, 5, 14, 12, tzinfo=UTC)
    >>> [in_words(now.replace(day=day, hour=hour), now) for day, hour in ((14, 12), (14, 9), (13, 9), (3, 9), (16, 12))]
    ['just now', '3 hours ago', 'yesterday', '11 days ago', 'in 2 days']
    """
    seconds = (now - moment).total_seconds()
    amount, unit = abs(seconds), ""
    for size, name in STEPS:
        if amount < size:
            break
        amount, unit = amount / size, name
    rounded = int(amount)
    if not unit:
        return "just now"
    if (unit, rounded) == ("day", 1):
        return "yesterday" if seconds > 0 else "tomorrow"
    words = f"{rounded} {unit}{'' if rounded == 1 else 's'}"
    return f"{words} ago" if seconds > 0 else f"in {words}"


@register.simple_tag
def exact(moment: datetime | None) -> str:
    """The moment to the minute, in the organisation's zone and naming it; a dash for None."""
    if moment is None:
        return "–"
    local = timezone.localtime(moment)
    return f"{format_date(local, 'j F Y, H:i')} {local.tzname()}"


@register.simple_tag
def words_ago(moment: datetime | None, css: str = "") -> str:
    """A `<time>`: words outside, the exact moment inside and in the title; a dash for None."""
    if moment is None:
        return "–"
    return format_html(
        '<time{} datetime="{}" title="{}">{}</time>',
        format_html(' class="{}"', css) if css else "",
        moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        exact(moment),
        in_words(moment, timezone.now()),
    )


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: str | None) -> str:
    """The query string with some fields set or, by None, left out. The place in the list is lost."""
    changed = context["request"].GET.copy()
    for name in PLACE:
        changed.pop(name, None)
    for name, value in changes.items():
        if value:
            changed[name] = value
        else:
            changed.pop(name, None)
    return f"?{changed.urlencode()}"


class Permit:
    """Whether somebody may do a thing: true or false, `attrs` for the control, `reason` in a sentence."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __bool__(self) -> bool:
        return not self.reason

    @property
    def attrs(self) -> SafeString:
        """Attributes for a button: none, or those of one that keeps its place, does nothing and says why."""
        if not self.reason:
            return SafeString("")
        return format_html('aria-disabled="true" title="{}" aria-description="{}"', self.reason, self.reason)


@register.simple_tag(takes_context=True)
def can(context: Context, permission: str) -> Permit:
    """`{% can "crm.edit_people" as may %}`, then `<button class="btn" {{ may.attrs }}>` or `{% if may %}`."""
    user = context["request"].user
    return Permit("" if user.has_perm(permission) else why_not(user, permission))


@register.inclusion_tag("_action.html", takes_context=True)
def action(context: Context, url: str, label: str, *, icon: str = "", needs: str = "", css: str = "") -> dict[str, Any]:
    """A link that looks like a button; for those who may not (`needs`) it stays in its place and says why."""
    permit = can(context, needs) if needs else Permit("")
    return {"url": url, "label": label, "icon_name": icon, "permit": permit, "css": css}


@register.inclusion_tag("_rail_link.html", takes_context=True)
def rail_link(context: Context, label: str, icon: str, name: str, needs: str = "") -> dict[str, Any]:
    """A link of the rail, for those who may see what is behind it; marked on its page and on those below it."""
    request = context["request"]
    try:
        url = reverse(name) if not needs or request.user.has_perm(needs) else ""
    except NoReverseMatch:
        url = ""
    here = "page" if request.path == url else "true" if url not in {"", "/"} and request.path.startswith(url) else ""
    return {"url": url, "label": label, "icon_name": icon, "here": here}


@register.filter
def initials(names: Iterable[str]) -> str:
    """The first letters of the first two names that have one.

    >>> initials(["Zoë", "Ångström"])
    'ZÅ'
    """
    return "".join(name.strip()[:1].upper() for name in names if name.strip())[:2]
