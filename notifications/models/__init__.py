from notifications.models.checks import InvariantCheck
from notifications.models.claims import Claim
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
    MailReport,
    Suppression,
)
from notifications.models.endpoints import Endpoint, EndpointHealth
from notifications.models.escalations import Escalation, EscalationStep
from notifications.models.profiles import Profile, ProfileCell, ProfileMember
from notifications.models.timing import Absence, Pace, QuietHours, Snooze
from notifications.models.visits import Visit
from notifications.models.wishes import (
    AdditionalRecipient,
    CommunicationSettings,
    Preference,
    Trigger,
)

__all__ = [
    "Absence",
    "AdditionalRecipient",
    "Attempt",
    "Claim",
    "CommunicationSettings",
    "DealSignUp",
    "Decision",
    "Delivery",
    "DeliveryQuerySet",
    "EmailCount",
    "Endpoint",
    "EndpointHealth",
    "Escalation",
    "EscalationStep",
    "InvariantCheck",
    "Kind",
    "MailReport",
    "Notification",
    "NotificationReason",
    "Pace",
    "Preference",
    "Profile",
    "ProfileCell",
    "ProfileMember",
    "QuietHours",
    "Snooze",
    "Suppression",
    "Trigger",
    "Visit",
]
