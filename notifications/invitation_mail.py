"""The letter with the link of an invitation, by the channel that sends all e-mail."""

from __future__ import annotations

import uuid

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Invitation, Vendor
from accounts.services.invitations import make_token, mark_sent
from accounts.words import role_label
from notifications.delivery.routes import mail_at_once
from notifications.message_context import link
from notifications.messages import Action, Message
from notifications.rendering import local_time
from notifications.text import one_line


def send_invitation(invitation: Invitation) -> None:
    """Mail the newest link; bounded like every e-mail. Raises DeliveryError.

    Not inside a transaction: the invitation is kept whatever the mail server answers.
    """
    with translation.override(invitation.language):
        message = _message(invitation)
    mail_at_once(message, invitation.email)
    mark_sent(invitation)


def _message(invitation: Invitation) -> Message:
    inviter = invitation.invited_by
    assert inviter is not None  # It was sent by who is signed in.
    account, name = one_line(invitation.account.name), one_line(inviter.display_name)
    values = {"name": name, "account": account, "email": inviter.email}
    return Message(
        public_id=str(uuid.uuid4()),
        language=invitation.language,
        subject=_("%(name)s invites you to %(account)s") % values,
        sentence=_("%(name)s invites you to %(account)s.") % values,
        facts=(
            (_("Account"), account),
            (_("Role"), role_label(invitation.role)),
            (_("Valid until"), local_time(invitation.expires_at, inviter.timezone)),
        ),
        why=(
            _("%(name)s (%(email)s) entered your address.") % values,
            _("You do not know why? Ignore this e-mail: nothing happens without you."),
        ),
        stop=(),
        actions=(
            Action(
                label=_("Open the invitation"),
                url=link(reverse("accounts:invitation", args=[make_token(invitation)])),
            ),
        ),
        account_name=account,
        vendor_name=Vendor.current().name,
    )
