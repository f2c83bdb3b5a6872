"""Each contact learns its registrable domain, so that people of a domain are found by an index."""

from django.db import migrations

import partners.models.companies
from partners.domains import email_domain

BATCH_SIZE = 1_000


def fill_domains(apps, schema_editor):
    contact_model = apps.get_model("partners", "Contact")
    batch = []
    for contact in contact_model.objects.only("email").iterator(BATCH_SIZE):
        contact.domain = email_domain(contact.email)
        batch.append(contact)
        if len(batch) == BATCH_SIZE:
            contact_model.objects.bulk_update(batch, ["domain"])
            batch.clear()
    contact_model.objects.bulk_update(batch, ["domain"])


class Migration(migrations.Migration):
    dependencies = [("partners", "0001_initial")]

    operations = [
        migrations.AddField(
            "contact",
            "domain",
            partners.models.companies.EmailDomainField(
                db_index=True, default="", editable=False, max_length=253, verbose_name="domain"
            ),
            preserve_default=False,
        ),
        migrations.RunPython(fill_domains, migrations.RunPython.noop),
    ]
