"""The site as an app: what it is called and looks like, its service worker, its offline page.

None of it says anything about the person who asks, but for the language.
"""

from __future__ import annotations

import json

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

NAME = "partnernotify"
# The top bar's colour and the ground's (static/css/app.css).
THEME_COLOR, BACKGROUND_COLOR = "#14213a", "#f4f5f7"


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """Web Application Manifest (W3C): what makes the site installable."""
    described = {
        "id": "/",
        "name": NAME,
        "short_name": NAME,
        "description": _("What your leads and co-sold deals do, told at the right moment."),
        "lang": get_language(),
        "start_url": reverse("notifications:inbox"),
        "scope": "/",
        "display": "standalone",
        "theme_color": THEME_COLOR,
        "background_color": BACKGROUND_COLOR,
        "icons": [
            _icon("img/favicon.svg", "any", "image/svg+xml", "any"),
            _icon("img/icon-192.png", "192x192", "image/png", "any"),
            _icon("img/icon-512.png", "512x512", "image/png", "any"),
            _icon("img/icon-maskable-512.png", "512x512", "image/png", "maskable"),
        ],
    }
    answer = JsonResponse(described, content_type="application/manifest+json")
    return _fresh(answer)


def _icon(path: str, sizes: str, kind: str, purpose: str) -> dict[str, str]:
    return {"src": static(path), "sizes": sizes, "type": kind, "purpose": purpose}


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script that takes pushes and shows the offline page, for the whole site.

    It names the files of this version, so that a new version is a new worker.
    """
    offline = reverse("offline", args=[get_language() or settings.LANGUAGE_CODE])
    facts = {
        "offline": offline,
        "files": [static("css/app.css"), static("img/mark.svg")],
        "icon": static("img/icon-192.png"),
        "badge": static("img/badge.png"),
        "here": reverse("notifications:device_here"),
        "inbox": reverse("notifications:inbox"),
        "nothing_said": _("There is something new"),
    }
    script = render_to_string("sw.js", {"facts": json.dumps(facts)})
    return _fresh(HttpResponse(script, content_type="text/javascript"))


@require_safe
def offline(request: HttpRequest, language: str) -> HttpResponse:
    """The page for when the network is away. Kept by browsers, so nobody's: no request in it."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    with override(language):
        return HttpResponse(render_to_string("offline.html"))


def _fresh(answer: HttpResponse) -> HttpResponse:
    """Let browsers ask each time: it follows the version, and the reader's language."""
    answer.headers["Cache-Control"] = "no-cache"
    patch_vary_headers(answer, ("Accept-Language", "Cookie"))
    return answer
