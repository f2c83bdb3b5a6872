"""Notification → Message, in the recipient's language and time zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import formats, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Membership
from notifications.claims.selectors import matter_of
from notifications.eligibility import is_beside, topic_of
from notifications.message_context import MessageContext, company_name, link, path_of, person_name
from notifications.messages import Action, Message
from notifications.models import Kind, Notification, NotificationReason
from notifications.notice_words import explanation, headline, way_out
from notifications.reason_words import why_told
from notifications.text import one_line
from notifications.topics import (
    CO_SELLING,
    DELIVERY_PROBLEMS,
    ESCALATION,
    LEAD_ACTIVITY,
    VISIT_SUMMARY,
)
from notifications.triggers import page_path
from notifications.unsubscribe import make_token
from notifications.visits.rendering import sum_up, summary_of, visit_at_a_glance
from partners.models import Client, Deal, Lead


def sentence(notification: Notification, did: str | Promise) -> str:
    """Return for example "Anna Nowak (ACME) requested a demo". `reasons` prefetched."""
    reasons = list(notification.reasons.all())
    name = person_name(notification.activity, reasons)
    company = company_name(reasons)
    person = f"{name} ({company})" if company and company != name else name
    if notification.is_summary:
        return f"{person}: {summary_of(notification)}"
    what = f"{person} {did}"
    return headline(notification, what) if notification.notice else what


# The first of its topics is what a message is listed as.
_BY_WEIGHT = (DELIVERY_PROBLEMS, ESCALATION, VISIT_SUMMARY, LEAD_ACTIVITY, CO_SELLING)


def render(context: MessageContext) -> Message:
    with translation.override(context.membership.user.language):
        message = _render(context)
        if context.notification.is_summary:
            message = sum_up(message, context)
        return _without_names(message, context) if context.teaser else message


def _render(context: MessageContext) -> Message:
    account = context.membership.account
    activity = context.notification.activity
    name = person_name(activity, context.reasons)
    did = one_line(str(context.did))
    deals = [r.deal for r in context.reasons if r.deal]
    company = company_name(context.reasons)
    what = f"{name} ({company}) {did}" if company else f"{name} {did}"
    topics = topics_of(context)
    topic = next(key for key in _BY_WEIGHT if key in topics)
    subject = _subject(name, str(did), company, deals, topics)
    said = _headed(context, what)
    return Message(
        public_id=str(context.delivery.public_id),
        language=context.membership.user.language,
        subject=_headed(context, subject),
        sentence=f"{said}.",
        glance=said if context.may_name else _at_a_glance(context),
        facts=tuple(_facts(context, name, company)),
        why=tuple(_why(context)),
        stop=tuple(_stop(context)),
        actions=tuple(_actions(context)),
        explained=explained(context),
        account_name=one_line(account.name),
        vendor_name=context.vendor_name,
        unsubscribe_url=unsubscribe_url(context.membership, topics),
        list_id=topic.replace("_", "-"),
        thread=_thread(context),
        type=_type(context),
        occurred_at=activity.occurred_at.isoformat(),
        data=_data(context, name),
    )


def _headed(context: MessageContext, what: str) -> str:
    """Say first what kind of message it is, if it is not the news itself."""
    if context.notification.notice:
        return headline(context.notification, what)
    if ESCALATION in topics_of(context):
        return _("Nobody has looked yet: %(what)s") % {"what": what}
    return what


def topics_of(context: MessageContext) -> frozenset[str]:
    if context.notification.notice:
        return frozenset({DELIVERY_PROBLEMS})
    if context.notification.is_summary:
        return frozenset({VISIT_SUMMARY})
    return frozenset(topic_of(reason.kind, reason.part) for reason in context.reasons)


def unsubscribe_url(membership: Membership, topics: Iterable[str]) -> str:
    return link(path_of("notifications:unsubscribe", make_token(membership.pk, topics)))


def _thread(context: MessageContext) -> str:
    for reason in context.reasons:
        row = reason.lead or reason.client or reason.deal
        if row:
            return f"{reason.kind}-{row.pk}-{context.membership.pk}"
    return ""


def _at_a_glance(context: MessageContext) -> str:
    """Return what a lock screen may show to everybody."""
    kinds = {reason.kind for reason in context.reasons}
    if context.notification.notice:
        return _("There is a warning about your notifications")
    if ESCALATION in topics_of(context):
        return _("Nobody has looked at something that matters")
    if Kind.LEAD in kinds:
        return _("A lead did something that matters")
    if Kind.CLIENT in kinds:
        return _("A client did something that matters")
    return _("There is news about a shared deal")


def _without_names(message: Message, context: MessageContext) -> Message:
    """Return what others may read: what happened and whose it is, neither who nor where."""
    account = one_line(context.membership.account.name)
    what = _somebody(context) % {"account": account, "did": one_line(str(context.did))}
    text = _headed(context, what)
    if context.notification.is_summary:
        text = visit_at_a_glance(context)
    zone = context.membership.user.timezone
    return replace(
        message,
        subject=text,
        sentence=f"{text}.",
        facts=((_("When"), local_time(context.notification.activity.occurred_at, zone)),),
        why=(),
        stop=(),
        actions=(Action(label=_("See who it was"), url=_explain_url(context)),),
        data={key: message.data[key] for key in ("account", "trigger", "occurred_at", "url")},
    )


def _somebody(context: MessageContext) -> str:
    kinds = {reason.kind for reason in context.reasons}
    if Kind.LEAD in kinds:
        return _("A lead of %(account)s %(did)s")
    if Kind.CLIENT in kinds:
        return _("A client of %(account)s %(did)s")
    return _("Somebody from a company with a shared deal of %(account)s %(did)s")


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


def _subject(name: str, did: str, company: str, deals: list[Deal], topics: frozenset[str]) -> str:
    if topics <= {CO_SELLING, ESCALATION} and deals:
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
    path = page_path(activity.payload)
    if path and not context.notification.is_summary:
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
    if context.instead:
        yield _("One of your apps could not take this message, so it comes by e-mail.")
    for reason in context.reasons:
        yield from why_told(reason, account, zone)


def _stop(context: MessageContext) -> Iterable[Action]:
    """R89: where it stops. Kind 1: the account's setting; kind 2: the user's own topic."""
    account = context.membership.account.slug
    if topics_of(context) & {DELIVERY_PROBLEMS, ESCALATION}:
        url = link(path_of("notifications:preferences", "email"), account=account)
        yield Action(label=_("Change what you are notified about"), url=url)
        return
    if context.instead:
        url = link(path_of("notifications:preferences", "other-apps"), account=account)
        yield Action(label=_("Change whether e-mail stands in for an app"), url=url)
        return
    if parts := [r.part for r in context.reasons if r.lead or r.client]:
        if context.membership.may_edit_partner_settings:
            url = link(path_of("notifications:communication"), account=account)
            yield Action(label=_("Change who gets lead activity"), url=url)
        else:
            url = link(path_of("notifications:preferences", "email"), account=account)
            if any(map(is_beside, parts)):
                label = _("Turn it off for yourself, or ask your admin to take you off the list")
            else:
                label = _("Turn it off for yourself, or ask your admin to choose somebody else")
            yield Action(label=label, url=url)
    if any(r.deal for r in context.reasons):
        url = link(path_of("notifications:preferences", "email"), account=account)
        yield Action(label=_("Change what you are notified about"), url=url)


def _actions(context: MessageContext) -> Iterable[Action]:
    account, contact = context.membership.account.slug, context.notification.activity.contact
    if mend := way_out(context.notification):
        yield Action(label=mend.label, url=link(mend.path, account=account))
    for reason in context.reasons:
        row: Lead | Client | Deal | None = reason.lead or reason.deal
        if isinstance(row, Lead):
            url = link(path_of("partners:lead", row.pk), account=account)
            yield Action(label=_("Open the lead"), url=url)
        elif isinstance(row, Deal):
            url = link(path_of("partners:deal", row.pk), account=account)
            yield Action(label=pgettext("button", "Open the deal"), url=url)
        elif reason.client and contact:
            url = link(path_of("notifications:activity"), account=account, q=contact.email)
            yield Action(label=_("See what this person did"), url=url)
    yield from _claims(context)
    yield Action(label=_("Why am I getting this?"), url=_explain_url(context))


def _claims(context: MessageContext) -> Iterable[Action]:
    """Lead to the page where one says "I'm on it": about what it is first of all about."""
    account = context.membership.account
    matter = next(filter(None, map(matter_of, context.reasons)), None)
    if matter and account.is_partner and not context.notification.notice:
        url = link(path_of("notifications:on_it", *matter), account=account.slug)
        yield Action(label=_("I'm on it"), url=url)


def explained(context: MessageContext) -> Action:
    """Return the short way to why this person gets it, for where there is little room."""
    return Action(label=_("Why?"), url=_explain_url(context))


def _explain_url(context: MessageContext) -> str:
    path = path_of("notifications:explain", context.notification.activity.message_id)
    return link(path, account=context.membership.account.slug)
