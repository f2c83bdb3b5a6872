"""Support for an operator: leads, companies, deals, write keys and what arrived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.fields import LinesField
from accounts.logs import LogAdmin
from accounts.models import User
from partners.domains import registrable_domain
from partners.events import clean_email
from partners.keys import create_write_key
from partners.models import (
    Activity,
    Client,
    Company,
    CompanyContact,
    Contact,
    Deal,
    DealMember,
    DealShare,
    Lead,
    RejectedEvent,
    Source,
)
from partners.origins import clean_origin
from partners.services.deals import (
    add_to_team,
    end_role,
    promote_partner,
    remove_share,
    set_owner,
    share_deal,
)
from partners.services.erase import erase_person

# --- Leads and clients ------------------------------------------------------------


def _domain(text: str) -> str:
    domain = registrable_domain(text)
    if not domain:
        raise ValidationError(_("This is not a domain that can be registered."))
    return domain


def _email(text: str) -> str:
    email = clean_email(text)
    if text and not email:
        raise ValidationError(_("Enter a valid e-mail address."))
    return email


class RegistrationForm(forms.ModelForm):
    def clean_domain(self) -> str:
        return _domain(self.cleaned_data["domain"])

    def clean_email(self) -> str:
        return _email(self.cleaned_data["email"])


class LeadForm(RegistrationForm):
    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
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


@admin.register(Lead)
class LeadAdmin(admin.ModelAdmin):
    form = LeadForm
    list_display = ("company", "domain", "account", "status_now", "registered_at", "expires_at")
    list_filter = ("status", "registered_at", "expires_at")
    list_select_related = ("account",)
    search_fields = (
        *("domain", "company", "first_name", "last_name", "email"),
        *("account__name", "account__slug"),
    )
    autocomplete_fields = ("account",)
    ordering = ("-registered_at", "-pk")

    @admin.display(description=_("status"))
    def status_now(self, lead: Lead) -> str:
        return str(Lead.Status(lead.status_at(timezone.now())).label)


@admin.register(Client)
class ClientAdmin(admin.ModelAdmin):
    form = RegistrationForm
    list_display = ("company", "domain", "account", "since", "until")
    list_filter = ("since", "until")
    list_select_related = ("account",)
    search_fields = ("domain", "company", "email", "account__name", "account__slug")
    autocomplete_fields = ("account",)
    ordering = ("-since", "-pk")


# --- Companies and contacts -------------------------------------------------------


class LinkFormSet(forms.BaseInlineFormSet):
    """Deleting a link remembers that it was taken away: no e-mail domain makes it again."""

    def delete_existing(self, obj: models.Model, commit: bool = True) -> None:
        CompanyContact.objects.filter(pk=obj.pk).update(unlinked=True)


class CompanyContactInline(admin.TabularInline):
    model = CompanyContact
    formset = LinkFormSet
    autocomplete_fields = ("contact", "company")
    extra = 0


class CompanyForm(forms.ModelForm):
    def clean_domain(self) -> str:
        return _domain(self.cleaned_data["domain"])


@admin.register(Company)
class CompanyAdmin(admin.ModelAdmin):
    form = CompanyForm
    list_display = ("name", "domain", "owner")
    list_select_related = ("owner",)
    search_fields = ("name", "domain", "owner__email", "owner__name")
    autocomplete_fields = ("owner",)
    inlines = (CompanyContactInline,)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Company | None = None
    ) -> tuple[str, ...]:
        return ("domain",) if obj else ()  # R16: another one would make its people other leads.


class ContactForm(forms.ModelForm):
    def clean_email(self) -> str:
        return _email(self.cleaned_data["email"])


@admin.register(Contact)
class ContactAdmin(admin.ModelAdmin):
    form = ContactForm
    list_display = ("email", "name", "consent_denied", "erased_at")
    list_filter = ("consent_denied", "erased_at")
    search_fields = ("email", "name")
    readonly_fields = ("erased_at",)
    inlines = (CompanyContactInline,)
    ordering = ("email",)
    show_full_result_count = False
    actions = ("erase",)

    def has_delete_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return False  # Erasing forgets the person, too, where the row is only mentioned.

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("partners.delete_contact")

    @admin.action(description=_("Erase the person: this cannot be undone"), permissions=["erase"])
    def erase(self, request: HttpRequest, contacts: QuerySet[Contact]) -> None:
        count = 0
        for contact in contacts.filter(erased_at=None):
            erase_person(contact.email, actor=_actor(request))
            count += 1
        text = ngettext("%(count)s person was erased.", "%(count)s people were erased.", count)
        self.message_user(request, text % {"count": count})


def _actor(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


# --- Deals ------------------------------------------------------------------------


class ActorFormSet(forms.BaseInlineFormSet):
    """Rows of a deal are added and removed by the services, in the name of `actor`."""

    actor: User | None = None


class ShareFormSet(ActorFormSet):
    def save_new(self, form: Any, commit: bool = True) -> models.Model:
        return share_deal(self.instance, form.cleaned_data["account"], actor=self.actor)

    def delete_existing(self, obj: models.Model, commit: bool = True) -> None:
        assert isinstance(obj, DealShare)
        remove_share(self.instance, obj.account, actor=self.actor)


class MemberFormSet(ActorFormSet):
    def save_new(self, form: Any, commit: bool = True) -> models.Model:
        row, member = form.instance, form.cleaned_data["membership"]
        change: Callable[..., None] = (
            set_owner if row.role == DealMember.Role.OWNER else add_to_team
        )
        change(self.instance, member)
        return DealMember.objects.get(
            deal=self.instance, membership=member, role=row.role, removed_at=None
        )

    def delete_existing(self, obj: models.Model, commit: bool = True) -> None:
        assert isinstance(obj, DealMember)
        end_role(obj)


class AddOnlyInline(admin.TabularInline):
    """Rows come and go; none is changed in place."""

    extra = 0
    can_delete = True

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class ShareInline(AddOnlyInline):
    model = DealShare
    formset = ShareFormSet
    fields = ("position", "account", "added_at")
    readonly_fields = ("position", "added_at")
    autocomplete_fields = ("account",)
    ordering = ("position",)
    verbose_name_plural = _("partners in order: the first is notified")


class MemberInline(AddOnlyInline):
    model = DealMember
    formset = MemberFormSet
    fields = ("membership", "role", "added_at")
    readonly_fields = ("added_at",)
    autocomplete_fields = ("membership",)
    ordering = ("role", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DealMember]:
        rows = super().get_queryset(request).filter(removed_at=None)
        return rows.select_related("membership__user", "membership__account")


@admin.register(Deal)
class DealAdmin(admin.ModelAdmin):
    list_display = ("name", "company", "stage", "created_at", "archived_at")
    list_filter = ("stage", "created_at", "archived_at")
    list_select_related = ("company",)
    search_fields = ("name", "company__name", "company__domain", "shares__account__name")
    autocomplete_fields = ("company",)
    readonly_fields = ("archived_at",)
    inlines = (ShareInline, MemberInline)
    actions = ("archive", "bring_back")

    def has_delete_permission(self, request: HttpRequest, obj: Deal | None = None) -> bool:
        return False  # An archived deal notifies nobody and keeps its history.

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.actor = _actor(request)
        super().save_formset(request, form, formset, change)

    @admin.action(description=_("Archive"), permissions=["change"])
    def archive(self, request: HttpRequest, deals: QuerySet[Deal]) -> None:
        deals.filter(archived_at=None).update(archived_at=timezone.now())

    @admin.action(description=_("Bring back"), permissions=["change"])
    def bring_back(self, request: HttpRequest, deals: QuerySet[Deal]) -> None:
        deals.update(archived_at=None)


@admin.register(DealShare)
class DealShareAdmin(LogAdmin):
    """The lines of all deals. They are changed on the deal; here one is promoted."""

    list_display = ("deal", "company", "account", "position", "added_at")
    list_filter = ("added_at",)
    list_select_related = ("deal__company", "account")
    search_fields = ("deal__name", "deal__company__domain", "account__name", "account__slug")
    actions = ("promote",)

    @admin.display(description=_("company"))
    def company(self, share: DealShare) -> str:
        return share.deal.company.name

    def has_promote_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("partners.change_dealshare")

    @admin.action(
        description=_("Make first: this partner is notified from now on"),
        permissions=["promote"],
    )
    def promote(self, request: HttpRequest, shares: QuerySet[DealShare]) -> None:
        chosen = list(shares.select_related("deal", "account"))
        if len({share.deal_id for share in chosen}) < len(chosen):
            text = gettext("Choose one partner of each deal.")
            self.message_user(request, text, messages.ERROR)
            return
        for share in chosen:
            promote_partner(share.deal, share.account, actor=_actor(request))


# --- Write keys and what arrived --------------------------------------------------


def _origin(line: str) -> str:
    try:
        return clean_origin(line)
    except ValueError:
        raise ValidationError(
            _("%(line)s is not an origin such as https://www.vendor.example."),
            params={"line": line},
        ) from None


class SourceForm(forms.ModelForm):
    origins = LinesField(
        label=_("Origins"),
        clean_line=_origin,
        help_text=_("Websites that may use this key in a browser, one per line; empty: all."),
    )

    class Meta:
        model = Source
        fields = ("name", "origins")


@admin.register(Source)
class SourceAdmin(admin.ModelAdmin):
    form = SourceForm
    list_display = ("name", "prefix", "created_at", "revoked_at", "leaked_at")
    list_filter = ("created_at", "revoked_at")
    search_fields = ("name", "prefix")
    readonly_fields = ("prefix", "created_at", "revoked_at", "leaked_at")
    ordering = ("name",)
    actions = ("revoke",)

    def has_delete_permission(self, request: HttpRequest, obj: Source | None = None) -> bool:
        return False  # Activities name their source; a revoked key lets nothing in.

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        source, key = create_write_key(obj.name, origins=obj.origins)
        obj.__dict__.update(source.__dict__)
        text = gettext("The write key of %(name)s, shown only now: %(key)s")
        self.message_user(request, text % {"name": obj.name, "key": key}, messages.WARNING)

    @admin.action(
        description=_("Revoke: nothing is accepted with it any more"), permissions=["change"]
    )
    def revoke(self, request: HttpRequest, sources: QuerySet[Source]) -> None:
        sources.filter(revoked_at=None).update(revoked_at=timezone.now())


@admin.register(Activity)
class ActivityAdmin(LogAdmin):
    list_display = ("received_at", "type", "name", "contact", "source", "state")
    list_filter = ("received_at", "state", "type")
    list_select_related = ("contact", "source")
    search_fields = ("=message_id", "=contact__email", "=anonymous_id", "=user_id")
    search_help_text = _("A message id, an e-mail, an anonymous id or a user id, exactly.")
    exclude = ("payload", "body_hash")
    ordering = ("-received_at",)


@admin.register(RejectedEvent)
class RejectedEventAdmin(LogAdmin):
    list_display = ("received_at", "source", "index", "message_id", "code", "message")
    list_filter = ("received_at", "code")
    list_select_related = ("source",)
    search_fields = ("=message_id", "=code", "source__name")
    exclude = ("excerpt",)
    ordering = ("-received_at",)
