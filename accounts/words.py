"""Keys in the words of the pages: roles."""

from django.utils.text import capfirst

from accounts.models import Membership


def role_label(role: str) -> str:
    return capfirst(str(Membership.Role(role).label))
