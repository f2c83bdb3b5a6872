"""Opening, sending and acting on pages of the admin."""

from __future__ import annotations

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.urls import reverse

from tests.admin.browser import fields_of


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def save(client, model, row=None, **changes):
    """Open the form, change fields as a browser would, and send it."""
    page = url(model, "change", row.pk) if row else url(model, "add")
    sent = fields_of(client.get(page)) | changes
    return client.post(page, {k: v for k, v in sent.items() if v is not None}, follow=True)


def act(client, model, action, *rows):
    chosen = {"action": action, ACTION_CHECKBOX_NAME: [row.pk for row in rows]}
    answer = client.post(url(model, "changelist"), chosen, follow=True)
    assert answer.status_code == 200
    return answer


def errors_of(answer):
    return str(answer.context["errors"])
