"""What every page of the frame shows."""

from typing import Any

from django.http import HttpRequest

from accounts.models import Vendor


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the product's, the vendor's and the account's name. 1 query."""
    return {
        "vendor": Vendor.current(),
        "membership": getattr(request, "membership", None),
        "memberships": getattr(request, "memberships", []),
    }
