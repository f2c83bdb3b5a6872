"""Settings → Notifications: where and about what; nothing counts until Save (R62-R78).

All four tabs are one form, so that changes survive a change of the tab. A tab is a link
to the same page with another part of it shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from allauth.account.models import EmailAddress
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import member_required
from accounts.models import Membership, Vendor
from accounts.requests import MemberRequest
from notifications.channels import CHANNEL_KEYS, DESKTOP, EMAIL, MOBILE, OTHER_APPS
from notifications.endpoints.listing import EndpointList, endpoint_list
from notifications.forms import PreferencesForm
from notifications.selectors import choices_of
from notifications.services import save_preferences
from notifications.topics import GROUPS, LockedTopic, TopicGroup

_TABS: dict[str, str | Promise] = {
    EMAIL: gettext_lazy("Email"),
    DESKTOP: gettext_lazy("Desktop"),
    OTHER_APPS: gettext_lazy("Other apps"),
    MOBILE: gettext_lazy("Mobile app"),
}


@dataclass(frozen=True, kw_only=True)
class TopicRow:
    field: forms.BoundField
    is_own_choice: bool
    keywords: str


@dataclass(frozen=True, kw_only=True)
class GroupRows:
    key: str
    label: str
    topics: tuple[TopicRow, ...]
    locked: tuple[LockedTopic, ...]

    @property
    def on(self) -> int:
        return sum(topic.field.initial for topic in self.topics)


@dataclass(frozen=True, kw_only=True)
class Tab:
    slug: str
    label: str | Promise
    url: str
    is_current: bool
    how: str
    endpoints: EndpointList | None
    switches: tuple[forms.BoundField, ...]
    groups: tuple[GroupRows, ...]


@member_required
@require_GET
def start(request: MemberRequest) -> HttpResponse:
    return redirect("notifications:preferences", "email")


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: MemberRequest, tab: str) -> HttpResponse:
    if tab not in map(_slug, CHANNEL_KEYS):
        raise Http404
    groups = _groups_for(request.membership)
    chosen = choices_of(request.membership)
    data = request.POST if request.method == "POST" else None
    forms_ = [PreferencesForm(data, channel=c, chosen=chosen, groups=groups) for c in CHANNEL_KEYS]
    if request.method != "POST":
        return _page(request, tab, forms_, groups)
    sent = [form for form in forms_ if form.was_on_the_page or _slug(form.channel) == tab]
    save_preferences(request.membership, _changes(sent))
    messages.success(request, _("Your notification preferences are saved."))
    return redirect("notifications:preferences", tab)


def _changes(forms_: Iterable[PreferencesForm]) -> dict[tuple[str, str], bool]:
    changes: dict[tuple[str, str], bool] = {}
    for form in forms_:
        form.full_clean()  # Tick boxes only: every answer is a valid one.
        changes |= form.changes()
    return changes


def _groups_for(member: Membership) -> Sequence[TopicGroup]:
    if not member.account.is_partner:
        return ()
    return [
        group if member.is_admin or not group.for_admins else replace(group, topics=())
        for group in GROUPS
    ]


def _slug(channel: str) -> str:
    return channel.replace("_", "-")


def tab_of(channel: str) -> str:
    """Return the address of the channel's tab."""
    return reverse("notifications:preferences", args=[_slug(channel)])


def _page(
    request: MemberRequest,
    tab: str,
    forms_: Iterable[PreferencesForm],
    groups: Sequence[TopicGroup],
) -> HttpResponse:
    user = request.user
    address = EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True)
    vendor = Vendor.current().name
    # Without topics there is nothing that could be sent there.
    webhooks = endpoint_list(request.membership, OTHER_APPS) if groups else None
    tabs = [
        _tab(form, tab, groups, vendor, webhooks if form.channel == OTHER_APPS else None)
        for form in forms_
    ]
    cells = sum(len(form.fields) for form in map(_form_of, tabs) if form)
    context = {
        "tabs": tabs,
        "current": tab,
        "is_verified": address.exists(),
        "daily_cap": number_format(settings.EMAIL_DAILY_CAP, force_grouping=True),
        # Every count that the page can come to, in whole sentences of the language.
        "unsaved_words": [_unsaved(count) for count in range(cells + 1)],
        "counts": {group.key: _counts(len(group.topics)) for group in groups},
    }
    return render(request, "notifications/preferences.html", context)


def _form_of(tab: Tab) -> forms.BaseForm | None:
    fields = (*tab.switches, *(topic.field for group in tab.groups for topic in group.topics))
    return fields[0].form if fields else None


def _tab(
    form: PreferencesForm,
    current: str,
    groups: Sequence[TopicGroup],
    vendor: str,
    endpoints: EndpointList | None,
) -> Tab:
    slug = _slug(form.channel)
    return Tab(
        slug=slug,
        label=_TABS[form.channel],
        url=tab_of(form.channel),
        is_current=slug == current,
        how=f"notifications/_how_{form.channel}.html",
        endpoints=endpoints,
        switches=tuple(form[name] for name in form.switch_names),
        groups=tuple(
            GroupRows(
                key=group.key,
                label=str(group.label) % {"vendor": vendor},
                locked=tuple(row for row in group.locked if row.channel == form.channel),
                topics=tuple(
                    TopicRow(
                        field=form[t.key],
                        is_own_choice=form.is_own_choice(t.key),
                        keywords=t.keywords,
                    )
                    for t in group.topics
                ),
            )
            for group in groups
            if group.topics or any(row.channel == form.channel for row in group.locked)
        ),
    )


def _unsaved(count: int) -> str:
    if not count:
        return _("No unsaved changes")
    words = ngettext("%(count)d change not saved", "%(count)d changes not saved", count)
    return words % {"count": count}


def _counts(total: int) -> list[str]:
    words = _("%(on)d of %(total)d on")
    return [words % {"on": on, "total": total} for on in range(total + 1)]
