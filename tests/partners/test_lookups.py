"""`among`: many values as one parameter."""

from __future__ import annotations

import pytest
from django.db import connection

from notifications.models import Visit
from partners.models import Contact
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def test_numbers_and_texts_are_found():
    anna, ola = make_contact("anna@acme.example"), make_contact("ola@acme.example")
    make_contact("ewa@acme.example")
    few = Contact.objects.order_by("pk")
    assert list(few.filter(pk__among=[ola.pk, anna.pk, 0])) == [anna, ola]
    assert list(few.filter(email__among={ola.email, "x" * 400})) == [ola]
    assert not few.filter(pk__among=[]) and not few.filter(email__among=())


def test_numbers_are_compared_by_a_hash():
    """PostgreSQL hashes values of the column's own type only: else 12,000 open visits and a
    thousand people are 12,000,000 comparisons."""
    sql = str(Visit.objects.filter(contact__among=[1, 2]).query)
    if connection.vendor == "postgresql":
        assert "::bigint[]" in sql
    else:
        assert "json_each" in sql
