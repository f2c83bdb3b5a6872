"""Several notifications that waited together → one Message."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.message_context import MessageContext, link
from notifications.messages import Action, Item, Message
from notifications.rendering import explained, local_time, render, topics_of, unsubscribe_url

# Further ones are in the inbox: a letter of hundreds is read by nobody.
MOST_ITEMS = 50

T = TypeVar("T", bound=Hashable)


def render_all(contexts: Sequence[MessageContext]) -> Message:
    """Return the message about one or several notifications of one member.

    The first one's delivery carries the others, so the message has its id. In the message, what
    asks for an answer comes first, and of as much the oldest.
    """
    carrier = contexts[0]
    if len(contexts) == 1:
        return render(carrier)
    ordered = sorted(contexts, key=lambda c: c.notification.strength, reverse=True)
    messages = [render(context) for context in ordered[:MOST_ITEMS]]
    with translation.override(carrier.membership.user.language):
        return _digest(carrier, ordered, messages)


def _digest(
    carrier: MessageContext, contexts: Sequence[MessageContext], messages: Sequence[Message]
) -> Message:
    first, membership, count = messages[0], carrier.membership, len(contexts)
    more = ngettext("%(first)s, and %(count)d more", "%(first)s, and %(count)d more", count - 1)
    heading = ngettext(
        "%(count)d notification for %(account)s", "%(count)d notifications for %(account)s", count
    )
    topics = frozenset[str]().union(*map(topics_of, contexts))
    return Message(
        public_id=str(carrier.delivery.public_id),
        language=first.language,
        subject=more % {"first": first.subject, "count": count - 1},
        sentence=heading % {"count": count, "account": first.account_name} + ".",
        facts=(),
        items=tuple(map(_item, contexts, messages)),
        why=tuple(_why(messages, left_out=count - len(messages))),
        stop=(_when(membership.account.slug), *_unique(a for m in messages for a in m.stop)),
        actions=(_inbox(membership.account.slug),),
        account_name=first.account_name,
        vendor_name=first.vendor_name,
        unsubscribe_url=unsubscribe_url(membership, topics),
        list_id=first.list_id,
        type="digest",
        occurred_at=max(message.occurred_at for message in messages),
        data={
            "account": membership.account.slug,
            "recipient": membership.user.email,
            "count": count,
            "items": [
                {"type": m.type, "timestamp": m.occurred_at, "data": dict(m.data)} for m in messages
            ],
        },
    )


def _item(context: MessageContext, message: Message) -> Item:
    return Item(
        when=local_time(
            context.notification.activity.occurred_at, context.membership.user.timezone
        ),
        sentence=message.sentence,
        url=message.actions[0].url,
        explained=explained(context),
    )


def _why(messages: Iterable[Message], *, left_out: int) -> Iterable[str]:
    if left_out:
        words = ngettext(
            "%(count)d further notification is in your inbox.",
            "%(count)d further notifications are in your inbox.",
            left_out,
        )
        yield words % {"count": left_out}
    yield _("They were kept for you until now, as you chose under When.")
    yield from _unique(line for message in messages for line in message.why)


def _when(account: str) -> Action:
    url = link(reverse("notifications:when"), account=account)
    return Action(label=_("Change when you are told"), url=url)


def _inbox(account: str) -> Action:
    return Action(
        label=_("Open your inbox"), url=link(reverse("notifications:inbox"), account=account)
    )


def _unique(things: Iterable[T]) -> Iterable[T]:
    return dict.fromkeys(things)
