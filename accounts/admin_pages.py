"""What admin pages have in common: logs that are read, rows that history hangs on."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property

from accounts.models import User


def actor_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


class CappedPaginator(Paginator):
    """Counts no further than CAP rows: a log may have millions."""

    CAP = 10_000

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        assert isinstance(rows, models.QuerySet)
        return rows.order_by()[: self.CAP].count()

    @property
    def is_capped(self) -> bool:
        return self.count == self.CAP


class BigAdmin(admin.ModelAdmin):
    """A list that may be long: one bounded count."""

    show_full_result_count = False
    paginator = CappedPaginator


class LogAdmin(BigAdmin):
    """What happened: looked at, never changed. `intro`: a sentence above the list."""

    intro: Any = ""
    # Counts beside each choice of a filter are one full scan each.
    show_facets = admin.ShowFacets.NEVER

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class KeptAdmin(admin.ModelAdmin):
    """Rows that decisions, messages or other history name: they are ended, not deleted.

    `kept`: the sentence below the form that says what to do instead.
    """

    intro: Any = ""
    kept: Any = ""

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class LogInline(admin.TabularInline):
    """Rows that belong to the page's object; looked at here, changed elsewhere."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
