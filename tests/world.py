"""The personas of the page tests, and a way to let somebody do something."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from accounts.models import User
from notifications.drain import drain
from partners.models import Activity, Contact
from tests.factories import make_account, make_activity, make_member, make_source, make_user


class World:
    """Northstar (Ala, Bartek), southwind (Celina), the vendor (Gosia) and an outsider."""

    def __init__(self) -> None:
        self.vendor = make_account("northwind", kind="vendor")
        self.northstar = make_account("northstar", name="Northstar Agency")
        self.southwind = make_account("southwind", name="Southwind Partners")
        self.gosia = make_member(
            self.vendor, "gosia@northwind.example", name="Gosia", role="growth_specialist"
        )
        self.ala = make_member(self.northstar, "ala@northstar.example", name="Ala", role="admin")
        self.bartek = make_member(self.northstar, "bartek@northstar.example", name="Bartek")
        self.celina = make_member(
            self.southwind, "celina@southwind.example", name="Celina", role="admin"
        )
        self.obcy = make_user("obcy@elsewhere.example")
        self.source, _key = make_source()

    def does(self, email: str = "anna@acme.example", **fields: Any) -> Activity:
        """Let the person do something (a demo request unless said) and evaluate it."""
        contact = fields.pop("contact", None) or Contact.objects.get_or_create(email=email)[0]
        activity = make_activity(self.source, contact, **fields)
        drain(patience_seconds=0)
        return activity


def read(client: Client, user: User, url: str, status: int = 200) -> str:
    """Return the page as the user gets it, but for the random tokens of its forms."""
    client.force_login(user)
    answer = client.get(url)
    assert answer.status_code == status, answer.content[:300]
    return _TOKEN.sub("", answer.content.decode())


# Letters at random spell a secret name once in a while.
_TOKEN = re.compile(r'(?<=name="csrfmiddlewaretoken" value=")\w+')
