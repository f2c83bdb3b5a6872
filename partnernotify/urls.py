"""One include per app; the order of the pages in the contract, section 4."""

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import URLResolver, include, path, re_path

from partnernotify.metrics import metrics
from partnernotify.probes import healthz, readyz
from partnernotify.web_app import manifest, offline, service_worker


def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask here, whatever a page says."""
    return redirect(static("img/favicon.svg"))


def not_here(request: HttpRequest, page: str) -> HttpResponse:
    """Only an operator or a mailed link says whose an address is."""
    raise Http404


def _mail_reports() -> list[URLResolver]:
    """Reports of a mail service are taken only with a secret that they show."""
    if not settings.ANYMAIL.get("WEBHOOK_SECRET"):
        return []
    return [path("anymail/", include("anymail.urls"))]


urlpatterns = [
    path("", include("notifications.urls")),
    path("", include("notifications.partner_urls")),
    path("", include("accounts.urls")),
    re_path(r"^accounts/(email/|confirm-email/$)", not_here, name="account_addresses"),
    path("accounts/", include("allauth.urls")),
    path("demo/", include("notifications.demo.urls")),
    path("admin/", admin.site.urls),
    *_mail_reports(),
    path("favicon.ico", favicon),
    path("manifest.webmanifest", manifest, name="manifest"),
    path("sw.js", service_worker, name="service_worker"),
    path("offline/<slug:language>/", offline, name="offline"),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
