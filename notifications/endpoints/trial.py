"""A real test message, right now: over the real channel, beside deliveries and health."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record_change
from accounts.models import AuditEntry, Vendor
from notifications.channels.base import Address, DeliveryError
from notifications.channels.registry import sender_of
from notifications.endpoints.listing import page_of
from notifications.endpoints.services import lock_member
from notifications.endpoints.words import failure_words
from notifications.message_context import link
from notifications.messages import Action, Message
from notifications.models import Endpoint
from notifications.text import one_line


class NotArrivedError(Exception):
    """The test did not arrive, or was not sent. The message says why, for its owner."""


def send_test(endpoint: Endpoint) -> str:
    """Send a test and return what the other side answered. Raises NotArrivedError."""
    _count(endpoint)
    address = Address(value=endpoint.address, secrets=endpoint.secrets)
    try:
        with sender_of(endpoint.channel, endpoint.kind).session() as send:
            return send(_message(endpoint), address)
    except DeliveryError as error:
        words = _("The test did not arrive. %(why)s")
        raise NotArrivedError(words % {"why": failure_words(error.detail)}) from error


@transaction.atomic
def _count(endpoint: Endpoint) -> None:
    lock_member(endpoint.membership)
    sent = AuditEntry.objects.filter(
        account=endpoint.membership.account_id,
        actor=endpoint.membership.user_id,
        action="endpoints.test",
        at__gt=timezone.now() - timedelta(hours=1),
    )
    if sent.count() >= settings.TEST_MESSAGES_PER_HOUR:
        raise NotArrivedError(_("That was enough tests for now. Try again in an hour."))
    record_change(
        endpoint.membership.account,
        actor=endpoint.membership.user,
        action="endpoints.test",
        subject=endpoint.name,
        old="",
        new=endpoint.host,
    )


def _message(endpoint: Endpoint) -> Message:
    account = endpoint.membership.account
    sentence = _("This is a test. Notifications will reach you here.")
    page = link(page_of(endpoint), account=account.slug)
    return Message(
        public_id=str(uuid.uuid4()),
        language=endpoint.membership.user.language,
        subject=_("Test: %(name)s") % {"name": one_line(endpoint.name)},
        sentence=sentence,
        facts=(),
        why=(),
        stop=(),
        actions=(Action(label=_("Look at it"), url=page),),
        account_name=one_line(account.name),
        vendor_name=Vendor.current().name,
        type="test",
        occurred_at=timezone.now().isoformat(),
        data={
            "account": account.slug,
            "recipient": endpoint.membership.user.email,
            "sentence": sentence,
            "url": page,
        },
    )
