"""What the pages show of a member's endpoints: where, how they do, what is missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership
from notifications.channels import DESKTOP, OTHER_APPS
from notifications.delivery.replay import Preview, missed, preview, undecided
from notifications.eligibility import switch_of
from notifications.endpoints.apps import APPS, App
from notifications.endpoints.services import MOST
from notifications.endpoints.words import clock_words, failure_words, off_words
from notifications.facts.people import load_people
from notifications.models import Delivery, Endpoint, EndpointHealth
from notifications.selectors import topic_groups
from notifications.topics import TOPICS, Topic
from notifications.words import channel_label

# What was made just now is on its way; what is older waits.
ON_ITS_WAY = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class State:
    """`tone`: good, held, no or bad, as everywhere. `why`: the failure behind it. `since`:
    when it was switched off."""

    tone: str
    text: str
    why: str = ""
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """An endpoint as its owner sees it. `kind`: the app's name, empty for a device. `failure`:
    the last error in plain words, if the last thing that happened is one; `detail`: what it
    answered. `waiting`: messages."""

    endpoint: Endpoint
    kind: str
    state: State
    sent_at: datetime | None
    failed_at: datetime | None
    failure: str
    detail: str
    waiting: int


@dataclass(frozen=True, kw_only=True)
class EndpointList:
    """A member's endpoints on one channel. `why_silent`: why nothing is sent to them.
    `apps`: what more can be connected."""

    channel: str
    lines: tuple[Line, ...]
    why_silent: str
    apps: tuple[App, ...] = ()

    @property
    def label(self) -> str:
        return channel_label(self.channel)

    @property
    def is_full(self) -> bool:
        return len(self.lines) >= MOST


def endpoint_list(membership: Membership, channel: str) -> EndpointList:
    """Return the member's endpoints, oldest first. At most 6 queries."""
    rows = Endpoint.objects.filter(membership=membership, channel=channel)
    # Without their secrets: each would be decrypted.
    lines = _lines(membership, list(rows.defer("secrets").order_by("pk")))
    has_room = channel == OTHER_APPS and len(lines) < MOST
    return EndpointList(
        channel=channel,
        lines=tuple(lines),
        why_silent=why_silent(membership, channel) if lines else "",
        apps=tuple(APPS.values()) if has_room else (),
    )


def line_of(endpoint: Endpoint) -> Line:
    """Return one endpoint; `membership` must be selected. 2 queries."""
    (line,) = _lines(endpoint.membership, [endpoint])
    return line


def _lines(membership: Membership, endpoints: list[Endpoint]) -> list[Line]:
    keys = [endpoint.key for endpoint in endpoints]
    health = {row.endpoint_key: row for row in EndpointHealth.objects.filter(endpoint_key__in=keys)}
    waiting = _waiting(membership, keys)
    return [
        _line(endpoint, health.get(endpoint.key), *waiting.get(endpoint.key, (0, None)))
        for endpoint in endpoints
    ]


def _waiting(
    membership: Membership, keys: Iterable[str]
) -> Mapping[str, tuple[int, datetime | None]]:
    """Return how many messages wait for each, and since when the oldest does. 1 query."""
    pending = Delivery.objects.filter(
        account=membership.account_id, state=Delivery.State.PENDING, endpoint_key__in=keys
    )
    counted = pending.values_list("endpoint_key").annotate(Count("pk"), Min("created_at"))
    return {key: (count, oldest) for key, count, oldest in counted}


def _line(
    endpoint: Endpoint, health: EndpointHealth | None, waiting: int, oldest: datetime | None
) -> Line:
    known = health or EndpointHealth()
    failed_at, sent_at = known.last_error_at, known.sent_at
    is_failing = bool(failed_at and (not sent_at or failed_at > sent_at))
    failure = failure_words(known.last_error) if is_failing else ""
    return Line(
        endpoint=endpoint,
        kind=str(APPS[endpoint.kind].label) if endpoint.kind else "",
        state=_off(endpoint) or _on(known, failure, oldest),
        sent_at=sent_at,
        failed_at=failed_at,
        failure=failure,
        detail=known.last_error if is_failing else "",
        waiting=waiting,
    )


def _off(endpoint: Endpoint) -> State | None:
    if not endpoint.disabled_at:
        return None
    tone = "no" if endpoint.disabled_because == Endpoint.Why.OWNER else "bad"
    return State(tone=tone, text=off_words(endpoint), since=endpoint.disabled_at)


def _on(known: EndpointHealth, failure: str, oldest: datetime | None) -> State:
    now = timezone.now()
    if known.wait_until and known.health.waits_at(now):
        words = _("Left alone until %(time)s") % {"time": clock_words(known.wait_until)}
        return State(tone="held", text=words, why=failure)
    if oldest and now - oldest > ON_ITS_WAY:
        words = _("Messages wait since %(time)s") % {"time": clock_words(oldest)}
        return State(tone="held", text=words, why=failure)
    if failure:
        return State(tone="bad", text=_("The last message did not arrive"), why=failure)
    if not known.sent_at:
        return State(tone="no", text=_("Nothing sent yet"))
    return State(tone="good", text=_("Works"))


def why_silent(membership: Membership, channel: str, topics_off: Collection[str] = ()) -> str:
    """Return which wish of the member's keeps everything back, or an empty text. 3 queries.

    `topics_off`: of one endpoint.
    """
    person = load_people([membership])[membership.pk]
    switch = switch_of(channel, own=False)
    values = {"tab": channel_label(channel)}
    if not person.switched_on(channel, switch):
        if channel == DESKTOP:
            return _("“Browser” is switched off in your notifications.")
        return _("“%(tab)s” is switched off in your notifications.") % values
    ticked = [topic for topic in TOPICS if person.ticked(channel, topic)]
    if not ticked:
        return _("No topic is ticked for “%(tab)s” in your notifications.") % values
    if all(topic in topics_off for topic in ticked):
        return _("No topic is ticked below that is ticked for “%(tab)s” as well.") % values
    return ""


@dataclass(frozen=True, kw_only=True)
class TopicLine:
    """A topic that may be sent to one endpoint. `on_tab`: the channel's tab has it ticked."""

    topic: Topic
    is_on: bool
    on_tab: bool


def topic_lines(endpoint: Endpoint) -> list[TopicLine]:
    """Return the topics that the endpoint's owner can choose from. 3 queries."""
    member = endpoint.membership
    person = load_people([member])[member.pk]
    return [
        TopicLine(
            topic=topic,
            is_on=topic.key not in endpoint.topics_off,
            on_tab=person.ticked(endpoint.channel, topic.key),
        )
        for group in topic_groups(member)
        for topic in group.topics
    ]


@dataclass(frozen=True, kw_only=True)
class Again:
    """What can be sent to an endpoint again. None: nothing."""

    missed: Preview | None
    undecided: Preview | None


def again(endpoint: Endpoint) -> Again:
    """2 queries."""
    return Again(missed=preview(missed(endpoint)), undecided=preview(undecided(endpoint)))


def page_of(endpoint: Endpoint) -> str:
    return reverse("notifications:endpoint", args=[endpoint.pk])
