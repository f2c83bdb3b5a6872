from notifications.models.checks import InvariantCheck
from notifications.models.decisions import (
    DealSignUp,
    Decision,
    Kind,
    Notification,
    NotificationReason,
)
from notifications.models.deliveries import (
    Attempt,
    Delivery,
    DeliveryQuerySet,
    EmailCount,
    Suppression,
)
from notifications.models.endpoints import Endpoint, EndpointHealth
from notifications.models.wishes import CommunicationSettings, Preference, Trigger

__all__ = [
    "Attempt",
    "CommunicationSettings",
    "DealSignUp",
    "Decision",
    "Delivery",
    "DeliveryQuerySet",
    "EmailCount",
    "Endpoint",
    "EndpointHealth",
    "InvariantCheck",
    "Kind",
    "Notification",
    "NotificationReason",
    "Preference",
    "Suppression",
    "Trigger",
]
