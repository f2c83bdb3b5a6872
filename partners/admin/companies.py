"""Companies and contacts."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin_pages import BigAdmin, KeptAdmin, actor_of
from partners.admin.cleaning import clean_domain, clean_email
from partners.models import Company, CompanyContact, Contact
from partners.services.erase import erase_person


class LinkFormSet(forms.BaseInlineFormSet):
    """Deleting a link remembers that it was taken away: no e-mail domain makes it again."""

    def delete_existing(self, obj: models.Model, commit: bool = True) -> None:
        CompanyContact.objects.filter(pk=obj.pk).update(unlinked=True)


class CompanyContactInline(admin.TabularInline):
    model = CompanyContact
    formset = LinkFormSet
    autocomplete_fields = ("contact", "company")
    extra = 0


class ContactInline(CompanyContactInline):
    verbose_name = _("contact")
    verbose_name_plural = _("contacts of the company")


class CompanyForm(forms.ModelForm):
    def clean_domain(self) -> str:
        return clean_domain(self.cleaned_data["domain"])


@admin.register(Company)
class CompanyAdmin(KeptAdmin, BigAdmin):
    form = CompanyForm
    list_display = ("name", "domain", "owner")
    list_select_related = ("owner",)
    search_fields = ("name", "domain", "owner__email", "owner__name")
    autocomplete_fields = ("owner",)
    inlines = (ContactInline,)
    kept = _("This company has deals, so it is not deleted; archive the deals instead.")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Company | None = None
    ) -> tuple[str, ...]:
        return ("domain",) if obj else ()  # R16: another one would make its people other leads.

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        if not isinstance(obj, Company) or obj.deals.exists():
            return False
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


class ContactForm(forms.ModelForm):
    def clean_email(self) -> str:
        return clean_email(self.cleaned_data["email"])


@admin.register(Contact)
class ContactAdmin(KeptAdmin, BigAdmin):
    form = ContactForm
    list_display = ("email", "name", "consent_denied", "erased_at")
    list_filter = ("consent_denied", "erased_at")
    search_fields = ("email", "name")
    readonly_fields = ("erased_at",)
    inlines = (CompanyContactInline,)
    ordering = ("email",)
    actions = ("erase",)
    # Erasing forgets the person, too, where the row is only mentioned.
    kept = _(
        "A contact is not deleted: activities hang on it. In the list, “Erase the person” "
        "removes the name and the address everywhere and keeps the counts right."
    )

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("partners.delete_contact")

    @admin.action(description=_("Erase the person: this cannot be undone"), permissions=["erase"])
    def erase(self, request: HttpRequest, contacts: QuerySet[Contact]) -> None:
        count = 0
        for contact in contacts.filter(erased_at=None):
            erase_person(contact.email, actor=actor_of(request))
            count += 1
        text = ngettext("%(count)s person was erased.", "%(count)s people were erased.", count)
        self.message_user(request, text % {"count": count})
