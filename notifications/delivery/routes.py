"""By which server a message goes: as a rule there is one; e-mail may have several, in order.

The next one is asked at once when the one before certainly has nothing of the message
(`DeliveryError.may_go_elsewhere`), and without asking while the one before is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from notifications.channels import EMAIL
from notifications.channels.base import Address, DeliveryError
from notifications.channels.email import EmailChannel
from notifications.channels.registry import mail_stand_ins
from notifications.delivery.health import (
    KEY_LENGTH,
    Place,
    is_in_trouble,
    load_health,
    place_of,
    take_probe,
)
from notifications.messages import Message
from notifications.models import Delivery, EndpointHealth
from partnernotify.mail_servers import FIRST


@dataclass(frozen=True, kw_only=True)
class Route:
    """One server. `place`: whose health it has. `name`: of the mail server, where there are
    several. `stand_in`: what sends there, unless it is the channel itself. `wait_until`: it is
    left alone; `probes`: only one may try if it is back, and `is_probe`: this worker does.
    `in_trouble`: it failed lately."""

    place: Place
    name: str = ""
    stand_in: EmailChannel | None = None
    wait_until: datetime | None = None
    probes: bool = False
    is_probe: bool = False
    in_trouble: bool = False


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A try with one server that did not succeed."""

    route: Route
    error: DeliveryError

    def __str__(self) -> str:
        return f"{self.route.name}: {self.error.detail}" if self.route.name else self.error.detail


def places_of(delivery: Delivery) -> list[Place]:
    """Return whose health decides about the delivery."""
    return [route.place for route in _routes(delivery)]


def routes_of(
    delivery: Delivery, known: Mapping[Place, EndpointHealth], now: datetime
) -> tuple[Route, ...]:
    """Return the servers in the order in which they are tried."""
    return tuple(_with_health(route, known.get(route.place), now) for route in _routes(delivery))


def _routes(delivery: Delivery) -> list[Route]:
    stand_ins = mail_stand_ins(delivery.channel)
    first = Route(place=place_of(delivery), name=FIRST.name if stand_ins else "")
    return [first, *map(_stand_in_route, stand_ins)]


def _stand_in_route(sender: EmailChannel) -> Route:
    name = sender.server.name
    return Route(place=(EMAIL, name[:KEY_LENGTH]), name=name, stand_in=sender)


def _with_health(route: Route, row: EndpointHealth | None, now: datetime) -> Route:
    if row is None:
        return route
    health = row.health
    return replace(
        route,
        wait_until=row.wait_until if health.waits_at(now) else None,
        probes=health.probes,
        in_trouble=is_in_trouble(health, now),
    )


def mail_routes() -> tuple[Route, ...]:
    """Return the mail servers, each with its name. 1 query."""
    mail = Delivery(channel=EMAIL)
    first, *rest = routes_of(mail, load_health(places_of(mail)), timezone.now())
    return replace(first, name=FIRST.name), *rest


def wait_until(routes: Sequence[Route]) -> datetime | None:
    """Return until when all of them are left alone; None: one may be tried."""
    times = [route.wait_until for route in routes if route.wait_until]
    return min(times) if len(times) == len(routes) else None


def in_turn(routes: Sequence[Route]) -> Iterator[Route]:
    """Yield whom to try, in their order; who is probed at this moment is left to that probe.

    With nobody else to ask, it is asked all the same.
    """
    may_try = [route for route in routes if route.wait_until is None] or routes[:1]
    nobody = True
    for route in may_try:
        is_probe = route.probes and len(routes) > 1
        if not is_probe or take_probe(route.place):
            nobody = False
            yield replace(route, is_probe=is_probe)
    if nobody:
        yield may_try[0]


def mail_at_once(message: Message, address: str) -> None:
    """Send an e-mail beside deliveries: to whom the health says, but nothing is written down.

    Raises DeliveryError: of the last server that was asked.
    """
    routes = mail_routes()
    *first, last = [route for route in routes if route.wait_until is None] or routes
    for route in first:
        try:
            return _send(route, message, address)
        except DeliveryError as error:
            if not error.may_go_elsewhere:
                raise
    return _send(last, message, address)


def _send(route: Route, message: Message, address: str) -> None:
    with (route.stand_in or EmailChannel()).session() as send:
        send(message, Address(value=address))
