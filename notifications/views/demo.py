"""The pretend website of the demo's vendor, and the demo's mailbox. Only with demo data."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from notifications.demo import mailbox as mails
from notifications.demo.keys import demo_key, demo_source
from notifications.demo.outcomes import EventRow, latest_events
from notifications.demo.visitors import PARTS, Visitor, own_visitor, read_visitor
from partners.events import clean_email
from partners.intake import accept

VISITOR, ANONYMOUS_ID, LANGUAGE = "demo_visitor", "demo_anonymous_id", "demo_language"
# Where the pretend website pretends to be: triggers match the path.
SITE = "https://www.northwind.example"
REMEMBERED = timedelta(minutes=30)

View = Callable[..., HttpResponse]


def demo_page(view: View) -> View:
    """Answer 404 without demo data; otherwise in the language chosen on these pages."""

    @wraps(view)
    def wrapped(request: HttpRequest, **values: Any) -> HttpResponse:
        if not settings.DEMO:
            raise Http404
        language = request.COOKIES.get(LANGUAGE)
        if language not in dict(settings.LANGUAGES):
            language = translation.get_language()
        with translation.override(language):
            request.LANGUAGE_CODE = language or settings.LANGUAGE_CODE
            response = view(request, **values)
        patch_vary_headers(response, ("Cookie", "Accept-Language"))
        response.headers["Content-Language"] = request.LANGUAGE_CODE
        return response

    return never_cache(wrapped)


# --- The website ------------------------------------------------------------------------


@demo_page
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return _page(request, "home", "/", parts=PARTS.values())


@demo_page
@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    return _page(request, "pricing", "/pricing/")


@demo_page
def request_demo(request: HttpRequest) -> HttpResponse:
    return _form_page(request, "request-a-demo", "Demo Requested")


@demo_page
def sign_up(request: HttpRequest) -> HttpResponse:
    return _form_page(request, "sign-up", "CRM Signed Up")


def _form_page(request: HttpRequest, name: str, event: str) -> HttpResponse:
    """A form that the snippet reports; without JavaScript the server does."""
    values: dict[str, Any] = {"event": event, "thanks": "thanks" in request.GET}
    if request.method != "POST":
        known = read_visitor(request.session.get(VISITOR))
        return _page(request, name, f"/{name}/", filled=known, **values)
    visitor = own_visitor(request.POST)
    if visitor is None:
        return _page(request, name, f"/{name}/", 422, **values, **_refused(request))
    _become(request, visitor)
    _report(request, visitor, {"type": "track", "event": event, "properties": {}})
    return redirect(f"{request.path}?thanks=1")


def _refused(request: HttpRequest) -> dict[str, Any]:
    error = _("Write an e-mail address like anna@acme.example.")
    return {"filled": request.POST, "error": error}


def _page(
    request: HttpRequest, name: str, path: str, status: int = 200, **values: Any
) -> HttpResponse:
    context = {
        "page": name,
        "page_url": SITE + path,
        "visitor": read_visitor(request.session.get(VISITOR)),
        "write_key": demo_key(),
        "events": _events(request),
        **values,
    }
    return render(request, f"demo/{name}.html", context, status=status)


# --- Who somebody is today ---------------------------------------------------------------


@demo_page
@require_POST
def choose_visitor(request: HttpRequest) -> HttpResponse:
    part = PARTS.get(request.POST.get("part", ""))
    visitor = part.visitor if part else own_visitor(request.POST)
    if visitor is None:
        return _page(request, "home", "/", 422, parts=PARTS.values(), **_refused(request))
    _become(request, visitor)
    return redirect("demo:home")


def _become(request: HttpRequest, visitor: Visitor) -> None:
    known = read_visitor(request.session.get(VISITOR))
    if known is None or known.email != visitor.email:
        # Another person, another browser.
        request.session[ANONYMOUS_ID] = f"demo-{uuid.uuid4()}"
        request.session[VISITOR] = visitor.as_dict()


@demo_page
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/demo/"
    response = redirect(back)
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        response.set_cookie(
            LANGUAGE, language, httponly=True, samesite="Lax", secure=settings.HTTPS
        )
    return response


# --- Events without JavaScript -------------------------------------------------------------


@demo_page
@require_POST
def report_visit(request: HttpRequest) -> HttpResponse:
    """Report what the snippet would: that the visitor looked at a page."""
    url = request.POST.get("page", "")
    if url.startswith(SITE) and len(url) < 200:
        visitor = read_visitor(request.session.get(VISITOR))
        _report(request, visitor, {"type": "page", "name": "", "properties": {"url": url}})
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back if is_ours else "demo:home")


def _report(request: HttpRequest, visitor: Visitor | None, event: Mapping[str, Any]) -> None:
    source = demo_source()
    if source is None:
        return
    traits = {"email": visitor.email, "name": visitor.name} if visitor else {}
    agent = request.headers.get("User-Agent", "")[:500]
    anonymous_id = request.session.setdefault(ANONYMOUS_ID, f"demo-{uuid.uuid4()}")
    context = {"traits": traits, "userAgent": agent}
    accept(
        source,
        [{**event, "anonymousId": anonymous_id, "context": context}],
        forced_type=None,
        batch={},
        received_at=timezone.now(),
        max_event_bytes=settings.INTAKE_MAX_EVENT_BYTES,
        suspicious=False,
    )


# --- What partners see ---------------------------------------------------------------------


@demo_page
@require_safe
def outcomes(request: HttpRequest) -> HttpResponse:
    """The latest events and who was told, as a fragment that the page asks for again."""
    return render(request, "demo/_outcomes.html", {"events": _events(request)})


def _events(request: HttpRequest) -> list[EventRow]:
    source = demo_source()
    return latest_events(source, _since(request.GET.get("since", ""))) if source else []


def _since(text: str) -> datetime:
    """Return the moment in `text` (milliseconds), at most half an hour ago."""
    earliest = timezone.now() - REMEMBERED
    if not text.isdecimal() or len(text) > 14:
        return earliest
    return max(earliest, datetime.fromtimestamp(int(text) / 1000, UTC))


# --- Mailbox ---------------------------------------------------------------------------------


@demo_page
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    everything = mails.letters()
    to = clean_email(request.GET.get("to", ""))
    context = {
        "in_folder": mails.in_folder(),
        "letters": [letter for letter in everything if not to or letter.to == to],
        "recipients": mails.recipients(everything),
        "to": to,
    }
    return render(request, "demo/mailbox.html", context)


@demo_page
@require_safe
def mailbox_list(request: HttpRequest) -> HttpResponse:
    to = clean_email(request.GET.get("to", ""))
    return render(request, "demo/_letters.html", {"letters": mails.letters(to=to), "to": to})


@demo_page
@require_safe
def mail_of_delivery(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    name = mails.name_of_delivery(str(public_id))
    if name is None:
        raise Http404
    return redirect("demo:mail", name=name)


@demo_page
@require_safe
def mail(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, "demo/mail.html", {"letter": _load_letter(name)})


# The sandbox runs no script; the mail's own styles are inline. Only our page may frame it.
@xframe_options_sameorigin
@csp_replace(
    {
        "default-src": ["'none'"],
        "style-src": ["'unsafe-inline'"],
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'self'"],
        "sandbox": ["allow-top-navigation-by-user-activation"],
    }
)
@demo_page
@require_safe
def mail_html(request: HttpRequest, name: str) -> HttpResponse:
    # Links leave the frame: what they lead to may not be framed.
    html = _load_letter(name).html.replace("<head>", '<head><base target="_top">', 1)
    return HttpResponse(html)


def _load_letter(name: str) -> mails.OpenLetter:
    letter = mails.open_letter(name)
    if letter is None:
        raise Http404
    return letter
