"""What every page of the frame shows."""

from typing import Any

from django.http import HttpRequest

from accounts.models import User, Vendor


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the product's, the vendor's and the account's name. 1 query."""
    user = getattr(request, "user", None)
    return {
        "vendor": Vendor.current(),
        "membership": getattr(request, "membership", None),
        "memberships": getattr(request, "memberships", []),
        "initials": _initials(user) if isinstance(user, User) else "",
    }


def _initials(user: User) -> str:
    words = user.display_name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
