"""Who is on what: "I'm on it"."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Membership
from partners.models import Client, Deal, Lead

# A row is about exactly one of these.
ABOUT_ONE = (
    Q(lead__isnull=False, client=None, deal=None)
    | Q(lead=None, client__isnull=False, deal=None)
    | Q(lead=None, client=None, deal__isnull=False)
)


class Claim(models.Model):
    """A member looks after a lead, client or deal for their account; for how long says
    eligibility/matters.py. A deal may be claimed by each of its partners: none sees the others."""

    account = models.ForeignKey(
        Account, models.CASCADE, related_name="+", verbose_name=_("account")
    )
    membership = models.ForeignKey(
        Membership, models.CASCADE, related_name="claims", verbose_name=_("person")
    )
    lead = models.ForeignKey(
        Lead, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("lead")
    )
    client = models.ForeignKey(
        Client, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("client")
    )
    deal = models.ForeignKey(
        Deal, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("deal")
    )
    claimed_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        constraints = (
            models.UniqueConstraint(fields=("lead", "account"), name="one_claim_per_lead"),
            models.UniqueConstraint(fields=("client", "account"), name="one_claim_per_client"),
            models.UniqueConstraint(fields=("deal", "account"), name="one_claim_per_deal"),
            models.CheckConstraint(condition=ABOUT_ONE, name="claim_is_about_one_thing"),
        )

    def __str__(self) -> str:
        return f"{self.membership} · {self.lead or self.client or self.deal}"
