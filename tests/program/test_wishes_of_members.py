"""Profiles and hours of members in the program file."""

from __future__ import annotations

from datetime import time

import pytest
import yaml

from notifications.models import Pace, Preference, Profile, ProfileMember, QuietHours
from notifications.program.dump import dump_program
from notifications.program.errors import ProgramError
from notifications.program.parsing import parse
from notifications.selectors import wishes_of
from notifications.services import unsubscribe
from notifications.topics import CO_SELLING, LEAD_ACTIVITY
from tests.program.files import assert_round_trip, load

pytestmark = pytest.mark.django_db
MAIL_OF_DEALS = ("email", CO_SELLING)

PROGRAM = """\
accounts:
  - slug: northstar
    profiles:
      - name: Sales
        preferences: {email: {topics: {co_selling_prospect_activity: true}}}
        locked: {email: {enabled: true}}
      - {name: All, default: true, preferences: {desktop: {bell: false}}}
    users:
      - email: ala@northstar.example
        when:
          email: {every: week, at: "08:30", weekday: friday, in_quiet_hours: true, most_a_day: 5}
          quiet_hours: {begins: "20:00", ends: "07:00", days: [monday, friday], country: PL}
      - email: bartek@northstar.example
        profile: Sales
        preferences: {email: {topics: {co_selling_prospect_activity: false}}}
"""


def member(name):
    return (
        Profile.objects.filter(account__slug="northstar")[0]
        .account.memberships.select_related("user", "account")
        .get(user__email=f"{name}@northstar.example")
    )


def test_profiles_their_members_and_hours_are_stored():
    load(parse(PROGRAM))
    bartek = wishes_of(member("bartek"))
    assert bartek.is_locked("email", "enabled")
    assert not bartek.ticked(*MAIL_OF_DEALS)
    assert bartek.inherited(*MAIL_OF_DEALS).is_on
    assert not wishes_of(member("ala")).switched_on("desktop", "bell")
    pace, quiet = Pace.objects.get(), QuietHours.objects.get()
    assert (pace.channel, pace.every, pace.at, pace.weekday) == ("email", "week", time(8, 30), 4)
    assert (pace.at_any_hour, pace.most) == (True, 5)
    assert (quiet.begins, quiet.ends, quiet.days, quiet.country) == (time(20), time(7), "15", "PL")


def test_they_survive_the_round_trip():
    load(parse(PROGRAM))
    said = yaml.safe_load(dump_program())["accounts"][0]
    assert said["profiles"][1] == {
        "name": "Sales",
        "preferences": {"email": {"enabled": True, "topics": {CO_SELLING: True}}},
        "locked": {"email": {"enabled": True}},
    }
    assert_round_trip()


def test_who_unsubscribed_stays_so_after_a_move():
    load(parse(PROGRAM))
    unsubscribe(member("bartek"), [LEAD_ACTIVITY])
    assert_round_trip()
    assert Preference.objects.get(key=LEAD_ACTIVITY).unsubscribed


def test_what_is_not_mentioned_stays_and_null_takes_it_away():
    load(parse(PROGRAM))
    load(parse("accounts: [{slug: northstar, users: [{email: bartek@northstar.example}]}]"))
    assert ProfileMember.objects.count() == 1
    load(
        parse(
            """\
accounts:
  - slug: northstar
    profiles: [{name: Sales, default: true}]
    users:
      - {email: ala@northstar.example, when: {quiet_hours: null}}
      - {email: bartek@northstar.example, profile: null}
"""
        )
    )
    assert not ProfileMember.objects.exists() and not QuietHours.objects.exists()
    assert Pace.objects.exists()
    assert Profile.objects.get(is_default=True).name == "Sales"


def test_a_limit_is_taken_away_by_saying_so():
    load(parse(PROGRAM))
    load(parse(PROGRAM.replace("most_a_day: 5", "most_a_day: null")))
    assert Pace.objects.get().most is None
    assert_round_trip()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "most_a_day: 5",
            "most_a_day: 51",
            "when.email.most_a_day: must be a whole number from 1",
        ),
        (
            "most_a_day: 5",
            "most_a_day: true",
            "most_a_day: must be a whole number from 1 to 50",
        ),
        ("profile: Sales", "profile: Ops", "users[1].profile: the account 'northstar' has no"),
        ("{email: {enabled: true}}", "{mobile: {enabled: true}}", "profiles[0].preferences: mob"),
        ("name: Sales\n", "name: Sales\n        default: true\n", "only one can be the default"),
        ('"08:30"', "18:30", "when.email.at: must be a text, not a number"),
        ('"08:30"', '"8 o\'clock"', 'when.email.at: "8 o\'clock" is not a time of day'),
        ("friday]", "fryday]", "when.quiet_hours.days[1]: 'fryday' is not one of monday"),
        ("[monday, friday]", "[]", "must hold at least one day"),
        ("country: PL", "country: XX", "'XX' is not one of AR"),
        ("weekday: friday", "day: friday", "when.email.day: unknown key"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(old, new, problem):
    assert old in PROGRAM
    with pytest.raises(ProgramError) as refusal:
        load(parse(PROGRAM.replace(old, new)))
    assert any(problem in line for line in refusal.value.problems), refusal.value.problems
    assert not Profile.objects.exists()
