"""The apps that a member can connect under "Other apps", as the pages show them.

One more: its module in channels/ with a line in the registry, its key, and an entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.channels import APP_KEYS, CHAT_KEYS, SLACK, TEAMS, WEBHOOK, slack, teams
from notifications.channels.addresses import check_url


@dataclass(frozen=True, kw_only=True)
class App:
    """`about`: what it is good for. `steps`: where its address comes from. `check` returns
    the address as it is used; ValidationError when it is none of this app."""

    key: str
    label: str | Promise
    about: str | Promise
    action: str | Promise
    submit: str | Promise
    name_hint: str | Promise
    address_hint: str | Promise
    placeholder: str
    check: Callable[[str], str]
    steps: tuple[str | Promise, ...] = ()

    @property
    def is_chat(self) -> bool:
        """Whether people read there; then its address is a secret."""
        return self.key in CHAT_KEYS

    @property
    def url(self) -> str:
        """Where it is connected."""
        return reverse(f"notifications:add_{self.key}")


_SECRET_ADDRESS = _(
    "Whoever knows it can write into the channel. It is kept encrypted and not shown again."
)

_ALL = (
    App(
        key=SLACK,
        label="Slack",
        about=_("Each notification as a message in a channel of your workspace."),
        action=_("Connect Slack"),
        submit=_("Connect"),
        name_hint=_("What you call it, for example “#partners in Slack”."),
        address_hint=_SECRET_ADDRESS,
        placeholder="https://hooks.slack.com/services/…",
        check=slack.check_address,
        steps=(
            _(
                "Open api.slack.com/apps, choose “Create New App” and “From scratch”, and pick the "
                "workspace. One app serves several channels."
            ),
            _("In the app's menu, choose “Incoming Webhooks” and switch them on."),
            _("Choose “Add New Webhook to Workspace” and the channel that gets the messages."),
            _("Copy the webhook URL and enter it below."),
        ),
    ),
    App(
        key=TEAMS,
        label="Microsoft Teams",
        about=_("Each notification as a card in a channel or chat of yours."),
        action=_("Connect Microsoft Teams"),
        submit=_("Connect"),
        name_hint=_("What you call it, for example “Partners in Teams”."),
        address_hint=_SECRET_ADDRESS,
        placeholder="https://….powerplatform.com/…",
        check=teams.check_address,
        steps=(
            _("In Teams, open the “…” menu beside the channel and choose “Workflows”."),
            _("Choose “Send webhook alerts to a channel”, and sign in if Teams asks."),
            _("Check the team and the channel, and save the workflow."),
            _("Copy the address that Teams shows then, and enter it below."),
        ),
    ),
    App(
        key=WEBHOOK,
        label=_("Webhook"),
        about=_(
            "Hands each notification to another program the moment it happens: your CRM, an "
            "automation, a script of your own."
        ),
        action=_("Add webhook"),
        submit=_("Add"),
        name_hint=_("What you call it, for example “CRM of the sales team”."),
        address_hint=_(
            "The webhook URL that the other program gave you. It begins with https:// and is "
            "shown to you only."
        ),
        placeholder="https://",
        check=check_url,
    ),
)
APPS: Mapping[str, App] = {key: app for key in APP_KEYS for app in _ALL if app.key == key}
