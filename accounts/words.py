"""Keys in the words of the pages: roles, and what the audit log tells."""

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership


def role_label(role: str) -> str:
    return capfirst(str(Membership.Role(role).label))


AUDIT_AREAS: dict[str, str | Promise] = {
    "users.": _("Users and invitations"),
    "account.": _("Accounts"),
    "communication.": _("Communication settings"),
    "deal_": _("Deals"),
    "endpoints.": _("Apps and devices"),
    "trigger.": _("Triggers"),
    "deliveries.": _("Deliveries"),
    "person_": _("Erased people"),
}
_ACTIONS: dict[str, str | Promise] = {
    "users.invited": _("Invited"),
    "users.invited_again": _("Invited again"),
    "users.invitation_revoked": _("Invitation revoked"),
    "users.joined": _("Invitation accepted"),
    "users.added": _("Added to the account"),
    "users.role": _("Role"),
    "users.edit_partner_settings": _("May edit partner settings"),
    "users.deactivated": _("Deactivated in the account"),
    "users.reactivated": _("Reactivated in the account"),
    "users.removed": _("Removed from the account"),
    "users.is_active": _("User may sign in"),
    "users.is_staff": _("User is an operator"),
    "users.is_superuser": _("User has every permission"),
    "users.second_factor": _("Second factor removed"),
    "account.is_active": _("Account is active"),
    "account.kind": _("Kind of account"),
    "communication.receive_lead_activity": _("Lead activity notifications"),
    "communication.client_activity": _("Clients' activity too"),
    "communication.recipient": _("Recipient"),
    "communication.test_email": _("Test e-mail"),
    "endpoints.added": _("Webhook or device added"),
    "endpoints.name": _("Webhook or device renamed"),
    "endpoints.address": _("Webhook: address"),
    "endpoints.never_twice": _("Webhook: never send twice"),
    "endpoints.switched_on": _("Webhook or device switched on"),
    "endpoints.switched_off": _("Webhook or device switched off"),
    "endpoints.new_secret": _("Webhook: new secret"),
    "endpoints.removed": _("Webhook or device removed"),
    "endpoints.test": _("Test message"),
    "deal_first_partner": _("First partner of a deal"),
    "trigger.enabled": _("Trigger switched"),
    "deliveries.send_again": _("Sent again"),
    "deliveries.send_all_again": _("Sent a range again"),
    "person_erased": _("Person erased"),
}
_VALUES: dict[str, str | Promise] = {"on": _("on"), "off": _("off")}


def audit_action(action: str) -> str:
    return str(_ACTIONS.get(action, action))


def audit_value(value: str) -> str:
    """Return a stored value as a person reads it: a switch, a role, or the text itself."""
    if value in Membership.Role.values:
        return role_label(value)
    return str(_VALUES.get(value, value))
