"""The vendor's companies and contacts. They carry no partner account."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from partners.domains import email_domain


class Company(models.Model):
    """A company, identified by its registrable domain."""

    domain = models.CharField(_("domain"), max_length=253, unique=True)
    name = models.CharField(_("name"), max_length=200)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="owned_companies",
        verbose_name=pgettext_lazy("company", "owner"),
        help_text=_("Deal sign-ups notify only when a growth specialist owns the company."),
    )

    class Meta:
        verbose_name = _("company")
        verbose_name_plural = _("companies")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class EmailDomainField(models.CharField):
    """The registrable domain of the row's `email`, empty for free mail; follows each save."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        domain = email_domain(model_instance.email)  # type: ignore[attr-defined]
        setattr(model_instance, self.attname, domain)
        return domain


class Contact(models.Model):
    """A person, identified by an e-mail in lower case. `name` may be unknown."""

    email = models.EmailField(_("e-mail"), unique=True, max_length=254)
    # By it people are found who belong to a lead, a client or a company (R17).
    domain = EmailDomainField(_("domain"), max_length=253, db_index=True, editable=False)
    name = models.CharField(_("name"), max_length=200, blank=True)
    companies = models.ManyToManyField(Company, through="CompanyContact", related_name="contacts")
    consent_denied = models.BooleanField(_("consent denied"), default=False)
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")

    def __str__(self) -> str:
        return self.name or self.email


class CompanyContact(models.Model):
    """A contact's place in a company. `unlinked` remembers an explicit removal (R41)."""

    company = models.ForeignKey(Company, models.CASCADE, verbose_name=_("company"))
    contact = models.ForeignKey(Contact, models.CASCADE, verbose_name=_("contact"))
    unlinked = models.BooleanField(
        _("unlinked"),
        default=False,
        help_text=_("Ticked: not linked again by an e-mail domain."),
    )

    class Meta:
        verbose_name = _("company of the contact")
        verbose_name_plural = _("companies of the contact")
        constraints = (
            models.UniqueConstraint(fields=("contact", "company"), name="one_link_per_company"),
        )

    def __str__(self) -> str:
        return f"{self.contact} · {self.company}"
