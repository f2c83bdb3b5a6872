"""One person, one topic, one channel: whether a message may go that way."""

from __future__ import annotations

from notifications.channels import DESKTOP, EMAIL, ENDPOINT_CHANNELS, OWN, PUSH_CHANNELS
from notifications.eligibility.facts import Person
from notifications.reasons import Reason
from notifications.topics import CHANNEL_SWITCHES, LEAD_ACTIVITY, VISIT_SUMMARY

WITHHOLDING = frozenset({Reason.AWAY, Reason.DAILY_CAP, Reason.SUPPRESSED_ADDRESS})
# What speaks against one channel only.
OF_A_CHANNEL = WITHHOLDING | {Reason.EMAIL_OFF, Reason.TOPIC_OFF}


def why_no_email(person: Person, topic: str) -> Reason | None:
    """The master switch, the topic, an absence, the daily limit, the address; None: e-mail may
    go."""
    if not person.switched_on(EMAIL, "enabled"):
        return Reason.EMAIL_OFF
    if not person.ticked(EMAIL, topic):
        return Reason.TOPIC_OFF
    return why_withheld(person, topic)


def why_withheld(person: Person, topic: str) -> Reason | None:
    """What keeps a wanted e-mail back: an absence, the daily limit, the address."""
    if person.away:
        return Reason.AWAY
    if topic in person.capped_topics:
        return Reason.DAILY_CAP
    return None if person.takes_mail else Reason.SUPPRESSED_ADDRESS


def switch_of(channel: str, *, own: bool) -> str:
    """Return the switch that what is sent hangs on: to what was added, or, `own`, to the
    member's mailbox or bell."""
    if channel != DESKTOP:
        return "enabled"
    return "bell" if own else "browser"


def why_not_there(person: Person, channel: str, topic: str, key: str) -> Reason | None:
    """One endpoint beside e-mail, or the bell (OWN): its switch and the topic on its tab; then
    whether it takes messages, and this topic. None: the message may go there."""
    is_on = person.switched_on(channel, switch_of(channel, own=key == OWN))
    if not (is_on and person.ticked(channel, topic)):
        return Reason.TOPIC_OFF
    if key == OWN:
        return None
    if person.away:
        return Reason.AWAY
    place = next((p for p in person.places.get(channel, ()) if p.key == key), None)
    if place is None:
        return Reason.SUPPRESSED_ADDRESS
    return Reason.TOPIC_OFF if topic in place.topics_off else None


def endpoints_for(person: Person, channel: str, topic: str) -> tuple[str, ...]:
    """Return where a topic goes on a channel beside e-mail: the bell (OWN), keys of endpoints."""
    keys = [place.key for place in person.places.get(channel, ())]
    possible = [OWN, *keys] if channel == DESKTOP else keys
    return tuple(key for key in possible if why_not_there(person, channel, topic, key) is None)


def channels_beside_email(person: Person, topic: str) -> frozenset[str]:
    return frozenset(c for c in ENDPOINT_CHANNELS if endpoints_for(person, c, topic))


def is_reached(person: Person, topic: str) -> bool:
    """Whether a topic gets to the person by itself: by e-mail, to an app or a device. The bell
    does not count: it waits until somebody looks. The daily limit ends no reach (R71)."""
    if why_no_email(person, topic) in (None, Reason.DAILY_CAP):
        return True
    keys = (key for channel in ENDPOINT_CHANNELS for key in endpoints_for(person, channel, topic))
    return any(key != OWN for key in keys)


def may_name(person: Person, channel: str) -> bool:
    """Whether a message may name people where it shows. A push lights up a locked screen,
    which anybody may read: only who asked for names gets them there."""
    return channel not in PUSH_CHANNELS or person.switched_on(channel, "names")


def channels_for(person: Person, topic: str) -> frozenset[str]:
    """Return the channels on which the person wants, and can get, a topic."""
    email = frozenset({EMAIL} if why_no_email(person, topic) is None else ())
    return email | channels_beside_email(person, topic)


def wants_summaries(person: Person, channel: str) -> bool:
    """Whether a visit's end is told there; the bell shows it to everybody."""
    has_switch = (channel, VISIT_SUMMARY) in CHANNEL_SWITCHES
    return has_switch and person.switched_on(channel, VISIT_SUMMARY)


def channels_of_a_summary(person: Person) -> frozenset[str]:
    """Return where a visit's end is told; on the desktop to browsers only."""
    channels = channels_for(person, LEAD_ACTIVITY) if person.active else frozenset()
    if all(key == OWN for key in endpoints_for(person, DESKTOP, LEAD_ACTIVITY)):
        channels -= {DESKTOP}
    return frozenset(channel for channel in channels if wants_summaries(person, channel))


def why_no_word_about_an_endpoint(person: Person, channel: str) -> Reason | None:
    """Whoever added an endpoint hears that it is given up, whatever topics are ticked."""
    if channel == EMAIL:
        if not person.switched_on(EMAIL, "enabled"):
            return Reason.EMAIL_OFF
        return None if person.takes_mail else Reason.SUPPRESSED_ADDRESS
    return None if channel == DESKTOP else Reason.TOPIC_OFF


def channels_about_an_endpoint(person: Person) -> frozenset[str]:
    channels = (EMAIL, DESKTOP)
    return frozenset(c for c in channels if why_no_word_about_an_endpoint(person, c) is None)
