"""One round of evaluation in a process of its own: `python -m bench.evaluate_rounds MODE`."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnernotify.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from bench.naive import evaluate_one  # noqa: E402
from notifications import doorbell  # noqa: E402
from notifications.evaluation import evaluate_due  # noqa: E402
from partners.models import Activity, Contact, Source  # noqa: E402

EVENTS = {"naive": 300, "product": 5_000}
LEADS = 1_000
KINDS = (("track", "Demo Requested"), ("page", "Pricing"), ("track", "CRM Signed Up"))


def make_activities(number: int) -> list[int]:
    """Every visitor is of a lead's company: the dearest case, somebody is told or could be."""
    source, _ = Source.objects.get_or_create(name="bench", key_hash="bench", prefix="bench")
    emails = [f"p{n}-{uuid.uuid4().hex[:6]}@lead{n % LEADS}.example" for n in range(number)]
    Contact.objects.bulk_create([Contact(email=email) for email in emails], batch_size=1_000)
    ids = dict(Contact.objects.filter(email__in=emails).values_list("email", "pk"))
    now = timezone.now() - timedelta(seconds=1)
    rows = []
    for n, email in enumerate(emails):
        kind, name = KINDS[n % 3]
        payload = {"type": kind, "properties": {"url": "https://n.example/pricing"}}
        rows.append(
            Activity(source=source, message_id=uuid.uuid4().hex, type=kind, name=name,
                     contact_id=ids[email], occurred_at=now, received_at=now,
                     payload=payload, body_hash="")
        )  # fmt: skip
    return [a.pk for a in Activity.objects.bulk_create(rows, batch_size=1_000)]


def main(mode: str) -> None:
    doorbell.ring = lambda _lane: None
    number = EVENTS[mode]
    ids = make_activities(number)
    begun = time.perf_counter()
    if mode == "naive":
        for pk in ids:
            evaluate_one(pk)
    else:
        while evaluate_due().taken:
            pass
    seconds = time.perf_counter() - begun
    left = Activity.objects.filter(pk__in=ids, state="pending").count()
    if left:
        raise RuntimeError(f"{left} activities were not evaluated")
    sys.stdout.write(json.dumps({"per_second": number / seconds}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
