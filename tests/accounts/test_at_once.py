"""Two people at the same moment: each promise holds with real connections."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from accounts.models import Invitation, Membership, User
from accounts.services.invitations import UnusableInvitationError, invite, sign_up
from accounts.services.members import LastAdminError, change_member, remove_member
from tests.factories import make_member
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    return World()


def at_once(*acts: Callable[[], object]) -> list[type | None]:
    """Start all at the same moment and return what each raised."""
    start = threading.Barrier(len(acts))
    raised: list[type | None] = [None] * len(acts)

    def run(place: int, act: Callable[[], object]) -> None:
        try:
            start.wait()
            act()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            raised[place] = type(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_two_admins_who_send_each_other_away_leave_one(world):
    other = make_member(world.northstar, role="admin")
    ala = world.ala
    raised = at_once(
        lambda: change_member(ala.user, other, role="member", edit_partner_settings=False),
        lambda: remove_member(other.user, ala),
    )
    assert set(raised) == {None, LastAdminError}
    admins = Membership.objects.active().filter(account=world.northstar, role="admin")
    assert admins.count() == 1


def test_one_link_makes_one_member(world):
    email = "ewa@northstar.example"
    row = invite(world.ala.user, world.northstar, email=email, role="member")
    act = lambda: sign_up(row, name="Ewa", password="x")  # noqa: E731
    raised = at_once(act, act)
    assert set(raised) == {None, UnusableInvitationError}
    assert User.objects.filter(email=email).count() == 1


def test_two_invitations_of_one_address_are_one(world):
    def act():
        invite(world.ala.user, world.northstar, email="ewa@northstar.example", role="member")

    assert at_once(act, act) == [None, None]
    assert Invitation.objects.open().count() == 1
