"""One include per app; the order of the pages in the contract, section 4."""

from django.contrib import admin
from django.urls import include, path

from partnernotify.probes import healthz, readyz

urlpatterns = [
    path("", include("notifications.urls")),
    path("", include("notifications.partner_urls")),
    path("", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("demo/", include("notifications.demo.urls")),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
]
