"""The keys of the channels, in the order of the tabs of the Notifications page.

Adding one: a module here, a line in registry.py, a fragment of the page, a test.
"""

EMAIL = "email"
DESKTOP = "desktop"
OTHER_APPS = "other_apps"
MOBILE = "mobile"

CHANNEL_KEYS = (EMAIL, DESKTOP, OTHER_APPS, MOBILE)
# They send to what a member has added: webhooks, devices. The others need nothing.
ENDPOINT_CHANNELS = (OTHER_APPS, MOBILE)


def channel_choices() -> list[tuple[str, str]]:
    return [(key, key) for key in CHANNEL_KEYS]
