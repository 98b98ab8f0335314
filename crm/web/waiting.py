"""Forms that wait until somebody has said once more who it is: each is kept for the tab it was sent from, and done then.

allauth keeps one at a time and finds it again by its path alone: of two tabs both would be lost, and one with a query always.
"""

from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url
from allauth.core.internal.httpkit import deserialize_request, serialize_request
from django.contrib.messages import ERROR
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import resolve, reverse
from django.utils.crypto import get_random_string
from django.utils.http import urlencode

from crm.web.http import tell

WAITING = "crm.waiting"
"""Where a session keeps them: requests as text, by the mark that stands behind the `#` of where each tab goes next."""
MOST = 4


def keep(request: HttpRequest) -> HttpResponse:
    """Keep the form that was sent, and ask who it is."""
    mark, before = get_random_string(8), list(request.session.get(WAITING, {}).items())
    request.session[WAITING] = {**dict(before[1 - MOST :]), mark: serialize_request(request)}
    ways = get_adapter().get_reauthentication_methods(request.user)
    asks = ways[0]["url"] if ways else reverse("account_login")
    return redirect(f"{asks}?{urlencode({'next': f'{request.get_full_path()}#{mark}'})}")


def resume(request: HttpRequest) -> HttpResponseBase | None:
    """Do what this tab waited for; None where it is only to go on. It is said where what waited is gone."""
    _, _, mark = (get_next_redirect_url(request) or "").partition("#")
    waiting = request.session.get(WAITING, {})
    if mark not in waiting:
        if mark:
            tell(
                request,
                "Nothing was done just now",
                "Your form waits no more: see whether it was done, else send it again.",
                level=ERROR,
            )
        return None
    form = waiting.pop(mark)
    request.session[WAITING] = waiting
    found = resolve(deserialize_request(form, request).path_info)
    done: HttpResponseBase = found.func(request, *found.args, **found.kwargs)
    return done
