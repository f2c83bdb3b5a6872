"""Settings → Notification profiles: who edits partner settings makes them, others read (R73).

Saving asks first whom it changes; a script or an old page that posts at once is asked, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import Membership, Vendor
from accounts.requests import AccountRequest
from accounts.services.members import lock_account
from notifications.access import load_partner_editor, load_partner_member, load_profile
from notifications.channels import CHANNEL_KEYS
from notifications.eligibility import Cell
from notifications.facts.wishes import as_profile
from notifications.forms import PreferencesForm
from notifications.matrix import Matrix, Row, check_tab, slug_of, tab_words
from notifications.models import Profile
from notifications.profiles import services
from notifications.profiles.forms import NameForm, ProfileForm, ProfileTabForm
from notifications.profiles.impact import Impact, Plan, impact_of
from notifications.profiles.selectors import (
    cell_changes,
    member_choices,
    profile_history,
    profiles_of,
)
from notifications.profiles.services import TooManyProfilesError
from notifications.topics import GROUPS

# What only this request says, and the form that asks once more does not.
_NOT_AGAIN = frozenset({"csrfmiddlewaretoken", "confirmed", "edit"})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profiles(request: AccountRequest) -> HttpResponse:
    if request.method != "POST":
        member = load_partner_member(request)
        return _list(request, member, NameForm(account=member.account))
    member = load_partner_editor(request)
    form = NameForm(request.POST, account=member.account)
    with transaction.atomic():
        lock_account(member.account)  # Two at once do not take the same name.
        if form.is_valid():
            try:
                name = form.cleaned_data["name"]
                made = services.create_profile(member.user, member.account, name)
            except TooManyProfilesError:
                form.add_error(None, _("That is enough: delete a profile that you no longer need."))
            else:
                messages.success(request, _("The profile is made. It changes nothing yet."))
                return redirect("notifications:profile", made.pk)
    return _list(request, member, form, status=422)


def _list(
    request: AccountRequest, member: Membership, form: NameForm, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "lines": profiles_of(member.account),
        "may_edit": member.may_edit_partner_settings,
        "history": profile_history(member.account),
    }
    return render(request, "notifications/profiles.html", context, status=status)


# --- One profile ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Forms:
    profile: Profile
    about: ProfileForm
    tabs: tuple[ProfileTabForm, ...]

    def is_valid(self) -> bool:
        for form in self.tabs:
            form.full_clean()  # Tick boxes only: every answer is a valid one.
        return self.about.is_valid()

    def plan(self, current: str) -> Plan:
        """Return the profile as the forms say; what was not on the page stays."""
        cells: dict[Cell, bool] = {}
        locks: dict[Cell, bool] = {}
        for form in self.tabs:
            if form.was_on_the_page or slug_of(form.channel) == current:
                cells |= form.changes()
                locks |= form.lock_changes()
        name = self.about.cleaned_data["name"]
        return Plan(
            pk=self.profile.pk,
            after=as_profile(self.profile).changed(name, cells, locks),
            is_default=self.about.is_default_after(),
            member_ids=self.about.member_ids_after(),
        )


def _forms(request: AccountRequest, profile: Profile, *, may_edit: bool) -> _Forms:
    data = request.POST if request.method == "POST" else None
    choices, member_ids = member_choices(profile)
    said = as_profile(profile)
    return _Forms(
        profile=profile,
        about=ProfileForm(
            data, profile=profile, choices=choices, member_ids=member_ids, may_edit=may_edit
        ),
        tabs=tuple(
            ProfileTabForm(data, channel=c, profile=said, groups=GROUPS, may_edit=may_edit)
            for c in CHANNEL_KEYS
        ),
    )


@login_required
@require_GET
def start(request: AccountRequest, pk: int) -> HttpResponse:
    load_profile(request, pk)
    return redirect("notifications:profile_tab", pk, "email")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: AccountRequest, pk: int, tab: str) -> HttpResponse:
    check_tab(tab)
    row = load_profile(request, pk)
    if request.method != "POST":
        may_edit = load_partner_member(request).may_edit_partner_settings
        return _page(request, _forms(request, row, may_edit=may_edit), tab, may_edit=may_edit)
    editor = load_partner_editor(request)
    forms_ = _forms(request, row, may_edit=True)
    if not forms_.is_valid() or "edit" in request.POST:
        return _page(request, forms_, tab, may_edit=True)
    plan = forms_.plan(tab)
    impact = impact_of(editor.account, plan)
    if impact and "confirmed" not in request.POST:
        return _ask(request, row, plan, impact, tab)
    with transaction.atomic():
        lock_account(editor.account)
        # Somebody else may have saved since: what they changed stays.
        forms_ = _forms(request, load_profile(request, pk), may_edit=True)
        if not forms_.is_valid():
            return _page(request, forms_, tab, may_edit=True)
        services.save_profile(editor.user, forms_.profile, forms_.plan(tab))
    messages.success(request, _("The profile is saved."))
    return redirect("notifications:profile_tab", row.pk, tab)


def _page(request: AccountRequest, forms_: _Forms, current: str, *, may_edit: bool) -> HttpResponse:
    row = forms_.profile
    matrix = Matrix(
        current=current,
        vendor=Vendor.current().name,
        groups=GROUPS,
        url_of=lambda slug: reverse("notifications:profile_tab", args=[row.pk, slug]),
        row=_row,
    )
    tabs = [matrix.tab(form) for form in forms_.tabs]
    context = {
        "profile": row,
        "form": forms_.about,
        "tabs": tabs,
        "may_edit": may_edit,
        "read_only": not may_edit,
        "about_others": True,
        "history": profile_history(row.account, row.name),
        **tab_words(tabs, GROUPS, beside=forms_.about.boxes),
    }
    status = 422 if forms_.about.errors else 200
    return render(request, "notifications/profile.html", context, status=status)


def _row(form: PreferencesForm, key: str) -> Row:
    assert isinstance(form, ProfileTabForm)
    topic = form.topics.get(key)
    return Row(
        field=form[key],
        source="",
        lock=form.lock_of(key),
        keywords=topic.keywords if topic else "",
    )


def _ask(
    request: AccountRequest, row: Profile, plan: Plan, impact: Impact, tab: str
) -> HttpResponse:
    """Show what and whom it changes, and carry what was posted to the next request."""
    assert plan.after
    context = {
        "profile": row,
        "impact": impact,
        "changes": cell_changes(as_profile(row), plan.after),
        "back": reverse("notifications:profile_tab", args=[row.pk, tab]),
        "posted": _posted(request),
    }
    return render(request, "notifications/profile_save.html", context)


def _posted(request: AccountRequest) -> Iterable[tuple[str, str]]:
    return [
        (name, str(value))
        for name, values in request.POST.lists()
        if name not in _NOT_AGAIN
        for value in values
    ]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: AccountRequest, pk: int) -> HttpResponse:
    row = load_profile(request, pk)
    editor = load_partner_editor(request)
    if request.method == "POST":
        services.delete_profile(editor.user, row)
        messages.success(request, _("The profile is deleted. Own choices are kept."))
        return redirect("notifications:profiles")
    plan = Plan(pk=row.pk, after=None, is_default=False, member_ids=frozenset())
    context = {"profile": row, "impact": impact_of(editor.account, plan)}
    return render(request, "notifications/profile_remove.html", context)
