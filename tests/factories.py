"""Plain functions that make rows: keyword arguments, sensible defaults, no library."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.models import Account, Membership, User
from notifications.channels import DESKTOP, MOBILE, OTHER_APPS, WEBHOOK
from notifications.channels.chat import make_secrets as make_chat_secrets
from notifications.channels.chat import shown_address
from notifications.channels.webhook import make_secrets
from notifications.models import (
    CommunicationSettings,
    Endpoint,
    Preference,
    Profile,
    ProfileCell,
    ProfileMember,
)
from notifications.topics import LEAD_ACTIVITY
from partners.keys import create_write_key
from partners.models import (
    Activity,
    Client,
    Company,
    CompanyContact,
    Contact,
    Deal,
    DealMember,
    DealShare,
    Lead,
    Source,
)

_numbers = itertools.count(1)


def make_account(slug: str = "", *, kind: str = "partner", **fields: Any) -> Account:
    slug = slug or f"account-{next(_numbers)}"
    fields.setdefault("name", slug.title())
    return Account.objects.create(slug=slug, kind=kind, **fields)


def make_user(email: str = "", **fields: Any) -> User:
    email = email or f"user-{next(_numbers)}@people.example"
    fields.setdefault("name", email.partition("@")[0].title())
    user = User.objects.create(email=email, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def make_member(
    account: Account, email: str = "", *, role: str = "member", active: bool = True, **fields: Any
) -> Membership:
    extra = {k: fields.pop(k) for k in ("edit_partner_settings",) if k in fields}
    user = make_user(email, **fields)
    return Membership.objects.create(
        account=account, user=user, role=role, is_active=active, **extra
    )


def make_lead(account: Account, domain: str = "acme.example", **fields: Any) -> Lead:
    fields.setdefault("company", domain.partition(".")[0].upper())
    fields.setdefault("registered_at", timezone.now() - timedelta(days=30))
    return Lead.objects.create(account=account, domain=domain, **fields)


def make_client(account: Account, domain: str = "acme.example", **fields: Any) -> Client:
    fields.setdefault("since", timezone.now() - timedelta(days=30))
    return Client.objects.create(account=account, domain=domain, **fields)


def make_company(domain: str = "acme.example", *, owner: User | None = None) -> Company:
    return Company.objects.create(domain=domain, name=domain.partition(".")[0].upper(), owner=owner)


def make_contact(email: str = "anna@acme.example", *companies: Company, **fields: Any) -> Contact:
    contact = Contact.objects.create(email=email, **fields)
    for company in companies:
        CompanyContact.objects.create(contact=contact, company=company)
    return contact


def make_deal(
    company: Company,
    *,
    name: str = "",
    shares: tuple[Account, ...] = (),
    owner: Membership | None = None,
    team: tuple[Membership, ...] = (),
    **fields: Any,
) -> Deal:
    deal = Deal.objects.create(company=company, name=name or f"Deal {next(_numbers)}", **fields)
    for position, account in enumerate(shares, start=1):
        DealShare.objects.create(deal=deal, account=account, position=position)
    if owner:
        DealMember.objects.create(deal=deal, membership=owner, role="owner", added_at=None)
    for member in team:
        DealMember.objects.create(deal=deal, membership=member, role="team", added_at=None)
    return deal


def make_source(name: str = "Website", **fields: Any) -> tuple[Source, str]:
    return create_write_key(name, **fields)


def make_activity(
    source: Source, contact: Contact | None = None, *, event: str = "Demo Requested", **fields: Any
) -> Activity:
    now = timezone.now()
    fields.setdefault("occurred_at", now)
    fields.setdefault("received_at", now)
    fields.setdefault("payload", {"type": "track", "event": event})
    return Activity.objects.create(
        source=source,
        message_id=fields.pop("message_id", f"m-{next(_numbers)}"),
        type=fields.pop("type", "track"),
        name=event,
        contact=contact,
        body_hash="",
        **fields,
    )


def switch_on(
    account: Account, recipient: Membership | None, **fields: Any
) -> CommunicationSettings:
    return CommunicationSettings.objects.create(
        account=account, receive_lead_activity=True, recipient=recipient, **fields
    )


def make_webhook(membership: Membership, url: str, **fields: Any) -> Endpoint:
    """A webhook that takes lead activity, switched on for its member."""
    _take(membership, OTHER_APPS)
    return Endpoint.objects.create(
        membership=membership,
        channel=OTHER_APPS,
        kind=WEBHOOK,
        name=fields.pop("name", "Sales hook"),
        address=url,
        secrets=make_secrets(),
        **fields,
    )


def make_chat(membership: Membership, kind: str, url: str, **fields: Any) -> Endpoint:
    """A channel in Slack or Teams that takes lead activity, switched on for its member."""
    _take(membership, OTHER_APPS)
    return Endpoint.objects.create(
        membership=membership,
        channel=OTHER_APPS,
        kind=kind,
        name=fields.pop("name", f"Sales in {kind}"),
        address=shown_address(url),
        secrets=make_chat_secrets(url),
        **fields,
    )


def make_device(membership: Membership, url: str, keys: dict[str, str], **fields: Any) -> Endpoint:
    """A browser that takes pushes, a phone's unless said. `keys`: p256dh and auth."""
    channel = fields.setdefault("channel", MOBILE)
    _take(membership, channel, "browser" if channel == DESKTOP else "enabled")
    fields.setdefault("name", "Phone")
    return Endpoint.objects.create(membership=membership, address=url, secrets=keys, **fields)


def _take(membership: Membership, channel: str, switch: str = "enabled") -> None:
    for key in (switch, LEAD_ACTIVITY):
        Preference.objects.get_or_create(
            membership=membership, channel=channel, key=key, defaults={"is_on": True}
        )


def choose(membership: Membership, channel: str, key: str, is_on: bool) -> Preference:
    return Preference.objects.create(membership=membership, channel=channel, key=key, is_on=is_on)


def make_profile(
    account: Account,
    name: str = "Sales",
    *members: Membership,
    cells: dict[tuple[str, str], bool] | None = None,
    locked: tuple[tuple[str, str], ...] = (),
    **fields: Any,
) -> Profile:
    """A notification profile that says `cells`, some of them `locked`, for `members`."""
    profile = Profile.objects.create(account=account, name=name, **fields)
    for (channel, key), is_on in (cells or {}).items():
        is_locked = (channel, key) in locked
        ProfileCell.objects.create(
            profile=profile, channel=channel, key=key, is_on=is_on, is_locked=is_locked
        )
    for member in members:
        ProfileMember.objects.create(profile=profile, membership=member)
    return profile
