"""The logo inside letters, for whoever reads them; an address never leads to another picture."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from crm.domain.errors import NotFound
from crm.domain.logo import MAX_BYTES, TYPES, file_of
from crm.web.http import CrmRequest, content_policy, public
from crm.wiring import get_files

POLICY = "default-src 'none'; sandbox"
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""Kept by whoever fetched it; a webmail may show it; nobody takes it for anything but a picture."""


class LogoMark:
    """A mark of a logo in an address."""

    regex = "[0-9a-f]{32}"

    def to_python(self, value: str) -> str:
        """The mark as it stands there."""
        return value

    def to_url(self, value: str) -> str:
        """The mark as it is."""
        return value


@public
@require_safe
@content_policy(POLICY)
def picture(request: CrmRequest, mark: str, kind: str) -> HttpResponse:
    """The picture as it was uploaded; 404 where none has this mark."""
    try:
        with get_files().open(file_of(mark, kind)) as file:
            data = file.read(MAX_BYTES)
    except NotFound:
        raise Http404 from None
    return HttpResponse(data, content_type=TYPES[kind], headers=HEADERS)
