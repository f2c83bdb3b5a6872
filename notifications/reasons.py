"""The closed list of reasons (contract, section 3), and a sentence for each."""

from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext


class Reason(StrEnum):
    SENT = "sent"
    NO_REGISTRATION = "no_registration"
    REGISTRATION_NOT_ACTIVE = "registration_not_active"
    REGISTERED_LATER = "registered_later"
    NOT_PARTNER = "not_partner"
    TRIGGER_OFF = "trigger_off"
    ACCOUNT_TOGGLE_OFF = "account_toggle_off"
    NO_RECIPIENT = "no_recipient"
    RECIPIENT_INACTIVE = "recipient_inactive"
    RECIPIENT_CHANGED = "recipient_changed"
    EMAIL_OFF = "email_off"
    TOPIC_OFF = "topic_off"
    COOLDOWN = "cooldown"
    DAILY_CAP = "daily_cap"
    SUPPRESSED_ADDRESS = "suppressed_address"
    INTERNAL = "internal"
    BOT = "bot"
    STALE = "stale"
    NO_CONSENT = "no_consent"
    NO_COMPANY = "no_company"
    COMPANY_OWNER_NOT_GS = "company_owner_not_gs"
    NO_COSOLD_DEAL = "no_cosold_deal"
    NOT_SHARED = "not_shared"
    NOT_FIRST_PARTNER = "not_first_partner"
    NOT_OWNER_OR_TEAM = "not_owner_or_team"
    NO_LONGER_MEMBER = "no_longer_member"
    USER_INACTIVE = "user_inactive"
    ALREADY_SIGNED_UP = "already_signed_up"
    # Of additional recipients (R38); the contract's list has no word for them.
    TRIGGER_NOT_CHOSEN = "trigger_not_chosen"
    NO_LONGER_RECIPIENT = "no_longer_recipient"
    LOOKED_AT = "looked_at"
    AWAY = "away"


def stale_hours() -> int:
    return settings.STALE_AFTER // timedelta(hours=1)


def _stale() -> str:
    """True of what came late, of what could not be evaluated and of what could not be sent."""
    words = ngettext(
        "The event was more than %(hours)d hour old before it could be told.",
        "The event was more than %(hours)d hours old before it could be told.",
        stale_hours(),
    )
    return words % {"hours": stale_hours()}


SENTENCES: dict[Reason, str | Promise] = {
    Reason.SENT: _("Sent."),
    Reason.NO_REGISTRATION: _("This person is nobody's registered lead or client."),
    Reason.REGISTRATION_NOT_ACTIVE: _("The registration was not active."),
    Reason.REGISTERED_LATER: _("The lead was registered after this action."),
    Reason.NOT_PARTNER: _("The account is not an active partner."),
    Reason.TRIGGER_OFF: _("Notifications about this action are switched off."),
    Reason.ACCOUNT_TOGGLE_OFF: _("The account does not receive lead activity notifications."),
    Reason.NO_RECIPIENT: _("The account has chosen no recipient."),
    Reason.RECIPIENT_INACTIVE: _("The recipient is deactivated."),
    Reason.RECIPIENT_CHANGED: _("The account chose another recipient before it was sent."),
    Reason.EMAIL_OFF: _("E-mail is switched off for the recipient."),
    Reason.TOPIC_OFF: _("The topic is not ticked for the user."),
    Reason.COOLDOWN: _("The same action was already reported within 24 hours."),
    Reason.DAILY_CAP: _("The daily limit of e-mails for this topic was reached."),
    Reason.SUPPRESSED_ADDRESS: _("The address is not verified, or does not accept our e-mail."),
    Reason.INTERNAL: _("The visitor is a user of this system."),
    Reason.BOT: _("The visitor is a robot or a link scanner."),
    Reason.STALE: lazy(_stale, str)(),
    Reason.NO_CONSENT: _("The visitor has denied consent."),
    Reason.NO_COMPANY: _("This person belongs to no known company."),
    Reason.COMPANY_OWNER_NOT_GS: _("The company is not owned by a growth specialist."),
    Reason.NO_COSOLD_DEAL: _("The company has no co-sold deal."),
    Reason.NOT_SHARED: _("The deal is not shared with the user's account."),
    Reason.NOT_FIRST_PARTNER: _("Only the first partner of a shared deal is notified."),
    Reason.NOT_OWNER_OR_TEAM: _("The user is not the deal's owner or on its team."),
    Reason.NO_LONGER_MEMBER: _("The user left the deal before it was sent."),
    Reason.USER_INACTIVE: _("The user is deactivated."),
    Reason.ALREADY_SIGNED_UP: _("This person had signed up before."),
    Reason.TRIGGER_NOT_CHOSEN: _("Other actions were chosen for this person, not this one."),
    Reason.NO_LONGER_RECIPIENT: _(
        "The user was no longer among the additional recipients when it was to be sent."
    ),
    Reason.AWAY: _("The user is away, and is told by the bell alone."),
    Reason.LOOKED_AT: _("Somebody has looked at it, or is on it."),
}


# Of an "off" that the member has from the account.
_SENTENCES_OF_PROFILE: dict[Reason, str | Promise] = {
    Reason.EMAIL_OFF: _("E-mail is off by the account's profile “%(profile)s”."),
    Reason.TOPIC_OFF: _("The topic is off by the account's profile “%(profile)s”."),
}


def sentence_of(reason: Reason, profile: str = "") -> str:
    """Return the reason in words. `profile`: whose word an "off" is; empty: the member's own."""
    of_profile = _SENTENCES_OF_PROFILE.get(reason) if profile else None
    return str(of_profile) % {"profile": profile} if of_profile else str(SENTENCES[reason])


# What speaks against an event, whosever lead it is: who reads it learns of nobody else.
OF_THE_EVENT = (Reason.NO_CONSENT, Reason.INTERNAL, Reason.BOT, Reason.STALE)
# The account's registration or share did not cover the action: that it happened is not
# this account's business (R13, R45, R48).
NOT_ITS_OWN = (
    Reason.REGISTRATION_NOT_ACTIVE,
    Reason.REGISTERED_LATER,
    Reason.NOT_PARTNER,
    Reason.NOT_SHARED,
    Reason.NOT_FIRST_PARTNER,
)


def reason_choices() -> list[tuple[str, str | Promise]]:
    return [(reason.value, SENTENCES[reason]) for reason in Reason]
