"""Who is told about an activity, and if not, why not: the rules, and nothing else.

Pure: frozen facts in, verdicts out. No database, no clock, no settings. The order of the
checks is the order of the requirements; the first that fails is the reason.
"""

from notifications.eligibility.channels import (
    OF_A_CHANNEL,
    channels_about_an_endpoint,
    channels_for,
    why_no_email,
    why_no_word_about_an_endpoint,
    why_not_beside_email,
)
from notifications.eligibility.deals import decide_deal_sign_up, why_not_first_partner
from notifications.eligibility.events import why_nobody
from notifications.eligibility.facts import (
    CLIENT,
    DEAL,
    LEAD,
    CompanyFacts,
    Event,
    Person,
    Registration,
    Role,
    SharedDeal,
    Verdict,
    topic_of,
)
from notifications.eligibility.leads import decide_lead_activity, settles_alone, why_not_account

__all__ = [
    "CLIENT",
    "CompanyFacts",
    "DEAL",
    "Event",
    "LEAD",
    "OF_A_CHANNEL",
    "Person",
    "Registration",
    "Role",
    "SharedDeal",
    "Verdict",
    "channels_about_an_endpoint",
    "channels_for",
    "decide_deal_sign_up",
    "decide_lead_activity",
    "settles_alone",
    "topic_of",
    "why_no_email",
    "why_no_word_about_an_endpoint",
    "why_nobody",
    "why_not_account",
    "why_not_beside_email",
    "why_not_first_partner",
]
