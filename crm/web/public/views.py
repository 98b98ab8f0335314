"""Health of the process and of what it stands on."""

from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crm.domain.errors import CrmError
from crm.web.http import CrmRequest, public


@public
@require_safe
@never_cache
def healthz(request: CrmRequest) -> HttpResponse:
    """The process is alive; it asks nobody else."""
    return HttpResponse("alive\n", content_type="text/plain")


@public
@require_safe
@never_cache
def readyz(request: CrmRequest) -> HttpResponse:
    """The table can be reached; 503 where it can't, so that a load balancer goes elsewhere."""
    try:
        request.store.table.ping()
    except CrmError as error:
        return HttpResponse(f"not ready: {error.message}\n", status=503, content_type="text/plain")
    return HttpResponse("ready\n", content_type="text/plain")
