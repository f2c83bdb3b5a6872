"""What can send. A delivery's channel is its lane; under "Other apps", the app sends."""

from collections.abc import Mapping

from notifications.channels import EMAIL
from notifications.channels.base import Channel
from notifications.channels.desktop import DesktopChannel
from notifications.channels.email import EmailChannel
from notifications.channels.slack import SlackChannel
from notifications.channels.teams import TeamsChannel
from notifications.channels.web_push import WebPushChannel
from notifications.channels.webhook import WebhookChannel
from partnernotify.mail_servers import stand_ins

SENDERS: Mapping[str, Channel] = {
    sender.key: sender
    for sender in (
        EmailChannel(),
        DesktopChannel(),
        WebPushChannel(),
        SlackChannel(),
        TeamsChannel(),
        WebhookChannel(),
    )
}


def sender_of(channel: str, kind: str = "") -> Channel:
    """Return what sends on a channel. `kind`: of the endpoint, where it has one."""
    return SENDERS[kind or channel]


def mail_stand_ins(channel: str) -> list[EmailChannel]:
    """Return what sends e-mail when the first mail server cannot, in their order."""
    return [EmailChannel(server) for server in stand_ins()] if channel == EMAIL else []
