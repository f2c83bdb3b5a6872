"""One include per app; the order of the pages in the contract, section 4."""

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path, re_path

from partnernotify.metrics import metrics
from partnernotify.probes import healthz, readyz


def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask here, whatever a page says."""
    return redirect(static("img/favicon.svg"))


def not_here(request: HttpRequest, page: str) -> HttpResponse:
    """Only an operator or a mailed link says whose an address is."""
    raise Http404


urlpatterns = [
    path("", include("notifications.urls")),
    path("", include("notifications.partner_urls")),
    path("", include("accounts.urls")),
    re_path(r"^accounts/(email|confirm-email)/", not_here, name="account_addresses"),
    path("accounts/", include("allauth.urls")),
    path("demo/", include("notifications.demo.urls")),
    path("admin/", admin.site.urls),
    path("favicon.ico", favicon),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
