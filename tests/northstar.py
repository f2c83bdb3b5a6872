"""A partner with one lead and one deal, for tests of what happens to its people."""

from __future__ import annotations

from notifications.models import Delivery
from partners.models import CompanyContact
from tests.factories import (
    make_account,
    make_activity,
    make_company,
    make_contact,
    make_deal,
    make_lead,
    make_member,
    make_source,
    switch_on,
)

PRICING = {"type": "page", "payload": {"properties": {"url": "https://n.example/pricing"}}}
SIGN_UP = {"event": "CRM Signed Up"}


class Northstar:
    """Ala is the recipient, Anna the lead; events come from `source`."""

    def __init__(self, slug="northstar", domain="acme.example"):
        self.source = make_source()[0]
        self.account = make_account(slug)
        self.ala = make_member(self.account, f"ala@{slug}.example", role="admin")
        self.lead = make_lead(self.account, domain)
        self.settings = switch_on(self.account, self.ala)
        self.contact = make_contact(f"anna@{domain}")

    def share_a_deal(self, *team):
        vendor = make_account(f"v-{self.account.slug}", kind="vendor")
        gosia = make_member(vendor, role="growth_specialist")
        company = make_company(self.lead.domain, owner=gosia.user)
        CompanyContact.objects.create(company=company, contact=self.contact)
        return make_deal(company, shares=(self.account,), owner=self.ala, team=team)

    def happens(self, **fields):
        return make_activity(self.source, fields.pop("contact", self.contact), **fields)


def queue_bells() -> list[Delivery]:
    """Take the bells back into their lane: due, as those of a notice are."""
    bells = list(Delivery.objects.filter(channel="desktop", endpoint_key=Delivery.OWN))
    Delivery.objects.filter(pk__in=[bell.pk for bell in bells]).delete()
    return [
        Delivery.objects.create(
            account_id=bell.account_id,
            notification_id=bell.notification_id,
            channel=bell.channel,
            topic=bell.topic,
            not_before=bell.not_before,  # Python's clock may be a blink ahead of the database's.
        )
        for bell in bells
    ]
