"""CSV for people with spreadsheets: streamed, so that a long list starts at once and never stands in memory."""

from collections.abc import Iterable, Sequence

from django.http import StreamingHttpResponse

from crm.services.export import csv_lines, safe_cell

__all__ = ["csv_lines", "csv_response", "safe_cell"]


def csv_response(
    name: str, header: Sequence[str], rows: Iterable[Sequence[object]], *, separator: str = ","
) -> StreamingHttpResponse:
    """The download `name`. Read the first row's source before you call this where it can fail: later there is no error page."""
    response = StreamingHttpResponse(csv_lines(header, rows, separator=separator), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
