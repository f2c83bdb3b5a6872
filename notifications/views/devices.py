"""Browsers tell of themselves: this one shall get pushes, this is its subscription now.

Answered in JSON, because only a script can know a subscription (static/js/push.js, and the
service worker). What a person does to a device stands in views/endpoints.py.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import member_required
from accounts.requests import MemberRequest
from notifications.access import load_device, load_told_member
from notifications.channels import PUSH_CHANNELS
from notifications.channels.web_push import application_server_key
from notifications.endpoints import services
from notifications.endpoints.browsers import (
    MAX_BODY_BYTES,
    Subscription,
    browser_name,
    read_subscription,
)
from notifications.endpoints.devices import SESSION_KEY, add_device, follow_device
from notifications.endpoints.forms import DeviceForm
from notifications.endpoints.listing import page_of


@member_required
@require_POST
def add(request: MemberRequest) -> HttpResponse:
    """POST `{channel, subscription}` → 201 `{device: its id}`, or 422 `{message}`."""
    membership = load_told_member(request)
    try:
        body, subscription = _read(request)
        if body.get("channel") not in PUSH_CHANNELS:
            raise ValidationError(_("Nothing is sent to browsers on this channel."))
        device = add_device(
            membership,
            channel=body["channel"],
            subscription=subscription,
            name=browser_name(request.headers.get("User-Agent", ""), body["channel"]),
        )
    except ValidationError as error:
        return _refuse(" ".join(error.messages))
    except services.TooManyError:
        words = _("You have %(most)d here, and that is the limit. Remove one first.")
        return _refuse(words % {"most": services.MOST})
    request.session[SESSION_KEY] = device.key
    return JsonResponse({"device": device.pk}, status=201)


@member_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def here(request: MemberRequest) -> HttpResponse:
    """GET → what a script needs to subscribe and to post: `{key, token}`.

    POST `{subscription, former}` → `{known, devices}`: whether anything of this user goes to
    this browser, and which endpoints of the acting member do.
    """
    if request.method != "POST":
        return JsonResponse({"key": application_server_key(), "token": get_token(request)})
    try:
        body, subscription = _read(request)
    except ValidationError as error:
        return _refuse(" ".join(error.messages))
    own = follow_device(request.user, subscription, former=_former(body))
    if own:
        request.session[SESSION_KEY] = own[0].key
    mine = [row.pk for row in own if row.membership_id == request.membership.pk]
    return JsonResponse({"known": bool(own), "devices": mine})


def _read(request: MemberRequest) -> tuple[dict[str, Any], Subscription]:
    """Return the body and the subscription in it. ValidationError for anything else."""
    if len(request.body) > MAX_BODY_BYTES:
        raise ValidationError(_("Your browser sent more than a subscription."))
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ValidationError(_("Your browser gave no usable subscription. Nothing has changed."))
    return body, read_subscription(body.get("subscription"))


def _former(body: dict[str, Any]) -> str:
    former = body.get("former")
    if not isinstance(former, str):
        return ""
    return former if former.isascii() and former.isprintable() else ""


def _refuse(words: str) -> JsonResponse:
    return JsonResponse({"message": words}, status=422)


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: MemberRequest, pk: int) -> HttpResponse:
    device = load_device(request.membership, pk)
    form = DeviceForm(request.POST or None, initial={"name": device.name})
    if request.method == "POST" and form.is_valid():
        services.rename(device, form.cleaned_data["name"])
        return redirect(page_of(device))
    context = {"endpoint": device, "form": form}
    status = 422 if form.errors else 200
    return render(request, "notifications/device_name.html", context, status=status)
