"""What must always hold, each as a query that finds the rows that break it.

Runs on any database at any time. `GRACE` is how long work may be on its way.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from accounts.models import Account
from notifications.models import (
    AdditionalRecipient,
    Attempt,
    Decision,
    Delivery,
    Endpoint,
    Notification,
    NotificationReason,
    Visit,
)
from partners.models import Activity, Lead

GRACE = timedelta(minutes=5)
# Both times are of the database's clock, which may be set anew between them.
SWITCHING = timedelta(seconds=5)
# Nobody looks at what waits for its next try, and then for its endpoint: a good day each.
NOT_LOOKED_AT = timedelta(days=3)


def broken() -> Mapping[str, int]:
    """Return for each invariant how many rows break it; all 0 when everything holds."""
    return {name: rows.count() for name, rows in queries().items()}


def queries() -> Mapping[str, QuerySet]:
    return {
        "accepted activity not evaluated": _not_evaluated(),
        "evaluated without a time": Activity.objects.filter(
            Q(state="evaluated", evaluated_at=None)
            | Q(~Q(state="evaluated"), ~Q(evaluated_at=None))
        ),
        "decision to send without a message": Decision.objects.filter(
            outcome="send", notification=None
        ),
        "notification without a delivery": Notification.objects.filter(
            ~Exists(Delivery.objects.filter(notification=OuterRef("pk")))
        ),
        "notification without a reason": Notification.objects.filter(
            ~Exists(NotificationReason.objects.filter(notification=OuterRef("pk")))
        ),
        "due but not taken": Delivery.objects.filter(
            state=Delivery.State.PENDING, not_before__lt=Now() - GRACE
        ),
        "expired and still waiting": _waits_though_expired(),
        "lease over and not taken back": Delivery.objects.filter(
            state__in=Delivery.HELD, lease_until__lt=Now() - GRACE
        ),
        "starts differ from attempts": _starts_differ(),
        "delivered without exactly one accepted attempt": _accepted_attempts()
        .filter(state=Delivery.State.DELIVERED, carrier=None)
        .exclude(accepted=1),
        "gathered in a message that has ended": Delivery.objects.filter(
            Q(carrier=None, not_before__lt=Now() - GRACE)
            | Q(carrier__done_at__lt=Now() - GRACE)
            | Q(carrier__state=Delivery.State.GATHERED),
            state=Delivery.State.GATHERED,
        ),
        "accepted attempt but not delivered": Attempt.objects.filter(outcome="ok").exclude(
            delivery__state=Delivery.State.DELIVERED
        ),
        "attempt begun after the end": Attempt.objects.filter(
            started_at__gt=F("delivery__done_at")
        ),
        "attempt begun before the last one had ended": _overlaps(),
        "sent to an endpoint that was off": _sent_though_off(),
        "gap in attempt numbers": _gaps(),
        "open attempt without a live send": Attempt.objects.filter(
            outcome="", n=F("delivery__starts")
        ).exclude(delivery__state__in=(Delivery.State.SENDING, Delivery.State.UNKNOWN)),
        "failed, suppressed or cancelled without a word": Delivery.objects.filter(
            state__in=("dead", "suppressed", "cancelled"), reason="", detail=""
        ),
        "sent again, but not as the same message": _not_the_same(),
        "sent again before it had ended": Delivery.objects.repeated().exclude(
            state__in=Delivery.FINAL
        ),
        "account differs along the chain": Delivery.objects.exclude(
            account=F("notification__account")
        ),
        "notification to a member of another account": Notification.objects.exclude(
            account=F("membership__account")
        ),
        # The vendor sees all: its partner managers are told of partners' leads.
        "reason of another account": NotificationReason.objects.exclude(
            notification__account__kind=Account.Kind.VENDOR
        ).filter(
            Q(lead__isnull=False) & ~Q(lead__account=F("notification__account"))
            | Q(client__isnull=False) & ~Q(client__account=F("notification__account"))
        ),
        "additional recipient of another account": AdditionalRecipient.objects.exclude(
            Q(membership=None) | Q(membership__account=F("communication__account"))
        ),
        "owner of another account's lead": Lead.objects.exclude(
            Q(owner=None) | Q(owner__account=F("account"))
        ),
        "visit of another account": Notification.objects.filter(visit__isnull=False).exclude(
            account=F("visit__account")
        ),
        "visit over and not closed": Visit.objects.filter(ended_at=None, due_at__lt=Now() - GRACE),
        "two active registrations of one domain": _doubly_registered(),
    }


def _not_evaluated() -> QuerySet:
    return Activity.objects.filter(
        Q(not_before=None) | Q(not_before__lt=Now() - GRACE),
        state=Activity.State.PENDING,
        received_at__lt=Now() - GRACE,
    )


def _waits_though_expired() -> QuerySet:
    at_most = settings.DELIVERY_EXPIRES + NOT_LOOKED_AT
    pending = Delivery.objects.filter(state=Delivery.State.PENDING)
    return pending.alias(since=Coalesce("ages_from", "created_at")).filter(
        since__lt=Now() - at_most
    )


def _starts_differ() -> QuerySet:
    return Delivery.objects.annotate(begun=Count("attempts")).exclude(begun=F("starts"))


def _accepted_attempts() -> QuerySet:
    accepted = Count("attempts", filter=Q(attempts__outcome="ok"))
    return Delivery.objects.annotate(accepted=accepted)


def _not_the_same() -> QuerySet:
    """Each replay follows the row that it repeats, with the same public id."""
    repeated = Delivery.objects.filter(
        notification=OuterRef("notification"),
        channel=OuterRef("channel"),
        endpoint_key=OuterRef("endpoint_key"),
        public_id=OuterRef("public_id"),
        replay=OuterRef("replay") - 1,
    )
    return Delivery.objects.filter(~Exists(repeated), replay__gt=0)


def _gaps() -> QuerySet:
    return (
        Attempt.objects.values("delivery")
        .annotate(last=Max("n"), begun=Count("pk"))
        .exclude(last=F("begun"))
    )


def _overlaps() -> QuerySet:
    unended = Q(ended_at=None) | Q(ended_at__gt=OuterRef("started_at"))
    before = Attempt.objects.filter(unended, delivery=OuterRef("delivery"), n=OuterRef("n") - 1)
    return Attempt.objects.filter(Exists(before), n__gt=1)


def _sent_though_off() -> QuerySet:
    off = Endpoint.objects.filter(
        key=OuterRef("delivery__endpoint_key"),
        disabled_at__lt=OuterRef("started_at") - SWITCHING,
    )
    return Attempt.objects.filter(Exists(off))


def _doubly_registered() -> QuerySet:
    active = Q(status=Lead.Status.REGISTERED, registered_at__lte=Now()) & (
        Q(expires_at=None) | Q(expires_at__gt=Now())
    )
    return (
        Lead.objects.filter(active)
        .values("domain")
        .annotate(owners=Count("account", distinct=True))
        .filter(owners__gt=1)
        .order_by()
    )
