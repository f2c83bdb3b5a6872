"""Notification → Message, in the recipient's language and time zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils import formats, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Membership
from notifications.eligibility import topic_of
from notifications.messages import Action, Message
from notifications.models import Delivery, Kind, Notification, NotificationReason
from notifications.notice_words import explanation, headline, way_out
from notifications.text import one_line
from notifications.topics import CO_SELLING, DELIVERY_PROBLEMS, LEAD_ACTIVITY
from notifications.triggers import page_path
from notifications.unsubscribe import make_token
from partners.models import Activity, Client, Deal, Lead


def person_name(activity: Activity, reasons: Iterable[NotificationReason] = ()) -> str:
    """Return the person's best known name: the registration's, the vendor's, the e-mail."""
    contact = activity.contact
    for reason in reasons:
        row = reason.lead or reason.client
        if row and row.contact_name and contact and row.email == contact.email:
            return one_line(row.contact_name)
    if contact is None:
        return pgettext("visitor", "Somebody")
    return one_line(contact.name or contact.email)


def company_name(reasons: Iterable[NotificationReason]) -> str:
    for reason in reasons:
        row = reason.lead or reason.client
        if row:
            return one_line(row.company or row.domain)
        if reason.deal:
            return one_line(reason.deal.company.name)
    return ""


def sentence(notification: Notification, did: str | Promise) -> str:
    """Return for example "Anna Nowak (ACME) requested a demo". `reasons` prefetched."""
    reasons = list(notification.reasons.all())
    name = person_name(notification.activity, reasons)
    company = company_name(reasons)
    person = f"{name} ({company})" if company and company != name else name
    what = f"{person} {did}"
    return headline(notification, what) if notification.notice else what


@dataclass(frozen=True, kw_only=True)
class MessageContext:
    """What a message is made of. The reasons that still hold, with their rows selected;
    `did`: what the person did, in words not translated yet."""

    delivery: Delivery
    notification: Notification
    membership: Membership
    reasons: tuple[NotificationReason, ...]
    did: str | Promise
    vendor_name: str


def render(context: MessageContext) -> Message:
    with translation.override(context.membership.user.language):
        return _render(context)


def _render(context: MessageContext) -> Message:
    account = context.membership.account
    activity = context.notification.activity
    name = person_name(activity, context.reasons)
    did = one_line(str(context.did))
    deals = [r.deal for r in context.reasons if r.deal]
    company = company_name(context.reasons)
    what = f"{name} ({company}) {did}" if company else f"{name} {did}"
    notice = context.notification if context.notification.notice else None
    kinds = {topic_of(reason.kind) for reason in context.reasons}
    topics = {DELIVERY_PROBLEMS} if notice else kinds
    topic = next(key for key in (DELIVERY_PROBLEMS, LEAD_ACTIVITY, CO_SELLING) if key in topics)
    subject = _subject(name, str(did), company, deals, kinds)
    token = make_token(context.membership.pk, topics)
    return Message(
        public_id=str(context.delivery.public_id),
        language=context.membership.user.language,
        subject=headline(notice, subject) if notice else subject,
        sentence=f"{headline(notice, what) if notice else what}.",
        facts=tuple(_facts(context, name, company)),
        why=tuple(_why(context)),
        stop=tuple(_stop(context)),
        actions=tuple(_actions(context)),
        account_name=one_line(account.name),
        vendor_name=context.vendor_name,
        unsubscribe_url=link(_path("notifications:unsubscribe", token)),
        list_id=topic.replace("_", "-"),
        type=_type(context),
        occurred_at=activity.occurred_at.isoformat(),
        data=_data(context, name),
    )


def _type(context: MessageContext) -> str:
    """Return the event type that systems know it by (contract, section 5)."""
    if context.notification.notice:
        return "delivery.problem"
    about_deals = {reason.kind for reason in context.reasons} == {Kind.DEAL}
    return "deal.signup" if about_deals else "lead.activity"


def _data(context: MessageContext, name: str) -> dict[str, Any]:
    """Return the facts for systems: fixed keys, no translated words but `person.name`'s."""
    activity = context.notification.activity
    contact = activity.contact
    return {
        "account": context.membership.account.slug,
        "recipient": context.membership.user.email,
        "trigger": context.notification.trigger,
        "message_id": activity.message_id,
        "occurred_at": activity.occurred_at.isoformat(),
        "person": {"name": name, "email": contact.email if contact else None},
        "page": page_path(activity.payload) or None,
        "reasons": [_reason_data(reason) for reason in context.reasons],
        "url": _explain_url(context),
    }


def _reason_data(reason: NotificationReason) -> dict[str, Any]:
    row = reason.lead or reason.client
    if row:
        return {"kind": reason.kind, "domain": row.domain, "company": row.company or None}
    deal = reason.deal
    company = deal.company.name if deal else None
    return {"kind": reason.kind, "deal": deal.name if deal else None, "company": company}


def _subject(name: str, did: str, company: str, deals: list[Deal], topics: set[str]) -> str:
    if topics == {CO_SELLING} and deals:
        deal = one_line(deals[0].name)
        return _("Shared deal “%(deal)s”: %(name)s %(did)s") % {
            "deal": deal,
            "name": name,
            "did": did,
        }
    return f"{company}: {name} {did}" if company else f"{name} {did}"


def _facts(context: MessageContext, name: str, company: str) -> Iterable[tuple[str, str]]:
    activity = context.notification.activity
    contact = activity.contact
    person = one_line(contact.email) if contact else ""
    yield _("Person"), f"{name} · {person}" if person and person != name else name
    if company:
        yield _("Company"), company
    zone = context.membership.user.timezone
    yield _("When"), local_time(activity.occurred_at, zone)
    if path := page_path(activity.payload):
        yield _("Page"), one_line(path)


def local_time(when: datetime, zone: str) -> str:
    """Return the time in the recipient's zone, with the zone named (R88)."""
    local = when.astimezone(ZoneInfo(zone))
    return f"{formats.date_format(local, 'DATETIME_FORMAT')} ({zone})"


def _why(context: MessageContext) -> Iterable[str]:
    account = one_line(context.membership.account.name)
    zone = ZoneInfo(context.membership.user.timezone)
    if context.notification.notice:
        yield from explanation(context.notification)
        return
    for reason in context.reasons:
        if lead := reason.lead:
            values = {"lead": one_line(lead.company or lead.domain), "account": account}
            if lead.expires_at:
                until = formats.date_format(lead.expires_at.astimezone(zone), "DATE_FORMAT")
                yield _(
                    "%(lead)s is a lead registered to %(account)s until %(until)s, and you are "
                    "the chosen recipient."
                ) % {**values, "until": until}
            else:
                yield (
                    _(
                        "%(lead)s is a lead registered to %(account)s, and you are the chosen "
                        "recipient."
                    )
                    % values
                )
        elif client := reason.client:
            yield _("%(client)s is a client of %(account)s, and you are the chosen recipient.") % {
                "client": one_line(client.company or client.domain),
                "account": account,
            }
        elif deal := reason.deal:
            yield _("You are the owner or on the team of the shared deal “%(deal)s”.") % {
                "deal": one_line(deal.name)
            }


def _stop(context: MessageContext) -> Iterable[Action]:
    """R89: where it stops. Kind 1: the account's setting; kind 2: the user's own topic."""
    account = context.membership.account.slug
    if context.notification.notice:
        url = link(_path("notifications:preferences", "email"), account=account)
        yield Action(label=_("Change what you are notified about"), url=url)
        return
    if any(r.lead or r.client for r in context.reasons):
        if context.membership.may_edit_partner_settings:
            url = link(_path("notifications:communication"), account=account)
            yield Action(label=_("Change who gets lead activity"), url=url)
        else:
            url = link(_path("notifications:preferences", "email"), account=account)
            label = _("Turn it off for yourself, or ask your admin to choose somebody else")
            yield Action(label=label, url=url)
    if any(r.deal for r in context.reasons):
        url = link(_path("notifications:preferences", "email"), account=account)
        yield Action(label=_("Change what you are notified about"), url=url)


def _actions(context: MessageContext) -> Iterable[Action]:
    account, contact = context.membership.account.slug, context.notification.activity.contact
    if mend := way_out(context.notification):
        yield Action(label=mend.label, url=link(mend.path, account=account))
    for reason in context.reasons:
        row: Lead | Client | Deal | None = reason.lead or reason.deal
        if isinstance(row, Lead):
            url = link(_path("partners:lead", row.pk), account=account)
            yield Action(label=_("Open the lead"), url=url)
        elif isinstance(row, Deal):
            url = link(_path("partners:deal", row.pk), account=account)
            yield Action(label=pgettext("button", "Open the deal"), url=url)
        elif reason.client and contact:
            url = link(_path("notifications:activity"), account=account, q=contact.email)
            yield Action(label=_("See what this person did"), url=url)
    yield Action(label=_("Why am I getting this?"), url=_explain_url(context))


def _explain_url(context: MessageContext) -> str:
    path = _path("notifications:explain", context.notification.activity.message_id)
    return link(path, account=context.membership.account.slug)


@lru_cache(maxsize=10_000)
def _path(view: str, *args: object) -> str:
    """Return the page's path, which the next messages most likely link too.

    Asked for anew each time, the paths take half of the rendering.
    """
    return reverse(view, args=args)


def link(path: str, **query: str) -> str:
    """Return the whole address. `account`: for which account it is read."""
    return settings.SITE_URL + path + (f"?{urlencode(query)}" if query else "")
