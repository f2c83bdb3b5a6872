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
    "claim.": _("Who is on it"),
    "absence.": _("Absences"),
    "profiles.": _("Notification profiles"),
    "addresses.": _("Suspended addresses"),
    "deal_": _("Deals"),
    "lead_": _("Leads"),
    "endpoints.": _("Apps and devices"),
    "trigger.": _("Triggers"),
    "activities.": _("Activity"),
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
    "communication.backup": _("Backup recipient"),
    "communication.additional_added": _("Additional recipient added"),
    "communication.additional_triggers": _("Additional recipient: actions"),
    "communication.additional_removed": _("Additional recipient removed"),
    "communication.escalate_after": _("Working hours until somebody else is told"),
    "communication.test_email": _("Test e-mail"),
    "absence.changed": _("Away"),
    "claim.taken": _("Is on it"),
    "claim.released": _("Is not on it any more"),
    "profiles.created": _("Notification profile made"),
    "profiles.renamed": _("Notification profile renamed"),
    "profiles.deleted": _("Notification profile deleted"),
    "profiles.default": _("Notification profile for everyone without another one"),
    "profiles.cell": _("Notification profile: setting"),
    "profiles.given": _("Notification profile given"),
    "profiles.taken": _("Notification profile taken"),
    "endpoints.added": _("App or device added"),
    "endpoints.name": _("App or device renamed"),
    "endpoints.address": _("App: address"),
    "endpoints.never_twice": _("App: never send twice"),
    "endpoints.teaser": _("App: without names"),
    "endpoints.topic": _("App or device: topic"),
    "endpoints.switched_on": _("App or device switched on"),
    "endpoints.switched_off": _("App or device switched off"),
    "endpoints.new_secret": _("Webhook: new secret"),
    "endpoints.removed": _("App or device removed"),
    "endpoints.left": _("Device removed: somebody else signed in there"),
    "endpoints.test": _("Test message"),
    "addresses.suspended": _("E-mail address suspended"),
    "addresses.freed": _("E-mail address freed"),
    "deal_first_partner": _("First partner of a deal"),
    "lead_owner": _("Owner of a lead"),
    "trigger.enabled": _("Trigger switched"),
    "activities.evaluate_again": _("Activities that were set aside tried again"),
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
