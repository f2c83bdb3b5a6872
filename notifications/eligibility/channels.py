"""One person, one topic, one channel: whether a message may go that way."""

from __future__ import annotations

from notifications.channels import DESKTOP, EMAIL, ENDPOINT_CHANNELS
from notifications.eligibility.facts import (
    Person,
)
from notifications.reasons import Reason

WITHHOLDING = frozenset({Reason.DAILY_CAP, Reason.SUPPRESSED_ADDRESS})
# What speaks against one channel only.
OF_A_CHANNEL = WITHHOLDING | {Reason.EMAIL_OFF, Reason.TOPIC_OFF}


def why_no_email(person: Person, topic: str) -> Reason | None:
    """The master switch, the topic, the daily limit, the address; None: e-mail may go."""
    if not person.switched_on(EMAIL, "enabled"):
        return Reason.EMAIL_OFF
    if not person.ticked(EMAIL, topic):
        return Reason.TOPIC_OFF
    if topic in person.capped_topics:
        return Reason.DAILY_CAP
    return Reason.SUPPRESSED_ADDRESS if person.suppressed else None


def why_not_beside_email(person: Person, channel: str, topic: str) -> Reason | None:
    """The channel's switch and the topic; then somewhere to send to. None: it may go."""
    switch = "bell" if channel == DESKTOP else "enabled"
    if not (person.switched_on(channel, switch) and person.ticked(channel, topic)):
        return Reason.TOPIC_OFF
    has_place = channel not in ENDPOINT_CHANNELS or person.endpoints.get(channel)
    return None if has_place else Reason.SUPPRESSED_ADDRESS


def channels_beside_email(person: Person, topic: str) -> frozenset[str]:
    channels = (DESKTOP, *ENDPOINT_CHANNELS)
    return frozenset(c for c in channels if why_not_beside_email(person, c, topic) is None)


def channels_for(person: Person, topic: str) -> frozenset[str]:
    """Return the channels on which the person wants, and can get, a topic."""
    email = frozenset({EMAIL} if why_no_email(person, topic) is None else ())
    return email | channels_beside_email(person, topic)


def why_no_word_about_an_endpoint(person: Person, channel: str) -> Reason | None:
    """Whoever added an endpoint hears that it is given up, whatever topics are ticked."""
    if channel == EMAIL:
        if not person.switched_on(EMAIL, "enabled"):
            return Reason.EMAIL_OFF
        return Reason.SUPPRESSED_ADDRESS if person.suppressed else None
    return None if channel == DESKTOP else Reason.TOPIC_OFF


def channels_about_an_endpoint(person: Person) -> frozenset[str]:
    channels = (EMAIL, DESKTOP)
    return frozenset(c for c in channels if why_no_word_about_an_endpoint(person, c) is None)
