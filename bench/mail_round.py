"""One round of e-mails in a process of its own: `python -m bench.mail_round HOW NUMBER`."""

from __future__ import annotations

import json
import os
import smtplib
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnernotify.settings")
django.setup()

from django.conf import settings  # noqa: E402

from notifications.channels.base import Address  # noqa: E402
from notifications.channels.email import EmailChannel, build_mail  # noqa: E402
from notifications.messages import Action, Message  # noqa: E402

TO = "ala@northstar.example"
PAGE = f"{settings.SITE_URL}/leads/1/?account=northstar"


def message() -> Message:
    """Return what a demo request of a lead is rendered from."""
    return Message(
        public_id=str(uuid.uuid4()),
        language="en",
        subject="ACME: Anna Nowak requested a demo",
        sentence="Anna Nowak (ACME) requested a demo.",
        facts=(("Who", "Anna Nowak · anna@acme.example"), ("Company", "ACME"), ("When", "8:30")),
        why=("ACME is a lead registered to Northstar, and you are the chosen recipient.",),
        stop=(Action(label="Change who gets lead activity", url=PAGE),),
        actions=(Action(label="Open the lead", url=PAGE),),
        account_name="Northstar",
        vendor_name="Northwind",
        unsubscribe_url=f"{settings.SITE_URL}/u/token/",
        list_id="registered-lead-activity",
    )


@contextmanager
def bare() -> Iterator[Callable[[], object]]:
    """The least that hands an e-mail over: it is finished, and nothing can go wrong."""
    finished = build_mail(message(), TO).message().as_bytes(linesep="\r\n")
    with smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT) as connection:
        yield lambda: connection.sendmail("notify@northwind.example", [TO], finished)


@contextmanager
def session() -> Iterator[Callable[[], object]]:
    with EmailChannel().session() as send:
        yield lambda: send(message(), Address(value=TO))


def main(how: str, number: int) -> None:
    with {"bare": bare, "session": session}[how]() as hand_over:
        hand_over()  # Connects, and reads the templates.
        begun = time.perf_counter()
        for _ in range(number):
            hand_over()
        seconds = time.perf_counter() - begun
    sys.stdout.write(json.dumps({"per_second": number / seconds}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
