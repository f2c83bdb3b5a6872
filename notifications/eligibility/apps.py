"""E-mail and the apps: whether one waits for the other, or stands in for it (R87)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from notifications.channels import CHAT_KEYS, EMAIL, OTHER_APPS
from notifications.eligibility.channels import (
    endpoints_for,
    why_no_email,
    why_withheld,
)
from notifications.eligibility.facts import Person, Place
from notifications.eligibility.wishes import Source
from notifications.reasons import Reason
from notifications.topics import EMAIL_IF_FAILED, NO_EMAIL_IF_DELIVERED

# So long an e-mail waits for a chat: its first try, and the second five seconds later.
CHAT_PATIENCE = timedelta(minutes=2)


def waits_for_chat(person: Person, topic: str) -> bool:
    """Whether the e-mail is sent only if no chat has taken the same message in time."""
    wants_it = person.switched_on(OTHER_APPS, NO_EMAIL_IF_DELIVERED)
    return wants_it and bool(_chats_for(person, topic))


def is_told_in_chat(person: Person, topics: Iterable[str], taken: Collection[str]) -> bool:
    """Whether the e-mail would say nothing new. `taken`: the endpoints that have the message."""
    return all(
        waits_for_chat(person, topic)
        and any(place.key in taken for place in _chats_for(person, topic))
        for topic in topics
    )


def _chats_for(person: Person, topic: str) -> list[Place]:
    keys = endpoints_for(person, OTHER_APPS, topic)
    places = person.places.get(OTHER_APPS, ())
    return [place for place in places if place.key in keys and place.kind in CHAT_KEYS]


def why_no_email_instead(person: Person, topic: str) -> Reason | None:
    """An app could not take it: e-mail may bring it, though its own box was never ticked.

    A box that the person or the account has unticked counts: that is how one unsubscribes.
    """
    why = why_no_email(person, topic)
    if why != Reason.TOPIC_OFF:
        return why
    nobody_said = person.wish(EMAIL, topic).source == Source.DEFAULT
    if not (nobody_said and person.switched_on(OTHER_APPS, EMAIL_IF_FAILED)):
        return why
    return why_withheld(person, topic)
