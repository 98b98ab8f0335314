"""The door for gunicorn: `gunicorn crmsite.wsgi`."""

import os

from django.core.handlers.wsgi import WSGIRequest, get_bytes_from_wsgi
from django.core.wsgi import get_wsgi_application
from django.http import QueryDict
from django.utils.functional import cached_property

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmsite.settings")


class Request(WSGIRequest):
    """Takes the query for UTF-8, whatever the body is said to be written in: some of that is no text, which Django breaks on."""

    @cached_property
    def GET(self) -> QueryDict:  # type: ignore[override]
        return QueryDict(get_bytes_from_wsgi(self.environ, "QUERY_STRING", ""))


application = get_wsgi_application()
application.request_class = Request
