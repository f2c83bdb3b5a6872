"""Settings → Partners → Communication: every change saves at once (R24-R39)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Membership
from accounts.requests import AccountRequest
from notifications.access import load_partner_editor, load_partner_member
from notifications.additional.forms import AddForm
from notifications.additional.selectors import lines_of
from notifications.communication.history import change_history
from notifications.communication.recent import recent_decisions
from notifications.communication.selectors import (
    communication_of,
    deal_people,
    possible_recipients,
)
from notifications.communication.warnings import warning_about, warning_about_escalation
from notifications.forms import CommunicationForm
from notifications.services import NotSentError, save_communication, send_test_email

if TYPE_CHECKING:
    from notifications.models import CommunicationSettings


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def communication(request: AccountRequest) -> HttpResponse:
    if request.method != "POST":
        return communication_page(request, load_partner_member(request))
    membership = load_partner_editor(request)
    form = CommunicationForm(
        request.POST,
        stored=communication_of(membership.account),
        possible=possible_recipients(membership.account),
        may_edit=True,
    )
    if not form.is_valid():
        return communication_page(request, membership, form.errors, status=422)
    save_communication(membership, form.changes())
    messages.success(request, _("Saved"))
    return redirect("notifications:communication")


def communication_page(
    request: AccountRequest,
    membership: Membership,
    errors: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render what is stored; a refused value is not shown, only why it was refused."""
    account = membership.account
    stored = communication_of(account)
    possible = possible_recipients(account)
    may_edit = membership.may_edit_partner_settings
    additional = lines_of(stored)
    listed = [line.member_id for line in additional]
    warning = warning_about(stored, membership, tells_others=any(x.is_told for x in additional))
    beside = [line.member_id for line in additional if line.member_id and line.hears_all]
    form = CommunicationForm(stored=stored, possible=possible, may_edit=may_edit)
    context = {
        "form": form,
        "errors": errors or {},
        "stored": stored,
        "may_edit": may_edit,
        "may_test": may_edit and _may_test(stored),
        "is_told": stored.receive_lead_activity and warning is None,
        "is_alone": len(possible) <= 1,
        "warning": warning,
        "unreached": warning_about_escalation(stored, beside),
        "additional": additional,
        "add_form": AddForm(possible=possible, listed=listed) if may_edit else None,
        "deal_people": deal_people(account),
        "recent": recent_decisions(account),
        "history": change_history(account),
    }
    return render(request, "notifications/communication.html", context, status=status)


def _may_test(stored: CommunicationSettings) -> bool:
    recipient = stored.recipient
    return stored.receive_lead_activity and recipient is not None and recipient.is_current


@login_required
@require_POST
def test_email(request: AccountRequest) -> HttpResponse:
    membership = load_partner_editor(request)
    try:
        recipient = send_test_email(membership)
    except NotSentError as error:
        messages.error(request, str(error))
    else:
        words = _("Test e-mail sent to %(email)s.")
        messages.success(request, words % {"email": recipient.user.email})
    return redirect("notifications:communication")
