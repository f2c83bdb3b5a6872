"""The channels that can send. A delivery's channel is also its lane."""

from collections.abc import Mapping

from notifications.channels.base import Channel
from notifications.channels.desktop import DesktopChannel
from notifications.channels.email import EmailChannel

CHANNELS: Mapping[str, Channel] = {
    channel.key: channel
    for channel in (
        EmailChannel(),
        DesktopChannel(),
    )
}
