"""What messages say of an erased person goes too, and none is sent any more (R104)."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from notifications.models import Attempt, Delivery
from notifications.reasons import Reason
from partners.models import Contact

# A send that is on the wire cannot be called back; its retry asks for consent again.
_STOPPABLE = (Delivery.State.PENDING, Delivery.State.LEASED)


def forget(email: str, contact: Contact | None) -> None:
    """Cancel what waits, empty the details that show the address, remove the mail files.

    Files go once the transaction is committed: a folder cannot be rolled back.
    """
    Delivery.objects.filter(detail__icontains=email).update(detail="")
    Attempt.objects.filter(detail__icontains=email).update(detail="")
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
    transaction.on_commit(partial(_remove_mail, Path(settings.MAILBOX_DIR), email, public_ids))


def _remove_mail(folder: Path, email: str, public_ids: set[str]) -> None:
    for path in folder.glob("*.eml") if folder.is_dir() else ():
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        own = mail.get("X-PN-Delivery") in public_ids
        if own or any(email in text.casefold() for text in _texts(mail)):
            path.unlink(missing_ok=True)


def _texts(mail: EmailMessage) -> Iterator[str]:
    """Yield the headers and the text parts, decoded."""
    yield from (str(value) for value in mail.values())
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            yield str(part.get_content())
