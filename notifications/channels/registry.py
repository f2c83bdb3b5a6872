"""The channels that can send. A delivery's channel is also its lane."""

from collections.abc import Mapping

from notifications.channels.base import Channel
from notifications.channels.desktop import DesktopChannel
from notifications.channels.email import EmailChannel
from notifications.channels.web_push import WebPushChannel
from notifications.channels.webhook import WebhookChannel

CHANNELS: Mapping[str, Channel] = {
    channel.key: channel
    for channel in (
        EmailChannel(),
        DesktopChannel(),
        WebhookChannel(),
        WebPushChannel(),
    )
}
