"""Write the demo into an empty database, once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from notifications.demo.history import write_history
from notifications.demo.keys import NAME, ensure_demo_key
from notifications.demo.world import OPERATOR, SOUTHWIND, WITHOUT_FIRST, program
from notifications.program.load import import_program
from partners.models import DealShare, Source


def has_demo_data() -> bool:
    return Source.objects.filter(name=NAME).exists()


def seed(now: datetime) -> bool:
    """Write the demo unless it is there; tell whether it was written.

    What somebody changed in it since stays changed. The write key is looked after anyway.
    """
    with transaction.atomic():
        is_there = has_demo_data()
        source = ensure_demo_key()
        if is_there:
            return False
        import_program(program(now), now=now)
        User.objects.filter(email=OPERATOR).update(is_staff=True, is_superuser=True)
        DealShare.objects.filter(deal__name=WITHOUT_FIRST, account__slug=SOUTHWIND).delete()
        write_history(source, now)
    return True
