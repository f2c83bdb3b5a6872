"""The gauges, for Prometheus: who may read them, and in which format."""

import ipaddress
import logging

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder

from notifications.gauges import Gauges

log = logging.getLogger(__name__)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text, or OpenMetrics if asked for.

    With METRICS_TOKEN it is asked of everybody, as RFC 6750 says: 401 names the scheme.
    Without one there is no way in but from this machine, so for all others there is no such
    page: 404, as for any address that does not exist.
    """
    if settings.METRICS_TOKEN:
        if not _has_token(request):
            return HttpResponse(
                "Send METRICS_TOKEN as a Bearer token.\n",
                status=401,
                content_type="text/plain",
                headers={"WWW-Authenticate": 'Bearer realm="metrics"'},
            )
    elif not _is_from_this_machine(request):
        raise Http404
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    try:
        return HttpResponse(encode(Gauges()), content_type=content_type)
    except DatabaseError as error:
        log.error("The database does not answer: %s", error)
        words = "The database does not answer. See the log.\n"
        return HttpResponse(words, status=503, content_type="text/plain")


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and constant_time_compare(
        token.strip(), settings.METRICS_TOKEN
    )


def _is_from_this_machine(request: HttpRequest) -> bool:
    """A proxy on this machine connects from here as well, but for somebody else: it says so.

    Each of TRUSTED_PROXIES sets X-Forwarded-For; one that was forgotten there may, too.
    """
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:  # A socket of Unix has no address.
        return False
    # A server that listens on IPv6 writes 127.0.0.1 as ::ffff:127.0.0.1.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
