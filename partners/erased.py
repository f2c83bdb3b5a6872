"""What is left of an erased person: an address that only who knows the e-mail can find."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.crypto import salted_hmac

DOMAIN = "erased.invalid"


def erased_address(email: str) -> str:
    """Return what stands in the place of an erased e-mail. It cannot be read back."""
    digest = salted_hmac("partners.erased", email.lower(), algorithm="sha256").hexdigest()
    return f"erased-{digest[:32]}@{DOMAIN}"


def by_erased_address(emails: Iterable[str]) -> dict[str, str]:
    return {erased_address(email): email for email in emails}
