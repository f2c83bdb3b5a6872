"""What a check right before the send finds out about one delivery."""

from __future__ import annotations

from dataclasses import dataclass

from notifications.channels.base import Address
from notifications.delivery.routes import Route
from notifications.eligibility import Part
from notifications.message_context import MessageContext
from notifications.models import Delivery, Endpoint, NotificationReason
from notifications.reasons import Reason

# The user's own wishes and the address: the message is suppressed, not cancelled.
_OWN_WISHES = frozenset(
    {Reason.EMAIL_OFF, Reason.TOPIC_OFF, Reason.SUPPRESSED_ADDRESS, Reason.AWAY}
)

Withdrawn = tuple[NotificationReason, Reason]
# As it is now, and as what it was decided.
Moved = tuple[NotificationReason, Part]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A delivery with what still holds of it (`context.reasons`) and what does not, and why.

    `moved`: what holds, but as something else than was decided. `stop`: nothing holds, so it
    must not be sent; None: it may. `endpoint` None: the member's own mailbox or bell. `routes`:
    the servers that may be given it. `told_in_chat`: an e-mail that its recipient does not want,
    having it in a chat.
    """

    delivery: Delivery
    context: MessageContext
    address: Address
    withdrawn: tuple[Withdrawn, ...]
    moved: tuple[Moved, ...]
    stop: Reason | None
    endpoint: Endpoint | None
    routes: tuple[Route, ...]
    told_in_chat: bool = False
    carried: tuple[Checked, ...] = ()

    @property
    def is_given_up(self) -> bool:
        return bool(self.endpoint and self.endpoint.disabled_because in Endpoint.GIVEN_UP)

    @property
    def was_read(self) -> bool:
        """Whether it waited so long that its member has read it in the inbox (R85)."""
        return bool(self.delivery.waits_for and self.context.notification.read_at)

    @property
    def is_told(self) -> bool:
        return self.stop is None and not self.told_in_chat and not self.was_read

    @property
    def told(self) -> list[MessageContext]:
        """What the message says: its own, and what it carries."""
        return [c.context for c in (self, *self.carried) if c.is_told]

    @property
    def stopped_state(self) -> str:
        if self.stop == Reason.STALE:
            return Delivery.State.EXPIRED
        own = self.stop in _OWN_WISHES
        return Delivery.State.SUPPRESSED if own else Delivery.State.CANCELLED
