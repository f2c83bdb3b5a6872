from partners.models.activity import Activity, Identity, RejectedEvent, Source
from partners.models.companies import Company, CompanyContact, Contact
from partners.models.deals import Deal, DealMember, DealShare
from partners.models.leads import Client, Lead

__all__ = [
    "Activity",
    "Client",
    "Company",
    "CompanyContact",
    "Contact",
    "Deal",
    "DealMember",
    "DealShare",
    "Identity",
    "Lead",
    "RejectedEvent",
    "Source",
]
