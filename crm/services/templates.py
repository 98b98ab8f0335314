"""What staff do with templates: keep a text to start from, change it, delete it, open it for a letter."""

import logging
from dataclasses import replace
from datetime import datetime

from crm.domain.errors import Conflict, RuleViolation
from crm.domain.folding import fold
from crm.domain.ids import new_id
from crm.domain.starters import STARTERS
from crm.domain.templates import MAX_TEMPLATES, Template
from crm.services.audit import noted
from crm.store import Store
from crm.store.templates import STALE

logger = logging.getLogger(__name__)


def offered(store: Store) -> list[Template]:
    """Return what a letter can start from, by name: staff's own, or while there is none what comes with the program."""
    return store.templates.all() or list(STARTERS)


def opened(store: Store, template_id: str) -> Template:
    """Return a template as it is at this moment, one that comes with the program too; one request at most. Raises NotFound."""
    starter = next((one for one in STARTERS if one.id == template_id), None)
    return starter or store.templates.get(template_id)


def save(store: Store, template: Template, *, actor: str, now: datetime) -> Template:
    """Keep a new template and return it as stored; the same one sent again finds its own work.

    Raises RuleViolation for what can't be kept, Conflict for a name that is taken.
    """
    new = replace(template, created_by=actor, created_at=now, updated_at=now, version=0).cleaned()
    if (first := store.templates.find(new.id)) is not None:
        if _texts(first) == _texts(new):
            return first
        new = replace(new, id=new_id())
    others = store.templates.all()
    _check_name(new, others)
    if len(others) >= MAX_TEMPLATES:
        raise RuleViolation(f"There are {MAX_TEMPLATES} templates, which is the most. Delete one that is not needed any more.")
    stored = store.templates.create(new, [noted(store, "template.created", new.id, actor=actor, now=now)])
    logger.info("template saved", extra={"template_id": stored.id, "actor": actor})
    return stored


def edit(store: Store, template: Template, *, actor: str, now: datetime) -> Template:
    """Put these texts in the place of the stored ones, whose version is the template's; return it as stored.

    What is the same already is not written again. Raises NotFound, RuleViolation, and Conflict for a taken name or a version
    that is not the stored one.
    """
    old = store.templates.get(template.id)
    changed = replace(
        old, name=template.name, subject=template.subject, preheader=template.preheader, body=template.body
    ).cleaned()
    if changed == old:
        return old
    if old.version != template.version:
        raise Conflict(STALE)
    if fold(changed.name) != fold(old.name):
        _check_name(changed, store.templates.all())
    entry = noted(store, "template.edited", old.id, actor=actor, now=now)
    saved = store.templates.save(replace(changed, updated_at=now), [entry])
    logger.info("template edited", extra={"template_id": saved.id, "version": saved.version, "actor": actor})
    return saved


def delete(store: Store, template_id: str, *, actor: str, now: datetime) -> Template:
    """Delete it and return what it was; letters that started from it keep their text. Raises NotFound or Conflict."""
    template = store.templates.get(template_id)
    store.templates.delete(template, [noted(store, "template.deleted", template_id, actor=actor, now=now)])
    logger.info("template deleted", extra={"template_id": template_id, "actor": actor})
    return template


def _texts(template: Template) -> tuple[str, str, str, str]:
    return template.name, template.subject, template.preheader, template.body


def _check_name(template: Template, others: list[Template]) -> None:
    """Conflict when another has that name. An index tells, so two saved at one moment may share a name."""
    if any(fold(one.name) == fold(template.name) and one.id != template.id for one in others):
        raise Conflict(f"There is a template “{template.name}” already; choose another name.", field="name")
