"""Visits: what one person did in one go (eligibility/visits.py)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from notifications.eligibility.visits import Course
from partners.models import Activity, Client, Contact, Lead


class Visit(models.Model):
    """A visit of a lead's or client's person, from what was told on.

    `due_at`: when it has ended, unless something else comes before.
    """

    account = models.ForeignKey(
        Account, models.CASCADE, related_name="+", verbose_name=_("account")
    )
    contact = models.ForeignKey(
        Contact,
        models.CASCADE,
        related_name="+",
        db_index=False,  # Its index is `visit_open`; contacts keep their row.
        verbose_name=_("contact"),
    )
    lead = models.ForeignKey(
        Lead, models.CASCADE, null=True, related_name="+", verbose_name=_("lead")
    )
    client = models.ForeignKey(
        Client, models.CASCADE, null=True, related_name="+", verbose_name=_("client")
    )
    first = models.ForeignKey(
        Activity,
        models.CASCADE,
        related_name="+",
        db_index=False,  # Its index is `one_visit_per_beginning`.
        verbose_name=_("first activity"),
    )
    last = models.ForeignKey(
        Activity,
        models.CASCADE,
        related_name="+",
        db_index=False,  # Activities keep their row.
        verbose_name=_("last activity"),
    )
    started_at = models.DateTimeField(_("started"))
    last_at = models.DateTimeField(_("last seen"))
    steps = models.PositiveIntegerField(_("activities"))
    pages = models.PositiveIntegerField(_("pages"))
    strength = models.PositiveSmallIntegerField(_("strength"))
    due_at = models.DateTimeField(_("over at"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        constraints = (
            models.UniqueConstraint(fields=("first", "account"), name="one_visit_per_beginning"),
            models.CheckConstraint(
                condition=Q(lead=None) & ~Q(client=None) | ~Q(lead=None) & Q(client=None),
                name="visit_is_of_a_lead_or_a_client",
            ),
        )
        indexes = (
            # Whose visits go on.
            models.Index(fields=("contact",), condition=Q(ended_at=None), name="visit_open"),
            # The sweeper, and what moved just now.
            models.Index(fields=("due_at",), condition=Q(ended_at=None), name="visit_due"),
        )

    def __str__(self) -> str:
        return f"{self.contact_id} {self.started_at}"

    @property
    def course(self) -> Course:
        return Course(
            first_id=self.first_id,
            last_id=self.last_id,
            started_at=self.started_at,
            last_at=self.last_at,
            steps=self.steps,
            pages=self.pages,
            strength=self.strength,
        )

    @property
    def subject(self) -> Lead | Client:
        row = self.lead or self.client
        assert row is not None
        return row
