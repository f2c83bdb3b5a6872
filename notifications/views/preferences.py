"""Settings → Notifications: where and about what; nothing counts until Save (R62-R78).

All four tabs are one form, so that changes survive a change of the tab. A tab is a link
to the same page with another part of it shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import member_required
from accounts.models import Vendor
from accounts.requests import MemberRequest
from notifications.channels import CHANNEL_KEYS, EMAIL, OTHER_APPS, PUSH_CHANNELS
from notifications.communication.warnings import warning_to_recipient
from notifications.eligibility import Cell
from notifications.endpoints.listing import endpoint_list
from notifications.forms import PreferencesForm
from notifications.matrix import Matrix, check_tab, own_row, slug_of, summary_words, tab_words
from notifications.models import Suppression
from notifications.selectors import topic_groups, wishes_of
from notifications.services import save_preferences
from notifications.topics import TopicGroup


@member_required
@require_GET
def start(request: MemberRequest) -> HttpResponse:
    return redirect("notifications:preferences", "email")


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: MemberRequest, tab: str) -> HttpResponse:
    check_tab(tab)
    groups = topic_groups(request.membership)
    wishes = wishes_of(request.membership)
    data = request.POST if request.method == "POST" else None
    forms_ = [PreferencesForm(data, channel=c, wishes=wishes, groups=groups) for c in CHANNEL_KEYS]
    if request.method != "POST":
        return _page(request, tab, forms_, groups)
    sent = [form for form in forms_ if form.was_on_the_page or slug_of(form.channel) == tab]
    changes = _changes(sent)
    save_preferences(request.membership, changes)
    messages.success(request, _("Your notification preferences are saved."))
    is_about_email = any(channel == EMAIL for channel, _key in changes)
    if is_about_email and (warning := warning_to_recipient(request.membership)):
        messages.warning(request, f"{warning.title} {warning.text}")
    return redirect("notifications:preferences", tab)


def _changes(forms_: Iterable[PreferencesForm]) -> dict[Cell, bool]:
    changes: dict[Cell, bool] = {}
    for form in forms_:
        form.full_clean()  # Tick boxes only: every answer is a valid one.
        changes |= form.changes()
    return changes


def tab_of(channel: str) -> str:
    """Return the address of the channel's tab."""
    return _url_of(slug_of(channel))


def _url_of(slug: str) -> str:
    return reverse("notifications:preferences", args=[slug])


def _page(
    request: MemberRequest,
    current: str,
    forms_: Iterable[PreferencesForm],
    groups: Sequence[TopicGroup],
) -> HttpResponse:
    user = request.user
    address = EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True)
    matrix = Matrix(
        current=current,
        vendor=Vendor.current().name,
        groups=groups,
        url_of=_url_of,
        row=own_row,
    )
    # Without topics there is nothing that could be sent there.
    apps = endpoint_list(request.membership, OTHER_APPS) if groups else None
    devices = {c: endpoint_list(request.membership, c) for c in PUSH_CHANNELS if groups}
    tabs = [
        replace(
            matrix.tab(form),
            summary=summary_words(form.wishes, form.channel, is_owner=True),
            differing=sum(of == form.channel for of, _key in form.wishes.differing()),
            how="notifications/_how_email.html" if form.channel == EMAIL else "",
            endpoints=apps if form.channel == OTHER_APPS else None,
            devices=devices.get(form.channel),
        )
        for form in forms_
    ]
    context = {
        "tabs": tabs,
        "current": current,
        "open_topic": request.GET.get("topic", ""),
        "is_verified": address.exists(),
        "suspended": Suppression.objects.filter(address=user.email).first(),
        "daily_cap": number_format(settings.EMAIL_DAILY_CAP, force_grouping=True),
        **tab_words(tabs, groups),
    }
    return render(request, "notifications/preferences.html", context)
