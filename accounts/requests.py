"""The request as the views see it: with the member as whom the user acts."""

from django.http import HttpRequest

from accounts.models import Membership, User


class AccountRequest(HttpRequest):
    """A request after AccountContextMiddleware. No membership: no account, or no log-in."""

    user: User
    membership: Membership | None
    memberships: list[Membership]


class MemberRequest(AccountRequest):
    """A request behind `member_required`."""

    membership: Membership
