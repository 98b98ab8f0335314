"""CSV for people with spreadsheets: streamed, so that a long list starts at once and never stands in memory."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

BOM = "\ufeff"  # by which Excel knows UTF-8
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    """A file that gives back what is written, one line at a time."""

    def write(self, text: str) -> str:
        return text


def safe_cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection); numbers and None stay as they are.

    >>> safe_cell("=1+1"), safe_cell("+46 31 555"), safe_cell(-3), safe_cell("Ångström")
    ("'=1+1", "'+46 31 555", -3, 'Ångström')
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of the file, header first; rows are read as the lines are taken."""
    writer = csv.writer(_Line())
    yield BOM + str(writer.writerow(header))
    for row in rows:
        yield str(writer.writerow([safe_cell(value) for value in row]))


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """The download `name`. Read the first row's source before you call this where it can fail: later there is no error page."""
    response = StreamingHttpResponse(csv_lines(header, rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
