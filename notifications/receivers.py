"""One line per announcement of the lower apps, and of the mail service."""

from collections.abc import Iterable
from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from anymail.signals import AnymailTrackingEvent, tracking
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import Membership, User
from accounts.signals import membership_removed, memberships_deactivated
from notifications import erasure, mail_reports
from notifications.delivery.suspension import free
from notifications.doorbell import EVALUATE, ring_after_commit
from notifications.endpoints.devices import SESSION_KEY, forget_devices, sign_out
from notifications.endpoints.services import forget_all
from notifications.leaving import drop_recipient
from notifications.models import Absence, ProfileMember
from partners.models import Contact
from partners.signals import activities_recorded, person_erased


@receiver(activities_recorded)
def on_activities_recorded(**_kwargs: Any) -> None:
    ring_after_commit(EVALUATE)


@receiver(person_erased)
def on_person_erased(email: str, contact: Contact | None, **_kwargs: Any) -> None:
    erasure.forget(email, contact)


@receiver(membership_removed)
def on_membership_removed(membership: Membership, actor: User, **_kwargs: Any) -> None:
    drop_recipient(membership, actor=actor)
    forget_all(membership.endpoints.select_related("membership"))
    ProfileMember.objects.filter(membership=membership).delete()
    membership.claims.all().delete()
    Absence.objects.filter(membership=membership).delete()
    Absence.objects.filter(deputy=membership).update(deputy=None)


@receiver(memberships_deactivated)
def on_memberships_deactivated(memberships: Iterable[Membership], **_kwargs: Any) -> None:
    forget_devices(memberships)


@receiver(user_logged_out)
def on_user_logged_out(request: HttpRequest, user: User | None, **_kwargs: Any) -> None:
    if user and (key := request.session.get(SESSION_KEY)):
        sign_out(user, key)


@receiver(tracking)
def on_mail_report(event: AnymailTrackingEvent, **_kwargs: Any) -> None:
    mail_reports.take(event)


@receiver(email_confirmed)
def on_address_confirmed(email_address: EmailAddress, **_kwargs: Any) -> None:
    free(email_address.email, actor=email_address.user)
