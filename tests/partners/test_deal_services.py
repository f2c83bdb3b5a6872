"""The line of partners, the owner and the team of a deal (R45-R51, R57, R99, R101)."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry
from partners.models import DealMember, DealShare
from partners.services.deals import (
    AlreadyShared,
    NotShared,
    edit_team,
    promote_partner,
    remove_share,
    replace_line,
    set_owner,
    share_deal,
)
from tests.factories import make_account, make_company, make_deal, make_member

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, tzinfo=UTC)
NAMES = ("northstar", "southwind", "westwind")


@pytest.fixture
def partners():
    return {slug: make_account(slug) for slug in NAMES}


@pytest.fixture
def deal(partners):
    return make_deal(make_company(), name="ACME CRM", shares=tuple(partners.values()))


@pytest.fixture
def gosia():
    return make_member(make_account("northwind", kind="vendor"), "gosia@northwind.example").user


def line(deal):
    return list(deal.shares.order_by("position").values_list("position", "account__slug"))


# --- The line ---------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations(NAMES)))
def test_the_first_is_who_was_added_first(partners, order):
    """R48, R49: not the first by name or id."""
    deal = make_deal(make_company())
    for slug in order:
        share_deal(deal, partners[slug], now=NOW)
    assert line(deal) == list(enumerate(order, start=1))


def test_two_partners_never_stand_at_one_place(deal):
    """R49: the database decides, also when two are added in the same second."""
    with pytest.raises(IntegrityError), transaction.atomic():
        DealShare.objects.create(deal=deal, account=make_account(), position=1)


def test_a_partner_is_added_once(deal, partners):
    with pytest.raises(AlreadyShared) as refusal:
        share_deal(deal, partners["southwind"])
    assert refusal.value.position == 2


def test_nobody_moves_up_when_the_first_leaves(deal, partners):
    """R50."""
    remove_share(deal, partners["northstar"])
    assert line(deal) == [(2, "southwind"), (3, "westwind")]


def test_the_next_moves_up_where_the_instance_wants_it(deal, partners, gosia, settings):
    settings.PROMOTE_ON_REMOVAL = True
    remove_share(deal, partners["northstar"], actor=gosia)
    assert line(deal) == [(1, "southwind"), (3, "westwind")]
    entry = AuditEntry.objects.get()
    assert (entry.old, entry.new) == ("ACME CRM: Northstar", "ACME CRM: Southwind")


def test_only_the_first_place_is_inherited(deal, partners, settings):
    settings.PROMOTE_ON_REMOVAL = True
    remove_share(deal, partners["southwind"])
    assert line(deal) == [(1, "northstar"), (3, "westwind")]
    assert not AuditEntry.objects.exists()


def test_who_comes_back_starts_at_the_end(deal, partners):
    """R51."""
    remove_share(deal, partners["northstar"])
    share_deal(deal, partners["northstar"])
    assert line(deal) == [(2, "southwind"), (3, "westwind"), (4, "northstar")]


def test_who_comes_back_to_an_empty_line_is_first(partners):
    deal = make_deal(make_company(), shares=(partners["northstar"],))
    remove_share(deal, partners["northstar"])
    share_deal(deal, partners["northstar"])
    assert line(deal) == [(1, "northstar")]


def test_a_partner_outside_the_line_is_neither_removed_nor_promoted(deal):
    stranger = make_account("stranger")
    for change in (remove_share, promote_partner):
        with pytest.raises(NotShared):
            change(deal, stranger, actor=None)


def test_a_promotion_moves_one_and_is_audited(deal, partners, gosia):
    """R50. The entry belongs to no partner: it names two of them."""
    promote_partner(deal, partners["westwind"], actor=gosia)
    assert line(deal) == [(1, "westwind"), (2, "northstar"), (3, "southwind")]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.account) == ("deal_first_partner", gosia, None)
    assert (entry.old, entry.new) == ("ACME CRM: Northstar", "ACME CRM: Westwind")


def test_a_promotion_fills_a_free_first_place(deal, partners, gosia):
    remove_share(deal, partners["northstar"], actor=gosia)
    promote_partner(deal, partners["westwind"], actor=gosia)
    assert line(deal) == [(1, "westwind"), (2, "southwind")]


def test_promoting_the_first_changes_nothing(deal, partners, gosia):
    promote_partner(deal, partners["northstar"], actor=gosia)
    assert len(line(deal)) == 3
    assert not AuditEntry.objects.exists()


def test_a_new_order_keeps_the_times_of_joining(deal, partners):
    DealShare.objects.update(added_at=NOW)
    replace_line(deal, [partners["westwind"], partners["northstar"]], actor=None)
    assert set(deal.shares.values_list("added_at", flat=True)) == {NOW}


# --- Owner and team ---------------------------------------------------------------


@pytest.fixture
def people(partners):
    return {
        name: make_member(partners[slug], f"{name}@{slug}.example")
        for name, slug in (("ala", "northstar"), ("bartek", "northstar"), ("celina", "southwind"))
    }


def current(deal, role):
    rows = deal.members.filter(role=role, removed_at=None).order_by("pk")
    return [row.membership.user.name for row in rows]


def test_the_owner_changes_and_the_former_one_is_remembered(deal, people):
    """R57."""
    set_owner(deal, people["ala"], now=NOW)
    set_owner(deal, people["bartek"], now=NOW)
    assert current(deal, "owner") == ["Bartek"]
    assert DealMember.objects.get(removed_at=NOW).membership == people["ala"]
    set_owner(deal, None, now=NOW)
    assert current(deal, "owner") == []


def test_setting_the_same_owner_keeps_the_time_of_belonging(deal, people):
    set_owner(deal, people["ala"], now=NOW)
    set_owner(deal, people["ala"])
    assert DealMember.objects.get().added_at == NOW


def test_the_team_is_replaced_and_who_leaves_is_remembered(deal, people):
    """R101."""
    edit_team(deal, [people["ala"], people["bartek"]], now=NOW)
    edit_team(deal, [people["bartek"], people["celina"]])
    assert current(deal, "team") == ["Bartek", "Celina"]
    assert DealMember.objects.exclude(removed_at=None).get().membership == people["ala"]


def test_who_comes_back_has_two_times_of_belonging(deal, people):
    edit_team(deal, [people["ala"]], now=NOW)
    edit_team(deal, [])
    edit_team(deal, [people["ala"]])
    assert DealMember.objects.count() == 2
    assert current(deal, "team") == ["Ala"]


def test_each_side_changes_only_its_own_people(deal, partners, people):
    """R99."""
    edit_team(deal, people.values())
    edit_team(deal, [people["ala"]], of_account=partners["northstar"])
    assert current(deal, "team") == ["Ala", "Celina"]
    with pytest.raises(ValueError, match="another account"):
        edit_team(deal, [people["celina"]], of_account=partners["northstar"])


def test_the_owner_stays_when_the_team_changes(deal, people):
    set_owner(deal, people["ala"])
    edit_team(deal, [])
    assert current(deal, "owner") == ["Ala"]
