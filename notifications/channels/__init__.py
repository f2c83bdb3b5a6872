"""The channels, and the apps of one of them: keys and names."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

EMAIL = "email"
DESKTOP = "desktop"
OTHER_APPS = "other_apps"
MOBILE = "mobile"

# In the order of the tabs of the Notifications page.
CHANNELS: Mapping[str, str | Promise] = {
    EMAIL: _("E-mail"),
    DESKTOP: _("Desktop"),
    OTHER_APPS: _("Other apps"),
    MOBILE: _("Mobile app"),
}
CHANNEL_KEYS = tuple(CHANNELS)
# They send to what a member has added: browsers, apps, phones.
ENDPOINT_CHANNELS = tuple(key for key in CHANNEL_KEYS if key != EMAIL)
# Of those, what a browser subscribed to: each such endpoint is one browser on one device.
PUSH_CHANNELS = (DESKTOP, MOBILE)
# The endpoint of what needs none: the member's own mailbox and bell.
OWN = "user"

# What can be connected under "Other apps", in the order of its list. Each sends in its own
# way; the other channels have one way only.
SLACK = "slack"
TEAMS = "teams"
WEBHOOK = "webhook"

APP_KEYS = (SLACK, TEAMS, WEBHOOK)
# People read there; a webhook is read by a program.
CHAT_KEYS = (SLACK, TEAMS)


def channel_choices() -> list[tuple[str, str]]:
    return [(key, key) for key in CHANNEL_KEYS]


def app_choices() -> list[tuple[str, str]]:
    return [(key, key) for key in APP_KEYS]
