"""Merge fields: a small, safe part of Liquid, checked before anything is sent."""

import difflib
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TextIO
from urllib.parse import quote

from liquid import BoundTemplate, Environment, RenderContext
from liquid.builtin.content import Literal
from liquid.builtin.expressions.primitive import Blank, Empty
from liquid.builtin.illegal import Illegal
from liquid.builtin.output import Output, OutputNode
from liquid.exceptions import LiquidError
from liquid.stringify import to_liquid_string
from liquid.undefined import Undefined

TEXT_FIELDS = ("firstName", "lastName", "email", "phoneNumber", "company", "jobTitle", "city", "state")
COUNT_FIELDS = ("hostedEventCount", "attendedEventCount")
UNSUBSCRIBE = "unsubscribeUrl"
FIELDS = (*TEXT_FIELDS, *COUNT_FIELDS, UNSUBSCRIBE)
TAGS = ("if", "unless", "case", "assign")
INNER_TAGS = ("elsif", "else", "endif", "endunless", "when", "endcase")
FILTERS = (
    *("default", "capitalize", "upcase", "downcase", "strip", "lstrip", "rstrip", "squish", "truncate", "truncatewords"),
    *("append", "prepend", "remove", "remove_first", "remove_last", "slice", "split", "first", "last", "join", "size"),
    *("plus", "minus", "times", "divided_by", "modulo", "round", "ceil", "floor", "abs", "at_least", "at_most"),
)
"""What can't make much out of little: `replace` and loops can, so they are left out."""
URL_FILTER = "url_part"
TAG_NAME = re.compile(r"\{%-?\s*(#|\w*)")
MAX_SPAN = 500
SPAN = re.compile(rf"\{{\{{.{{0,{MAX_SPAN}}}?\}}\}}|\{{%.{{0,{MAX_SPAN}}}?%\}}", re.DOTALL)
"""A piece of Liquid. The bound keeps a text full of opening braces from taking quadratic time."""
MERGE_ERRORS = (LiquidError, ArithmeticError, LookupError, TypeError, ValueError)
"""What merging can raise: filters do arithmetic and take apart whatever they are given."""
MAX_OUTPUT_BYTES = 400_000
MAX_LOCALS_BYTES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateProblem:
    """Why a text can't be sent. `field` is subject, preheader or body; `suggestion` is what may have been meant, or None."""

    field: str
    message: str
    suggestion: str | None = None


class _Void:
    """How an empty field compares: equal to nil, "", blank and empty, and not true."""

    def __eq__(self, other: object) -> bool:
        return other is None or (isinstance(other, str) and not other) or isinstance(other, Blank | Empty | Undefined)

    __hash__ = None  # type: ignore[assignment]


Undefined.register(_Void)
Blank.register(_Void)
Empty.register(_Void)
VOID = _Void()


class Nothing(str):
    """An empty field. In plain Liquid "" is true; here `{% if company %}` means that a company is known."""

    __slots__ = ()

    def __liquid__(self) -> object:
        return VOID


NOTHING = Nothing()


class _PlainOutputNode(OutputNode):
    """Writes a value as it is."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(to_liquid_string(self.expression.evaluate(context), autoescape=False))


class _EscapedOutputNode(OutputNode):
    """Writes a value escaped for HTML, also one that the author typed as a literal."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(html.escape(to_liquid_string(self.expression.evaluate(context), autoescape=False)))


class _PlainOutput(Output):
    node_class = _PlainOutputNode


class _EscapedOutput(Output):
    node_class = _EscapedOutputNode


class _MergeEnvironment(Environment):
    """Knows conditions, assignments and harmless filters, and how much a template may make."""

    output_stream_limit = MAX_OUTPUT_BYTES
    local_namespace_limit = MAX_LOCALS_BYTES
    output: type[Output] = _PlainOutput

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Register what is allowed, and the filter that our own code puts around values inside addresses of links."""
        super().setup_tags_and_filters()
        kept = {*TAGS, Literal.name, Illegal.name}
        self.tags = {name: tag for name, tag in self.tags.items() if name in kept}
        self.filters = {name: self.filters[name] for name in FILTERS} | {URL_FILTER: _url_part}
        self.add_tag(self.output)


class _HtmlEnvironment(_MergeEnvironment):
    output = _EscapedOutput


def _url_part(value: object) -> str:
    """Escape a value so that it can't end its part of an address, or begin another."""
    return quote(to_liquid_string(value, autoescape=False), safe="")


PLAIN = _MergeEnvironment()
HTML = _HtmlEnvironment()


def values(fields: Mapping[str, str | int], unsubscribe_url: str) -> dict[str, object]:
    """Return what a template sees: each field there is, with unknown ones as nothing or 0."""
    texts = {name: str(fields.get(name) or "") or NOTHING for name in TEXT_FIELDS}
    counts = {name: int(fields.get(name) or 0) for name in COUNT_FIELDS}
    return {**texts, **counts, UNSUBSCRIBE: unsubscribe_url}


def problems(field: str, source: str) -> list[TemplateProblem]:
    """Return everything that is wrong with the Liquid of one text; empty when it can be merged for everybody."""
    if found := [TemplateProblem(field=field, message=message, suggestion=hint) for message, hint in _faulty_spans(source)]:
        return found
    try:
        template = PLAIN.from_string(source)
    except MERGE_ERRORS as error:
        return [TemplateProblem(field=field, message=_explained(error, source))]
    found = [TemplateProblem(field=field, message=message, suggestion=hint) for message, hint in _unknown_names(template)]
    return found or [TemplateProblem(field=field, message=message) for message in _failures(template, source)]


def _faulty_spans(source: str) -> Iterator[tuple[str, str | None]]:
    for span in SPAN.findall(source):
        name = found.group(1) if (found := TAG_NAME.match(span)) else None
        if name is not None and name not in TAGS + INNER_TAGS:
            yield f"“{span[:60]}” can't be used here; there are if, unless, case and assign.", _closest(name, TAGS + INNER_TAGS)
    rest = SPAN.sub(lambda span: "\n" * span[0].count("\n"), source)
    for mark, other in (("{{", "}}"), ("{%", "%}"), ("}}", "{{"), ("%}", "{%")):
        if mark in rest:
            line = _line(rest, rest.find(mark))
            yield f"In line {line} there is a {mark} without its {other} (within {MAX_SPAN} characters).", None


def _unknown_names(template: BoundTemplate) -> Iterator[tuple[str, str | None]]:
    analysis = template.analyze()
    for name, uses in analysis.globals.items():
        if name not in FIELDS:
            written = str(uses[0])
            yield f"There is no field “{written}”.", _closest(written.rpartition(".")[2], FIELDS)
    for name, uses in analysis.variables.items():
        if name in FIELDS and any(len(use.segments) > 1 for use in uses):
            yield f"The field {name} has no parts; write {{{{ {name} }}}}.", name
    for name in analysis.filters:
        if name not in FILTERS:
            yield f"There is no filter “{name}”.", _closest(name, FILTERS)


def _failures(template: BoundTemplate, source: str) -> Iterator[str]:
    """Merge for somebody of whom all is known and for somebody of whom nothing is: what divides by a count fails for one."""
    known: dict[str, str | int] = {**dict.fromkeys(TEXT_FIELDS, "Ada"), **dict.fromkeys(COUNT_FIELDS, 3)}
    for fields in (known, {}):
        try:
            template.render(values(fields, "https://example.org/"))
        except MERGE_ERRORS as error:
            yield _explained(error, source)
            return


def _explained(error: Exception, source: str) -> str:
    index = error.token.start_index if isinstance(error, LiquidError) and error.token else -1
    where = f"Line {_line(source, index)}: " if 0 <= index < len(source) else ""
    return f"{where}{error.args[0] if error.args else error}."


def _line(source: str, index: int) -> int:
    return source.count("\n", 0, index) + 1


def _closest(name: str, known: tuple[str, ...]) -> str | None:
    """Return the known name that looks most like `name`, whatever its case and underscores, or None."""
    plain = {_squeezed(candidate): candidate for candidate in known}
    close = difflib.get_close_matches(_squeezed(name), plain, n=1, cutoff=0.6)
    return plain[close[0]] if close else None


def _squeezed(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()
