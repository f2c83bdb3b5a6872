"""What messages say of an erased person goes too, and none is sent any more (R104)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.functions import Now

from accounts.mentions import mentions, perhaps_mentions
from notifications.endpoints.services import forget_all
from notifications.models import Attempt, Delivery, Endpoint, EndpointHealth, Notification, Visit
from notifications.reasons import Reason
from partners.models import Contact

# A send that is on the wire cannot be called back; its retry asks for consent again.
_STOPPABLE = (Delivery.State.PENDING, Delivery.State.LEASED, Delivery.State.GATHERED)


def forget(email: str, contact: Contact | None) -> None:
    """Cancel what waits, empty the details that show the address, remove the mail files.

    If the person is a user, their own webhooks and devices go, with the secrets.
    Files go once the transaction is committed: a folder cannot be rolled back.
    """
    is_meant = mentions(email)
    own = Endpoint.objects.filter(membership__user__email=email)
    forget_all(own.select_related("membership"))
    named = Notification.objects.filter(membership__user__email=email)
    named.exclude(endpoint_name="").update(endpoint_name="")
    _empty(Delivery, "detail", email, is_meant)
    _empty(Attempt, "detail", email, is_meant)
    _empty(EndpointHealth, "last_error", email, is_meant)
    public_ids: set[str] = set()
    if contact is not None:
        about = Delivery.objects.filter(notification__activity__contact=contact)
        public_ids = {str(pk) for pk in about.values_list("public_id", flat=True)}
        about.filter(state__in=_STOPPABLE).update(
            state=Delivery.State.CANCELLED,
            reason=Reason.NO_CONSENT,
            done_at=Now(),
            lease_token=None,
            lease_until=None,
        )
        # In which order somebody did what is about that person as well. After the deliveries:
        # who holds one may want to write a message of the visit.
        Visit.objects.filter(contact=contact).delete()
    transaction.on_commit(partial(_remove_mail, Path(settings.MAILBOX_DIR), is_meant, public_ids))


def _empty(model: type[Model], field: str, email: str, is_meant: Callable[[str], bool]) -> None:
    rows: QuerySet = model._default_manager.filter(perhaps_mentions(email, field))
    texts = list(rows.values_list("pk", field))
    for pk in (pk for pk, text in texts if is_meant(text)):
        model._default_manager.filter(pk=pk).update(**{field: ""})


def _remove_mail(folder: Path, is_meant: Callable[[str], bool], public_ids: set[str]) -> None:
    for path in folder.glob("*.eml") if folder.is_dir() else ():
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        own = mail.get("X-PN-Delivery") in public_ids
        if own or any(map(is_meant, _texts(mail))):
            path.unlink(missing_ok=True)


def _texts(mail: EmailMessage) -> Iterator[str]:
    """Yield the headers and the text parts, decoded."""
    yield from (str(value) for value in mail.values())
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            yield str(part.get_content())
