"""What a user can be notified about, and what a new user gets (contract, section 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
# A switch of every channel: a word more when a visit has ended.
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
class Switch:
    """A row above the topics of a channel. `by_default`: a new user has it on; `is_tick`: shown
    as a tick box (R68: on the desktop are three switches, and those)."""

    label: str | Promise
    description: str | Promise
    by_default: bool = False
    is_tick: bool = False


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

_SUMMARY = Switch(
    label=_("Summary of a visit"),
    description=_(
        "One message more when somebody of whom you were told has looked at three or more other "
        "pages and has gone. The bell shows it in any case."
    ),
)
# By channel and key, in the order of the Notifications page.
CHANNEL_SWITCHES: Mapping[tuple[str, str], Switch] = {
    (EMAIL, "enabled"): Switch(
        label=_("Receive e-mail notifications"),
        description=_("When off, nothing goes by e-mail. What is ticked below is kept."),
        by_default=True,
    ),
    (EMAIL, VISIT_SUMMARY): _SUMMARY,
    (DESKTOP, "bell"): Switch(
        label=_("Bell"),
        description=_(
            "A count in the top bar, and the list of notifications behind it. "
            "When off, neither gets anything new."
        ),
        by_default=True,
    ),
    (DESKTOP, "red_dot"): Switch(
        label=_("Display a red dot in your browser tab"),
        description=_("While something in the bell is unread."),
        is_tick=True,
    ),
    (DESKTOP, "popup"): Switch(
        label=_("Pop-up"),
        description=_(
            "A short message in the corner while this site is open, for what comes into the bell."
        ),
    ),
    (DESKTOP, "browser"): Switch(
        label=_("Browser"),
        description=_(
            "Your browsers tell you, also while none of our pages is open. For each browser "
            "that you add."
        ),
    ),
    (DESKTOP, "names"): Switch(
        label=_("Show names in browser notifications"),
        description=_(
            "Who did what, for everybody who sees your screen. Otherwise only: a lead did "
            "something that matters."
        ),
        is_tick=True,
    ),
    (DESKTOP, VISIT_SUMMARY): replace(_SUMMARY, is_tick=True),
    (OTHER_APPS, "enabled"): Switch(
        label=_("Receive notifications in other apps"),
        description=_("When off, nothing is sent to apps. What is ticked below is kept."),
    ),
    (OTHER_APPS, NO_EMAIL_IF_DELIVERED): Switch(
        label=_("No e-mail if a chat has it"),
        description=_(
            "What Slack or Teams has taken does not come by e-mail as well. "
            "E-mail waits for that, two minutes at most."
        ),
    ),
    (OTHER_APPS, EMAIL_IF_FAILED): Switch(
        label=_("E-mail if an app fails"),
        description=_(
            "What an app cannot take for good comes by e-mail instead, unless you have switched "
            "e-mail off or unsubscribed from the topic."
        ),
        by_default=True,
    ),
    (OTHER_APPS, VISIT_SUMMARY): _SUMMARY,
    (MOBILE, "enabled"): Switch(
        label=_("Receive notifications on your phone"),
        description=_("For each phone or tablet that you add. Only you can add one."),
    ),
    (MOBILE, "names"): Switch(
        label=_("Show names on the lock screen"),
        description=_(
            "Who did what, for everybody who sees your phone. Otherwise only: a lead did "
            "something that matters."
        ),
        is_tick=True,
    ),
    (MOBILE, VISIT_SUMMARY): _SUMMARY,
}


def default_of(channel: str, key: str) -> bool:
    """Return what a new member has in this cell of the Notifications page."""
    if key in TOPICS:
        return channel in TOPICS[key].default_channels
    return CHANNEL_SWITCHES[channel, key].by_default


def topic_choices() -> list[tuple[str, str | Promise]]:
    return [(topic.key, topic.label) for topic in TOPICS.values()]
