"""Every address of the product × every persona → the status (contract, section 4; R4).

A new address without a row fails `test_every_address_has_a_row`: decide who may see it, and
write it down. Foreign ids answer 404, known but not allowed 403.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from accounts.services.invitations import invite
from accounts.services.invitations import make_token as make_invitation_token
from notifications.drain import drain
from notifications.models import Delivery, Notification
from notifications.unsubscribe import make_token
from tests.factories import (
    choose,
    make_activity,
    make_company,
    make_contact,
    make_deal,
    make_device,
    make_lead,
    make_profile,
    make_user,
    make_webhook,
    switch_on,
)
from tests.notifications.test_replay import ends
from tests.push import BrowserKeys
from tests.world import World

pytestmark = pytest.mark.django_db

PERSONAS = ("anonymous", "ala", "bartek", "celina", "gosia", "obcy", "operator")
LOGIN, OK, GO, NOT_ALLOWED, NONE, METHOD = "login", 200, 302, 403, 404, 405

# Each persona's answer, in the order of PERSONAS: nobody signed in; Ala, admin of partner A;
# Bartek, its member; Celina, admin of partner B; Gosia of the vendor; Obcy without a place
# anywhere; an operator (is_staff) without one. Ids in the paths belong to partner A;
# notifications and endpoints are Ala's own.
Row = tuple[str | int, ...]
EVERYONE: Row = (OK,) * 7
SIGNED_IN: Row = (LOGIN, OK, OK, OK, OK, OK, OK)
MEMBERS: Row = (LOGIN, OK, OK, OK, OK, NOT_ALLOWED, NOT_ALLOWED)
OF_ADMIN: Row = (LOGIN, OK, NOT_ALLOWED, NONE, NONE, NOT_ALLOWED, NOT_ALLOWED)
OF_ALA: Row = (LOGIN, GO, NONE, NONE, NONE, NOT_ALLOWED, NOT_ALLOWED)
OWN: Row = (LOGIN, OK, NONE, NONE, NONE, NOT_ALLOWED, NOT_ALLOWED)
LISTS: Row = (LOGIN, OK, OK, OK, OK, NOT_ALLOWED, OK)
OF_A: Row = (LOGIN, OK, OK, NONE, OK, NONE, OK)
REDIRECT: Row = (GO,) * 7  # To a page that asks for itself.
DEMO_ONLY: Row = (NONE,) * 7


def members(answer: int) -> Row:
    return (LOGIN, *(answer if status == OK else status for status in MEMBERS[1:]))


ROWS: dict[str, Row] = {
    "notifications:home": REDIRECT,
    "notifications:inbox": MEMBERS,
    "notifications:open": OF_ALA,
    "notifications:panel": MEMBERS,
    "notifications:unread": MEMBERS,
    "notifications:popups": MEMBERS,
    "notifications:stream": MEMBERS,
    "notifications:communication": (LOGIN, OK, OK, OK, NONE, NONE, NONE),
    "notifications:users": MEMBERS,
    "notifications:user": OF_ADMIN,
    "notifications:user_notifications": OF_ADMIN,
    "notifications:deactivate_user": OF_ADMIN,
    "notifications:remove_user": OF_ADMIN,
    "notifications:preferences": MEMBERS,
    "notifications:profiles": (LOGIN, OK, OK, OK, NONE, NONE, NONE),
    "notifications:profile": (LOGIN, GO, GO, NONE, NONE, NONE, NONE),
    "notifications:profile_tab": (LOGIN, OK, OK, NONE, NONE, NONE, NONE),
    "notifications:remove_profile": (LOGIN, OK, NOT_ALLOWED, NONE, NONE, NONE, NONE),
    "notifications:preferences_start": members(GO),
    "notifications:endpoints": MEMBERS,
    # Only partner accounts have topics that could be sent there.
    "notifications:when": (LOGIN, OK, OK, OK, NONE, NOT_ALLOWED, NOT_ALLOWED),
    "notifications:add_slack": (LOGIN, OK, OK, OK, NONE, NOT_ALLOWED, NOT_ALLOWED),
    "notifications:add_teams": (LOGIN, OK, OK, OK, NONE, NOT_ALLOWED, NOT_ALLOWED),
    "notifications:add_webhook": (LOGIN, OK, OK, OK, NONE, NOT_ALLOWED, NOT_ALLOWED),
    "notifications:endpoint": OWN,
    "notifications:remove_endpoint": OWN,
    "notifications:rename_device": OWN,
    "notifications:device_here": MEMBERS,
    "notifications:on_it": (LOGIN, OK, OK, NONE, NONE, NOT_ALLOWED, NOT_ALLOWED),
    "notifications:activity": LISTS,
    "notifications:explain": OF_A,
    "notifications:deliveries": LISTS,
    "notifications:delivery_again": (LOGIN, OK, NONE, NONE, NOT_ALLOWED, NONE, OK),
    "notifications:deliveries_again": (LOGIN, OK, NOT_ALLOWED, OK, NOT_ALLOWED, NOT_ALLOWED, OK),
    "notifications:triggers": LISTS,
    "notifications:unsubscribe": EVERYONE,
    "partners:leads": LISTS,
    "partners:lead": OF_A,
    "partners:deals": LISTS,
    "partners:deal": OF_A,
    "accounts:settings": REDIRECT,
    "accounts:profile": SIGNED_IN,
    "accounts:security": SIGNED_IN,
    "accounts:invitation": (OK, *(NOT_ALLOWED,) * 6),  # For an address that nobody signs in with.
    "partners:intake": (METHOD,) * 7,
    "favicon.ico": REDIRECT,  # To the picture of this version.
    "manifest": EVERYONE,
    "service_worker": EVERYONE,
    "offline": EVERYONE,
    "healthz": EVERYONE,
    "readyz": (503,) * 7,
    "metrics": EVERYONE,  # From this machine: tests/run/test_metrics.py.
}
# Only POST does something; who may not, changes nothing.
POST_ROWS: dict[str, Row] = {
    "notifications:read": OF_ALA,
    "notifications:read_all": members(GO),
    "notifications:confirm_address": members(GO),
    "notifications:endpoint_topics": OF_ALA,
    # Without a subscription: whoever may have devices is told that.
    "notifications:add_device": (LOGIN, 422, 422, 422, NONE, NOT_ALLOWED, NOT_ALLOWED),
    "notifications:archive": OF_ALA,
    "notifications:bring_back": OF_ALA,
    "notifications:snooze": (LOGIN, NONE, *OF_ALA[2:]),  # Without a time there is nothing to do.
    "notifications:silence": OF_ALA,
    "notifications:show_again": OF_ALA,
    "notifications:test_endpoint": OF_ALA,
    "notifications:show_secret": OF_ALA,
    "notifications:new_secret": OF_ALA,
    "notifications:switch_endpoint_off": OF_ALA,
    "notifications:switch_endpoint_on": OF_ALA,
    "notifications:endpoint_again": OF_ALA,
    "notifications:reactivate_user": (LOGIN, GO, *OF_ADMIN[2:]),
    "notifications:send_again": (LOGIN, GO, *OF_ADMIN[2:]),
    # Ala has revoked it, and then it is nobody's.
    "notifications:revoke_invitation": (LOGIN, GO, NONE, *OF_ADMIN[3:]),
    "notifications:evaluate_set_aside": (LOGIN, *(NOT_ALLOWED,) * 5, GO),
    "notifications:send_waiting": (LOGIN, GO, GO, GO, NONE, NOT_ALLOWED, NOT_ALLOWED),
    "notifications:pause": (LOGIN, GO, GO, GO, NONE, NOT_ALLOWED, NOT_ALLOWED),
    "notifications:end_absence": (LOGIN, GO, GO, GO, NONE, NOT_ALLOWED, NOT_ALLOWED),
    "notifications:snooze_lead": (LOGIN, GO, GO, NONE, NONE, NOT_ALLOWED, NOT_ALLOWED),
    "notifications:test_email": (LOGIN, GO, NOT_ALLOWED, GO, NONE, NONE, NONE),
    # Without a person there is nobody to add; without an action, none to choose.
    "notifications:add_recipient": (LOGIN, 422, NOT_ALLOWED, 422, NONE, NONE, NONE),
    "notifications:change_recipient": (LOGIN, 422, NOT_ALLOWED, NONE, NONE, NONE, NONE),
    # Ala has taken it off, and then there is none.
    "notifications:remove_recipient": (LOGIN, GO, NONE, NONE, NONE, NONE, NONE),
}
# Somebody else's pages: the sign-in, the admin; the demo answers 404 without demo data.
PACKAGES = ("account_", "mfa_")
ADMIN_DOORS = ("admin:login", "admin:logout")
PREFIXES = ("admin:", "demo:", *PACKAGES)


def addresses() -> dict[str, URLPattern]:
    return dict(_walk(get_resolver(), ""))


def _walk(resolver: URLResolver, space: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _walk(pattern, inner)
        else:
            yield space + (pattern.name or str(pattern.pattern)), pattern


def test_every_address_has_a_row():
    rows = ROWS.keys() | POST_ROWS.keys()
    own = {name for name in addresses() if not name.startswith(PREFIXES)}
    assert own - rows == set(), "write down who may see them"
    assert rows - own == set(), "these are gone"


class Walk:
    """The personas, and something of partner A at every address."""

    def __init__(self) -> None:
        world = World()
        self.users: dict[str, User | None] = {
            "anonymous": None,
            "ala": world.ala.user,
            "bartek": world.bartek.user,
            "celina": world.celina.user,
            "gosia": world.gosia.user,
            "obcy": world.obcy,
            "operator": make_user("operator@northwind.example", is_staff=True),
        }
        lead = make_lead(world.northstar, "acme.example")
        communication = switch_on(world.northstar, world.ala)
        listed, unwanted_there = (
            communication.additional.create(membership=member)
            for member in (world.bartek, world.ala)
        )
        switch_on(world.southwind, world.celina)
        company = make_company("acme.example", owner=world.gosia.user)
        deal = make_deal(company, shares=(world.northstar,), owner=world.bartek)
        choose(world.bartek, "email", "co_selling_prospect_activity", True)
        make_activity(world.source, make_contact("anna@acme.example"), message_id="of-a")
        drain(patience_seconds=0)
        notification = Notification.objects.get(membership=world.ala)
        invited, unwanted = (
            invite(world.ala.user, world.northstar, email=email, role="member")
            for email in ("ewa@northstar.example", "franek@northstar.example")
        )
        hook = make_webhook(world.ala, "https://127.0.0.1/")  # Private: nothing is sent.
        own, own_endpoint = {"pk": notification.pk}, {"pk": hook.pk}
        profile = make_profile(world.northstar)
        phone = make_device(world.ala, "https://127.0.0.1/push", BrowserKeys().keys)
        self.arguments: dict[str, dict[str, object]] = {
            "notifications:endpoint": own_endpoint,
            "notifications:remove_endpoint": own_endpoint,
            "notifications:endpoint_topics": own_endpoint,
            "notifications:rename_device": {"pk": phone.pk},
            "offline": {"language": "pl"},
            "notifications:test_endpoint": own_endpoint,
            "notifications:show_secret": own_endpoint,
            "notifications:new_secret": own_endpoint,
            "notifications:switch_endpoint_off": own_endpoint,
            "notifications:switch_endpoint_on": own_endpoint,
            "notifications:endpoint_again": own_endpoint,
            "notifications:open": own,
            "notifications:read": own,
            "notifications:archive": own,
            "notifications:bring_back": own,
            "notifications:snooze": own,
            "notifications:silence": own,
            "notifications:show_again": own,
            "notifications:preferences": {"tab": "email"},
            "notifications:profile": {"pk": profile.pk},
            "notifications:profile_tab": {"pk": profile.pk, "tab": "email"},
            "notifications:remove_profile": {"pk": profile.pk},
            "notifications:explain": {"message_id": "of-a"},
            "notifications:delivery_again": {"pk": self._failed(notification).pk},
            "notifications:unsubscribe": {
                "token": make_token(world.ala.pk, ["registered_lead_activity"])
            },
            "notifications:user": {"pk": world.bartek.pk},
            "notifications:user_notifications": {"pk": world.bartek.pk, "tab": "email"},
            "notifications:deactivate_user": {"pk": world.bartek.pk},
            "notifications:reactivate_user": {"pk": world.bartek.pk},
            "notifications:remove_user": {"pk": world.bartek.pk},
            "notifications:send_again": {"pk": invited.pk},
            "notifications:revoke_invitation": {"pk": unwanted.pk},
            "accounts:invitation": {"token": make_invitation_token(invited)},
            "notifications:on_it": {"kind": "lead", "pk": lead.pk},
            "notifications:change_recipient": {"pk": listed.pk},
            "notifications:remove_recipient": {"pk": unwanted_there.pk},
            "partners:lead": {"pk": lead.pk},
            "notifications:snooze_lead": {"pk": lead.pk},
            "partners:deal": {"pk": deal.pk},
            "partners:intake": {"path": "track"},
            "demo:mail": {"name": "a.eml"},
            "demo:mail-html": {"name": "a.eml"},
            "demo:mail-of-delivery": {"public_id": "7d3a4b5e-0000-4000-8000-000000000000"},
        }

    @staticmethod
    def _failed(notification: Notification) -> Delivery:
        email = notification.deliveries.get(channel="email")
        return ends(email, "dead")

    def url(self, name: str) -> str:
        if name in ("favicon.ico", "healthz", "readyz", "metrics"):
            return f"/{name}"
        return reverse(name, kwargs=self.arguments.get(name, {}))

    def answers(self, name: str, method: str) -> list[str | int]:
        return [self._answer(name, persona, method) for persona in PERSONAS]

    def _answer(self, name: str, persona: str, method: str) -> str | int:
        client = Client()
        if user := self.users[persona]:
            client.force_login(user)
        answer = getattr(client, method)(self.url(name))
        if answer.status_code == GO and "/login/" in answer["Location"]:
            return LOGIN
        return answer.status_code


@pytest.fixture(scope="module")
def walk(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        yield from _in_a_transaction()


def _in_a_transaction() -> Iterator[Walk]:
    from django.db import transaction

    with transaction.atomic():
        yield Walk()
        transaction.set_rollback(True)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_who_sees_what(walk, name):
    expected = dict(zip(PERSONAS, ROWS[name], strict=True))
    assert dict(zip(PERSONAS, walk.answers(name, "get"), strict=True)) == expected


@pytest.mark.parametrize("name", sorted(POST_ROWS))
def test_who_may_do_what(walk, name):
    expected = dict(zip(PERSONAS, POST_ROWS[name], strict=True))
    assert dict(zip(PERSONAS, walk.answers(name, "post"), strict=True)) == expected
    assert set(walk.answers(name, "get")) <= {LOGIN, METHOD, NONE, NOT_ALLOWED}


def test_the_demo_does_not_exist_without_demo_data(walk):
    for name in addresses():
        if name.startswith("demo:"):
            assert tuple(walk.answers(name, "get")) == DEMO_ONLY, name


def test_the_admin_is_for_operators(walk):
    for name, pattern in addresses().items():
        if not name.startswith("admin:") or pattern.pattern.converters or name in ADMIN_DOORS:
            continue
        if not pattern.pattern.regex.groups:
            *others, _operator = walk.answers(name, "get")
            assert set(others) == {LOGIN}, name


def test_the_sign_in_pages_never_break(walk):
    for name, pattern in addresses().items():
        if name.startswith(PACKAGES) and not pattern.pattern.regex.groups:
            for answer in walk.answers(name, "get"):
                assert answer == LOGIN or int(answer) < 500, name
