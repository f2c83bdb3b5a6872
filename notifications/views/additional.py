"""Settings → Partners → Communication: who is told beside the recipient (R38)."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import AccountRequest
from notifications.access import load_additional, load_partner_editor
from notifications.additional.forms import ActionsForm, AddForm
from notifications.additional.services import add_entry, choose_triggers, remove_entry
from notifications.communication.selectors import possible_recipients
from notifications.facts.triggers import load_triggers
from notifications.models import AdditionalRecipient
from notifications.views.communication import communication_page


@login_required
@require_POST
def add(request: AccountRequest) -> HttpResponse:
    membership = load_partner_editor(request)
    rows = AdditionalRecipient.objects.filter(communication__account=membership.account)
    form = AddForm(
        request.POST,
        possible=possible_recipients(membership.account),
        listed=list(rows.values_list("membership_id", flat=True)),
    )
    if not form.is_valid():
        return communication_page(request, membership, {"additional": form.errors}, status=422)
    add_entry(membership.account, form.member, actor=membership.user)
    return _saved(request)


@login_required
@require_POST
def change(request: AccountRequest, pk: int) -> HttpResponse:
    membership, entry = load_additional(request, pk)
    form = ActionsForm(request.POST, entry=entry, triggers=load_triggers())
    if not form.is_valid():
        errors = {"additional": form.errors, "additional_of": pk}
        return communication_page(request, membership, errors, status=422)
    choose_triggers(entry, form.chosen, actor=membership.user)
    return _saved(request)


@login_required
@require_POST
def remove(request: AccountRequest, pk: int) -> HttpResponse:
    membership, entry = load_additional(request, pk)
    remove_entry(entry, actor=membership.user)
    return _saved(request)


def _saved(request: AccountRequest) -> HttpResponse:
    messages.success(request, _("Saved"))
    return redirect(reverse("notifications:communication") + "#additional")
