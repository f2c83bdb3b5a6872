from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from partners.events import clean_email
from partners.services.erase import erase_person


class Command(BaseCommand):
    help = (
        "Forget a person: the contact, identities, events, leads' contact fields and mail files. "
        "Nothing is sent about them later. This cannot be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the person's address")

    def handle(self, *, email: str, **_options: Any) -> None:
        address = clean_email(email)
        if not address:
            raise CommandError(f"{email!r} is not an e-mail address.")
        self.stdout.write(str(erase_person(address, actor=None, actor_name="erase_person")))
        if User.objects.filter(email=address).exists():
            self.stdout.write(f"{address} also signs in here: that user was left as it is.")
