"""What a user can be notified about, and what a new user gets (contract, section 2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.channels import DESKTOP, EMAIL, MOBILE, OTHER_APPS

CO_SELLING = "co_selling_prospect_activity"
LEAD_ACTIVITY = "registered_lead_activity"
DELIVERY_PROBLEMS = "delivery_problems"
ESCALATION = "escalation"

# Switches of "Other apps" that are about e-mail (R87).
NO_EMAIL_IF_DELIVERED = "no_email_if_delivered"
EMAIL_IF_FAILED = "email_if_failed"
# A switch of e-mail, apps and phones: a word more when a visit has ended.
VISIT_SUMMARY = "visit_summary"


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A row of the Notifications page. `default_channels`: where a new user has it on.
    `keywords`: what people search for, in every language at once; never shown."""

    key: str
    label: str | Promise
    description: str | Promise
    default_channels: frozenset[str]
    keywords: str = ""


@dataclass(frozen=True, kw_only=True)
class LockedTopic:
    """A row that cannot be switched off (R72): shown on its channel, stored nowhere."""

    label: str | Promise
    description: str | Promise
    channel: str


@dataclass(frozen=True, kw_only=True)
class TopicGroup:
    """`label` may hold the vendor's name. `for_admins`: nobody else has these topics."""

    key: str
    label: str | Promise
    topics: tuple[Topic, ...]
    locked: tuple[LockedTopic, ...] = ()
    for_admins: bool = False


ESCALATED = Topic(
    key=ESCALATION,
    label=_("Nobody has looked yet"),
    description=_(
        "Something happened, and nobody who was told has looked at it for as long as the account "
        "has set under Partners › Communication. For the backup recipient and admins."
    ),
    default_channels=frozenset({EMAIL, DESKTOP}),
    keywords="escalation unread eskalacja nieprzeczytane",
)
PARTNERS = TopicGroup(
    key="partners",
    label=_("%(vendor)s Partners"),
    topics=(
        Topic(
            key=CO_SELLING,
            # The name stays as it is in every language (F17).
            label="Co Selling Prospect Activity",
            description=_(
                "Someone from a company with a shared deal of yours signs up for the CRM. "
                "For deal owners and deal teams."
            ),
            default_channels=frozenset(),
            keywords="deal cosell sign-up registration transakcja rejestracja sprzedaż",
        ),
        Topic(
            key=LEAD_ACTIVITY,
            label=_("Registered lead activity"),
            description=_(
                "A lead or client of your account views pricing, asks for a demo or does something "
                "else that matters. For those chosen under Partners › Communication."
            ),
            default_channels=frozenset({EMAIL, DESKTOP}),
            keywords="clients pricing demo registration klienci ceny rejestracja leady",
        ),
        ESCALATED,
    ),
)
ACCOUNT = TopicGroup(
    key="account",
    label=_("Your account"),
    for_admins=True,
    locked=(
        LockedTopic(
            label=_("Signing in"),
            description=_("Password resets and invitations: you get them because somebody asked."),
            channel=EMAIL,
        ),
    ),
    topics=(
        Topic(
            key=DELIVERY_PROBLEMS,
            label=_("Delivery problems"),
            description=_(
                "Something happened and nobody in your account could be told, for example "
                "because the recipient is deactivated. For admins; once per cause."
            ),
            # The bell, not e-mail: it is a word on the account, not on a lead.
            default_channels=frozenset({DESKTOP}),
            keywords="error warning admin błąd ostrzeżenie administrator",
        ),
    ),
)
# What the vendor's partner managers can be told.
OF_MANAGERS = TopicGroup(key="managers", label=_("Partners"), topics=(ESCALATED,))
GROUPS = (PARTNERS, ACCOUNT)
TOPICS: Mapping[str, Topic] = {t.key: t for group in GROUPS for t in group.topics}

# Channel switches of the Notifications page: (channel, part) and what a new user has.
SWITCH_DEFAULTS: Mapping[tuple[str, str], bool] = {
    (EMAIL, "enabled"): True,
    (EMAIL, VISIT_SUMMARY): False,
    (DESKTOP, "bell"): True,
    (DESKTOP, "popup"): False,
    (DESKTOP, "browser"): False,
    (DESKTOP, "red_dot"): False,
    (DESKTOP, "names"): False,
    (OTHER_APPS, "enabled"): False,
    (OTHER_APPS, NO_EMAIL_IF_DELIVERED): False,
    (OTHER_APPS, EMAIL_IF_FAILED): True,
    (OTHER_APPS, VISIT_SUMMARY): False,
    (MOBILE, "enabled"): False,
    (MOBILE, "names"): False,
    (MOBILE, VISIT_SUMMARY): False,
}


def default_of(channel: str, key: str) -> bool:
    """Return what a new member has in this cell of the Notifications page."""
    if key in TOPICS:
        return channel in TOPICS[key].default_channels
    return SWITCH_DEFAULTS[channel, key]


def topic_choices() -> list[tuple[str, str | Promise]]:
    return [(topic.key, topic.label) for topic in TOPICS.values()]
