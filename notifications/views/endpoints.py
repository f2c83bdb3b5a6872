"""Settings → Apps and devices: one's own, each with a page of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import member_required
from accounts.requests import MemberRequest
from notifications.access import load_app, load_endpoint, load_told_member, load_webhook
from notifications.channels import ENDPOINT_CHANNELS, OTHER_APPS
from notifications.channels.webhook import BOTH_SIGN, former_until
from notifications.delivery.replay import missed, replay_range, undecided
from notifications.delivery_log import read_cursor
from notifications.endpoints import services
from notifications.endpoints.apps import APPS, App
from notifications.endpoints.forms import AppForm
from notifications.endpoints.listing import (
    again,
    endpoint_list,
    line_of,
    page_of,
    topic_lines,
    why_silent,
)
from notifications.endpoints.trial import NotArrivedError, send_test
from notifications.selectors import topic_groups
from notifications.views.preferences import tab_of
from notifications.words import channel_label

if TYPE_CHECKING:
    from notifications.models import Endpoint

# The session's word that the next page shows this endpoint's secret, once.
_SHOWS_SECRET = "endpoint_secret"  # noqa: S105 - a key, not a secret


@member_required
@require_safe
def endpoints(request: MemberRequest) -> HttpResponse:
    lists = [endpoint_list(request.membership, channel) for channel in ENDPOINT_CHANNELS]
    is_told = bool(topic_groups(request.membership))
    apps = next(found for found in lists if found.channel == OTHER_APPS) if is_told else None
    # Who has a role without topics now adds nothing, and still removes what there is.
    others = [found for found in lists if found is not apps and found.lines]
    return render(request, "notifications/endpoints.html", {"apps": apps, "others": others})


# --- Adding and changing --------------------------------------------------------------------


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: MemberRequest, kind: str) -> HttpResponse:
    membership, app = load_told_member(request), APPS[kind]
    form = AppForm(request.POST or None, app=app)
    if request.method == "POST" and form.is_valid() and (added := _add(request, app, form)):
        if added.is_signed:
            request.session[_SHOWS_SECRET] = added.pk
        messages.success(request, _("“%(name)s” is added.") % {"name": added.name})
        return redirect(page_of(added))
    is_full = endpoint_list(membership, OTHER_APPS).is_full
    context = {"app": app, "form": form, "is_full": is_full}
    status = 422 if form.errors else 200
    return render(request, "notifications/endpoint_add.html", context, status=status)


def _add(request: MemberRequest, app: App, form: AppForm) -> Endpoint | None:
    try:
        return services.add_app(request.membership, kind=app.key, **form.cleaned_data)
    except services.KnownAddressError as error:
        form.add_error("address", _known(error))
    except services.TooManyError:
        words = _("You have %(most)d apps here, and that is the limit. Remove one first.")
        form.add_error(None, words % {"most": services.MOST})
    return None


def _known(error: services.KnownAddressError) -> str:
    words = _("You have this address already: “%(name)s”. It would get everything twice.")
    return words % {"name": error.name}


@member_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def endpoint(request: MemberRequest, pk: int) -> HttpResponse:
    if request.method != "POST":
        found = load_endpoint(request.membership, pk)
        return _page(request, found, AppForm.of(found) if found.kind else None)
    app = load_app(request.membership, pk)
    form = AppForm.of(app, request.POST)
    if form.is_valid():
        try:
            services.change_app(app, **form.cleaned_data)
        except services.KnownAddressError as error:
            form.add_error("address", _known(error))
        else:
            messages.success(request, _("“%(name)s” is saved.") % {"name": app.name})
            return redirect(page_of(app))
    return _page(request, load_app(request.membership, pk), form, status=422)


def _page(
    request: MemberRequest, found: Endpoint, form: AppForm | None, status: int = 200
) -> HttpResponse:
    shows_secret = request.session.get(_SHOWS_SECRET) == found.pk and found.is_signed
    if shows_secret:
        del request.session[_SHOWS_SECRET]
    context = {
        "endpoint": found,
        "line": line_of(found),
        "form": form,
        "again": again(found),
        "topics": topic_lines(found),
        "why_silent": why_silent(request.membership, found.channel, found.topics_off),
        "tab": tab_of(found.channel),
        "tab_label": channel_label(found.channel),
        "secret": found.secrets["signing"] if shows_secret else "",
        "former_until": former_until(found.secrets),
        "both_sign_hours": int(BOTH_SIGN.total_seconds() // 3600),
    }
    return render(request, "notifications/endpoint.html", context, status=status)


@member_required
@require_POST
def topics(request: MemberRequest, pk: int) -> HttpResponse:
    """POST `topic` for each one that is ticked."""
    found = load_endpoint(request.membership, pk)
    among = [line.topic.key for line in topic_lines(found)]
    services.choose_topics(found, request.POST.getlist("topic"), among)
    messages.success(request, _("The topics of “%(name)s” are saved.") % {"name": found.name})
    return redirect(page_of(found))


# --- Secrets ------------------------------------------------------------------------------


@member_required
@require_POST
def show_secret(request: MemberRequest, pk: int) -> HttpResponse:
    webhook = load_webhook(request.membership, pk)
    return _to_secret(request, webhook)


@member_required
@require_POST
def new_secret(request: MemberRequest, pk: int) -> HttpResponse:
    webhook = load_webhook(request.membership, pk)
    try:
        services.renew_secret(webhook)
    except services.RenewedAlreadyError:
        messages.error(request, _("There is a new secret already; the former one still signs."))
        return redirect(page_of(webhook))
    messages.success(request, _("There is a new secret. Give it to the receiver."))
    return _to_secret(request, webhook)


def _to_secret(request: MemberRequest, webhook: Endpoint) -> HttpResponse:
    request.session[_SHOWS_SECRET] = webhook.pk
    return redirect(page_of(webhook))


# --- Trying, switching, removing -------------------------------------------------------------


@member_required
@require_POST
def test(request: MemberRequest, pk: int) -> HttpResponse:
    found = load_endpoint(request.membership, pk)
    try:
        answer = send_test(found)
    except NotArrivedError as error:
        messages.error(request, str(error))
    else:
        words = _("The test arrived: %(host)s answered %(status)s.")
        if found.is_device:
            words = _("The test is on its way: %(host)s took it (%(status)s).")
        values = {"host": found.host, "status": answer.partition(" ")[0]}
        messages.success(request, words % values)
    return redirect(page_of(found))


@member_required
@require_POST
def switch_off(request: MemberRequest, pk: int) -> HttpResponse:
    found = load_endpoint(request.membership, pk)
    if services.switch_off(found, actor=request.user):
        words = _("“%(name)s” is switched off: nothing is sent there.")
        messages.success(request, words % {"name": found.name})
    return redirect(page_of(found))


@member_required
@require_POST
def switch_on(request: MemberRequest, pk: int) -> HttpResponse:
    found = load_endpoint(request.membership, pk)
    if found.is_locked:
        messages.error(request, _("An operator switched it off, and can switch it on again."))
    elif services.switch_on(found, actor=request.user):
        messages.success(request, _("“%(name)s” is switched on.") % {"name": found.name})
    return redirect(page_of(found))


@member_required
@require_POST
def send_again(request: MemberRequest, pk: int) -> HttpResponse:
    """POST `what`: missed or undecided; `until`: the last of those that the page counted."""
    found = load_endpoint(request.membership, pk)
    rows = undecided(found) if request.POST.get("what") == "undecided" else missed(found)
    until = read_cursor(request.POST.get("until", "")) or 0
    count = replay_range(
        rows.filter(pk__lte=until),
        actor=request.user,
        account=request.membership.account,
        what=found.name,
    )
    words = ngettext(
        "%(count)d message is sent again.", "%(count)d messages are sent again.", count
    )
    if count:
        messages.success(request, words % {"count": count})
    else:
        messages.info(request, _("Nothing is sent again: it has been already."))
    return redirect(page_of(found))


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask on a page of its own, with what is lost; do it when that page is sent."""
    found = load_endpoint(request.membership, pk)
    if request.method != "POST":
        context = {"endpoint": found, "line": line_of(found)}
        return render(request, "notifications/endpoint_remove.html", context)
    services.remove(found)
    messages.success(request, _("“%(name)s” is removed.") % {"name": found.name})
    return redirect(reverse("notifications:endpoints"))
