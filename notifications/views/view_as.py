"""Settings → Users → somebody's notifications, as an admin sees them: nothing can be changed."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.access import load_managed_member, member_required
from accounts.models import Vendor
from accounts.requests import MemberRequest
from notifications.channels import CHANNEL_KEYS
from notifications.forms import PreferencesForm
from notifications.matrix import Matrix, check_tab, others_row, summary_words, tab_words
from notifications.selectors import topic_groups, wishes_of


@member_required
@require_GET
def user_notifications(request: MemberRequest, pk: int, tab: str) -> HttpResponse:
    check_tab(tab)
    member = load_managed_member(request, pk)
    groups, wishes = topic_groups(member), wishes_of(member)
    matrix = Matrix(
        current=tab,
        vendor=Vendor.current().name,
        groups=groups,
        url_of=lambda slug: reverse("notifications:user_notifications", args=[pk, slug]),
        row=others_row,
    )
    forms_ = [
        PreferencesForm(channel=channel, wishes=wishes, groups=groups) for channel in CHANNEL_KEYS
    ]
    for form in forms_:
        for field in form.fields.values():
            field.disabled = True
    tabs = [
        replace(matrix.tab(form), summary=summary_words(wishes, form.channel, is_owner=False))
        for form in forms_
    ]
    context = {
        "member": member,
        "tabs": tabs,
        "read_only": True,
        "about_others": True,
        **tab_words(tabs, groups),
    }
    return render(request, "settings/user_notifications.html", context)
