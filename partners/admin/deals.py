"""Deals with their line of partners, owner and team. The services change them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin_pages import BigAdmin, KeptAdmin, actor_of
from accounts.models import Account, User
from partners.models import Deal, DealMember, DealShare
from partners.services.deals import (
    add_to_team,
    end_role,
    promote_partner,
    remove_share,
    set_owner,
    share_deal,
)


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
    verbose_name = _("partner")
    verbose_name_plural = _("partners in order: the first is notified")


class MemberInline(AddOnlyInline):
    model = DealMember
    formset = MemberFormSet
    fields = ("membership", "role", "added_at")
    readonly_fields = ("added_at",)
    autocomplete_fields = ("membership",)
    ordering = ("role", "pk")
    verbose_name = _("person")
    verbose_name_plural = _("owner and team")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DealMember]:
        rows = super().get_queryset(request).filter(removed_at=None)
        return rows.select_related("membership__user", "membership__account")


class DealForm(forms.ModelForm):
    """`first`: who stands at the first place; choosing somebody else is a promotion (R50)."""

    first = forms.ModelChoiceField(
        Account.objects.none(),
        required=False,
        label=_("First partner"),
        empty_label=_("vacant: nobody is notified"),
        help_text=_(
            "Only the first partner is notified. Whoever is chosen here moves to the first "
            "place; the others keep their order. The change is written down."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("first")
        if isinstance(field, forms.ModelChoiceField) and self.instance.pk:
            field.queryset = Account.objects.filter(deal_shares__deal=self.instance)
            share = self.instance.shares.filter(position=1).first()
            self.is_vacant = share is None and field.queryset.exists()
            field.initial = share.account_id if share else None
            if share:  # Taking the first partner out is done in the line below.
                field.empty_label = None


class FirstPlaceFilter(admin.SimpleListFilter):
    title = _("first place")
    parameter_name = "first"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, Any], ...]:
        return (("taken", _("taken")), ("vacant", _("vacant: nobody is notified")))

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        firsts = Exists(DealShare.objects.filter(deal=OuterRef("pk"), position=1))
        if self.value() == "taken":
            return queryset.filter(firsts)
        return queryset.filter(~firsts) if self.value() == "vacant" else queryset


@admin.register(Deal)
class DealAdmin(KeptAdmin, BigAdmin):
    form = DealForm
    list_display = ("name", "company", "first_partner", "stage", "created_at", "archived_at")
    list_filter = ("stage", FirstPlaceFilter, "created_at", "archived_at")
    list_select_related = ("company",)
    search_fields = ("name", "company__name", "company__domain", "shares__account__name")
    autocomplete_fields = ("company",)
    readonly_fields = ("archived_at",)
    inlines = (ShareInline, MemberInline)
    actions = ("archive", "bring_back")
    kept = _(
        "A deal is not deleted. In the list, “Archive” ends it: an archived deal notifies "
        "nobody and keeps its history."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deal]:
        firsts = DealShare.objects.filter(position=1).select_related("account")
        first = Prefetch("shares", firsts, to_attr="first_shares")
        return super().get_queryset(request).prefetch_related(first)

    def get_fields(self, request: HttpRequest, obj: Deal | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("company", "name", "stage")
        return ("company", "name", "stage", "first", "created_at", "archived_at")

    @admin.display(description=_("first partner"))
    def first_partner(self, deal: Any) -> str:
        for share in deal.first_shares:
            return str(share.account)
        return gettext("vacant: nobody is notified")

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.actor = actor_of(request)
        super().save_formset(request, form, formset, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        chosen = form.cleaned_data.get("first")
        in_line = DealShare.objects.filter(deal=form.instance, account=chosen).exists()
        if chosen and in_line and "first" in form.changed_data:
            promote_partner(form.instance, chosen, actor=actor_of(request))

    @admin.action(description=_("Archive"), permissions=["change"])
    def archive(self, request: HttpRequest, deals: QuerySet[Deal]) -> None:
        deals.filter(archived_at=None).update(archived_at=timezone.now())

    @admin.action(description=_("Bring back"), permissions=["change"])
    def bring_back(self, request: HttpRequest, deals: QuerySet[Deal]) -> None:
        deals.update(archived_at=None)
