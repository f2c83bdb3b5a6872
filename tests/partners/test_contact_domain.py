"""A contact's registrable domain follows its e-mail, however the row is written (R17, R18)."""

import pytest

from partners.models import Contact

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("anna@acme.example", "acme.example"),
        ("anna@mail.acme.example", "acme.example"),
        ("anna@firma.com.pl", "firma.com.pl"),
        ("anna@gmail.com", ""),
    ],
)
def test_domain_is_registrable_and_empty_for_free_mail(email, domain):
    assert Contact.objects.create(email=email).domain == domain


def test_bulk_written_contacts_have_it_too():
    Contact.objects.bulk_create([Contact(email="anna@www.acme.example")])
    assert Contact.objects.get().domain == "acme.example"


def test_it_follows_a_changed_email():
    contact = Contact.objects.create(email="anna@acme.example")
    contact.email = "anna@other.example"
    contact.save()
    assert Contact.objects.get().domain == "other.example"
