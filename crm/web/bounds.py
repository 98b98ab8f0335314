"""What is refused before it is looked at: who asks too often without sign-in, and files that are larger than a page takes."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from crm.limits import wait_of_address
from crm.web.http import client_address, error_answer

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
WITHOUT_SIGN_IN = re.compile(r"/(u|o|c|calendar|hooks|accounts)/")
UNSUBSCRIBE = re.compile(r"/u/")
ENVELOPE = 100_000
"""Bytes of what stands around the files of a form."""
PIECE, TO_THE_END = 1 << 20, 4_000_000_000
"""Bytes read at a time, and at most, of what is thrown away."""


class PublicLimitMiddleware:
    """Let one address ask for what is open to everybody only so often. Who unsubscribes is never kept from it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        open_to_all = WITHOUT_SIGN_IN.match(request.path)
        if not open_to_all or (request.method == "POST" and UNSUBSCRIBE.match(request.path)):
            return self.get_response(request)
        wait = wait_of_address(client_address(request))
        if not wait:
            return self.get_response(request)
        response = error_answer(request, 429, "Too many requests come from your network. Wait a moment, then try again.")
        response.headers["Retry-After"] = str(wait)
        return response


class BoundedUpload(FileUploadHandler):
    """Stops the reading of a form once its files together have more than `most` bytes."""

    def __init__(self, request: HttpRequest, most: int) -> None:
        super().__init__(request)
        self._left = most

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Hand a piece on to where files are kept; RequestDataTooBig where that is one too many."""
        self._left -= len(raw_data)
        if self._left < 0:
            raise RequestDataTooBig("the files of a form are larger than its page takes")
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the file to the next handler."""


def takes_files(most: int) -> Callable[[View], View]:
    """Let a page take files of so many bytes together; others take FILE_UPLOAD_MAX_SIZE of staff, and none of strangers."""

    def decorate(view: View) -> View:
        view.takes_files = most  # type: ignore[attr-defined]  # read before the view is called
        return view

    return decorate


def bound(request: HttpRequest, view: Callable[..., Any]) -> None:
    """See to it that no more of a form is read than its page takes; RequestDataTooBig where it says itself that it is longer."""
    if request.content_type != "multipart/form-data":
        return
    most = getattr(view, "takes_files", settings.FILE_UPLOAD_MAX_SIZE) if request.user.is_authenticated else 0
    if int(request.META.get("CONTENT_LENGTH") or 0) > most + settings.DATA_UPLOAD_MAX_MEMORY_SIZE + ENVELOPE:
        raise RequestDataTooBig("the form is longer than its page takes")
    request.upload_handlers.insert(0, BoundedUpload(request, most))


def let_finish(request: HttpRequest) -> None:
    """Throw away what staff still send of a form that is too long: a browser shows no answer before it has sent all of it."""
    left = TO_THE_END if request.user.is_authenticated else 0
    with suppress(OSError):  # nobody waits for the answer
        while left > 0 and (piece := request.read(PIECE)):
            left -= len(piece)
