"""What members change: the account's communication, their own preferences."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.audit import record_change
from accounts.models import Account, AuditEntry, Membership, Vendor
from notifications.audit import PEOPLE, in_words, person_in_words, record_communication
from notifications.channels import EMAIL, OTHER_APPS
from notifications.channels.base import DeliveryError
from notifications.delivery.routes import mail_at_once
from notifications.eligibility import Cell
from notifications.facts.people import load_people
from notifications.message_context import link
from notifications.messages import Action, Message
from notifications.models import CommunicationSettings, Preference
from notifications.reasons import Reason
from notifications.selectors import wishes_of
from notifications.text import one_line
from notifications.topics import EMAIL_IF_FAILED, LEAD_ACTIVITY, TOPICS, default_of
from notifications.unsubscribe import make_token
from notifications.words import reason_sentence

# --- Partners › Communication -----------------------------------------------------------


@transaction.atomic
def save_communication(actor: Membership, changes: Mapping[str, Any]) -> None:
    """Store what changes of the account's settings and write it down (R37)."""
    row = lock_communication(actor.account)
    before = in_words(row)
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=changes.keys())
    record_communication(row, before, actor=actor.user)


def lock_communication(account: Account) -> CommunicationSettings:
    """Return the account's row, held until commit: two changes at once queue up."""
    CommunicationSettings.objects.get_or_create(account=account)
    rows = CommunicationSettings.objects.select_for_update(of=("self",))
    return rows.select_related("account", *PEOPLE).get(account=account)


class NotSentError(Exception):
    """The test e-mail was not sent. The message says why, for the person who asked."""


def send_test_email(actor: Membership) -> Membership:
    """Send a marked test to the chosen recipient and return who that is (R39).

    Raises NotSentError.
    """
    recipient = _count_test(actor)
    message = _test_message(recipient)
    try:
        mail_at_once(message, recipient.user.email)
    except DeliveryError as error:
        words = _("The test e-mail could not be sent: %(detail)s")
        raise NotSentError(words % {"detail": one_line(error.detail)}) from error
    return recipient


@transaction.atomic
def _count_test(actor: Membership) -> Membership:
    recipient = lock_communication(actor.account).recipient
    if recipient is None:
        raise NotSentError(_("Choose a recipient first."))
    if not recipient.is_current:
        raise NotSentError(_("The recipient is deactivated. Choose another one."))
    if not load_people([recipient])[recipient.pk].takes_mail:
        raise NotSentError(reason_sentence(Reason.SUPPRESSED_ADDRESS))
    sent = AuditEntry.objects.filter(
        account=actor.account,
        action="communication.test_email",
        at__gt=timezone.now() - timedelta(hours=1),
    )
    if sent.count() >= settings.TEST_EMAILS_PER_HOUR:
        raise NotSentError(_("That was enough tests for now. Try again in an hour."))
    record_change(
        actor.account,
        actor=actor.user,
        action="communication.test_email",
        old="",
        new=person_in_words(recipient),
    )
    return recipient


def _test_message(recipient: Membership) -> Message:
    account = recipient.account
    token = make_token(recipient.pk, [LEAD_ACTIVITY])
    page = link(reverse("notifications:communication"), account=account.slug)
    with translation.override(recipient.user.language):
        name = one_line(account.name)
        return Message(
            public_id=str(uuid.uuid4()),
            language=recipient.user.language,
            subject=_("[Test] Lead activity notifications of %(account)s") % {"account": name},
            sentence=_("This is a test. Lead activity notifications will look like this."),
            facts=((_("Account"), name), (_("Recipient"), person_in_words(recipient))),
            why=(_("Somebody in %(account)s asked for a test e-mail to you.") % {"account": name},),
            stop=(),
            actions=(Action(label=_("Open Communication"), url=page),),
            account_name=name,
            vendor_name=Vendor.current().name,
            unsubscribe_url=link(reverse("notifications:unsubscribe", args=[token])),
            list_id=LEAD_ACTIVITY.replace("_", "-"),
        )


# --- Notifications page -------------------------------------------------------------------


@transaction.atomic
def save_preferences(membership: Membership, changes: Mapping[Cell, bool]) -> None:
    """Store the changed cells; what equals the profile or the default needs no row.

    What the account has locked stays as it is. 6 queries.
    """
    wishes = wishes_of(membership)
    free = {cell: on for cell, on in changes.items() if not wishes.is_locked(*cell)}
    own = {cell: on for cell, on in free.items() if on != wishes.inherited(*cell).is_on}
    obsolete = [cell for cell in free if cell in wishes.choices and cell not in own]
    if obsolete:
        rows = Preference.objects.filter(membership=membership)
        ids = [r.pk for r in rows.only("pk", "channel", "key") if (r.channel, r.key) in obsolete]
        rows.filter(pk__in=ids).delete()
    _choose(membership, own)


def _choose(membership: Membership, cells: Mapping[Cell, bool], unsubscribed: bool = False) -> None:
    Preference.objects.bulk_create(
        [
            Preference(
                membership=membership,
                channel=channel,
                key=key,
                is_on=is_on,
                unsubscribed=unsubscribed,
            )
            for (channel, key), is_on in cells.items()
        ],
        update_conflicts=True,
        unique_fields=["membership", "channel", "key"],
        update_fields=["is_on", "unsubscribed"],
    )


@transaction.atomic
def unsubscribe(membership: Membership, topics: Iterable[str]) -> None:
    """Send no more e-mail about the topics, whatever a profile says, now or later; not even
    instead of an app (R87)."""
    cells = {(EMAIL, topic): False for topic in topics}
    _choose(membership, cells, unsubscribed=True)
    if not all(default_of(EMAIL, topic) for topic in topics if topic in TOPICS):
        save_preferences(membership, {(OTHER_APPS, EMAIL_IF_FAILED): False})
