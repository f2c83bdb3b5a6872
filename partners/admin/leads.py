"""Leads and clients."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin_pages import BigAdmin, KeptAdmin, actor_of
from partners.admin.cleaning import clean_domain, clean_email
from partners.models import Client, Lead
from partners.services.leads import record_owner


class RegistrationForm(forms.ModelForm):
    def clean_domain(self) -> str:
        return clean_domain(self.cleaned_data["domain"])

    def clean_email(self) -> str:
        return clean_email(self.cleaned_data["email"])


class LeadForm(RegistrationForm):
    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        owner = values.get("owner")
        if owner and owner.account != values.get("account"):
            self.add_error("owner", _("Choose a user of this account."))
        if not self.errors and _is_taken(self.instance.pk, values):
            message = _("Another partner has an active registration of this domain.")
            raise ValidationError({"domain": message})
        return values


def _is_taken(pk: int | None, values: dict[str, Any]) -> bool:
    now = timezone.now()
    mine = Lead(**{name: values[name] for name in ("status", "registered_at", "expires_at")})
    if mine.status_at(now) != Lead.Status.REGISTERED or mine.registered_at > now:
        return False
    active = Lead.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        domain=values["domain"],
        status=Lead.Status.REGISTERED,
        registered_at__lte=now,
    )
    return active.exclude(pk=pk or 0).exists()


class RegistrationAdmin(KeptAdmin, BigAdmin):
    list_select_related = ("account",)
    search_fields = (
        *("domain", "company", "first_name", "last_name", "email"),
        *("account__name", "account__slug"),
    )
    autocomplete_fields: ClassVar[tuple[str, ...]] = ("account",)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """One by one, and only what no decision names."""
        if not isinstance(obj, Lead | Client) or obj.decisions.exists():
            return False
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


@admin.register(Lead)
class LeadAdmin(RegistrationAdmin):
    form = LeadForm
    list_display = ("company", "domain", "account", "status_now", "registered_at", "expires_at")
    list_filter = ("status", "registered_at", "expires_at")
    autocomplete_fields = ("account", "owner")
    ordering = ("-registered_at", "-pk")
    kept = _(
        "Decisions name this lead, so it is not deleted. To end the registration, set its "
        "status or its date of expiry."
    )

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Lead, form: Any, change: bool) -> None:
        rows = Lead.objects.select_related("owner__user")
        before = rows.get(pk=obj.pk).owner if change else None
        super().save_model(request, obj, form, change)
        record_owner(obj, before, actor=actor_of(request))

    @admin.display(description=_("status"))
    def status_now(self, lead: Lead) -> str:
        return str(Lead.Status(lead.status_at(timezone.now())).label)


@admin.register(Client)
class ClientAdmin(RegistrationAdmin):
    form = RegistrationForm
    list_display = ("company", "domain", "account", "since", "until")
    list_filter = ("since", "until")
    ordering = ("-since", "-pk")
    kept = _("Decisions name this client, so it is not deleted. To end it, fill in “until”.")
