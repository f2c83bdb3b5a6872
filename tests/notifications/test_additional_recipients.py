"""R38: people who are told beside the recipient, with rows and mails."""

import pytest
from django.core import mail

from accounts.models import AuditEntry
from accounts.services.members import remove_member
from notifications.additional.services import add_entry, choose_triggers, remove_entry
from notifications.delivery.send import deliver_due
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.invariants import broken
from notifications.leaving import consequences
from notifications.models import (
    AdditionalRecipient,
    Decision,
    Delivery,
    EmailCount,
    Notification,
    NotificationReason,
)
from partners.services.erase import erase_person
from tests.factories import choose, make_client, make_member
from tests.northstar import PRICING, SIGN_UP
from tests.notifications.told import decided, mailed

pytestmark = pytest.mark.django_db


@pytest.fixture
def bo(northstar):
    return make_member(northstar.account, "bo@northstar.example", name="Bo")


def add(northstar, member, *triggers):
    return northstar.settings.additional.create(membership=member, triggers=list(triggers))


def choose_people(northstar, **people):
    for part, member in people.items():
        setattr(northstar.settings, part, member)
    northstar.settings.save()


def own(northstar, member):
    northstar.lead.owner = member
    northstar.lead.save()


def mail_to(member):
    (message,) = [m for m in mail.outbox if m.to == [member.user.email]]
    return message


def parts_agree():
    """What a message says and what its decision says are the same."""
    said = set(NotificationReason.objects.values_list("notification", "kind", "part"))
    sent = Decision.objects.filter(outcome="send")
    return set(sent.values_list("notification", "kind", "part")) <= said


def send_all():
    drain(patience_seconds=0)
    assert sum(broken().values()) == 0
    assert parts_agree()


def test_both_are_told_and_the_message_says_why(northstar, bo):
    add(northstar, bo)
    northstar.happens()
    send_all()
    assert sorted(mailed()) == ["ala", "bo"]
    assert decided() == {("Ala", "", "sent"), ("Bo", "additional", "sent")}
    why = "You get this because you are among those who hear of Northstar's leads."
    assert why in mail_to(bo).body
    assert "chosen recipient" not in mail_to(bo).body
    assert "ask your admin to take you off the list" in mail_to(bo).body


def test_who_looks_after_the_lead_is_told_and_why(northstar, bo):
    add(northstar, None)
    own(northstar, bo)
    northstar.happens()
    send_all()
    assert decided() == {("Ala", "", "sent"), ("Bo", "owner", "sent")}
    assert "You get this because you look after this lead." in mail_to(bo).body


def test_nobody_looks_after_the_lead(northstar, bo):
    add(northstar, None)
    northstar.happens()
    send_all()
    assert decided() == {("Ala", "", "sent")}


def test_clients_are_told_to_the_same_people_but_have_no_owner(northstar, bo):
    own(northstar, make_member(northstar.account))
    add(northstar, bo)
    add(northstar, None)
    make_client(northstar.account, "brightly.example")
    northstar.lead.delete()
    northstar.contact.email = "kim@brightly.example"
    northstar.contact.save()
    northstar.happens()
    send_all()
    assert decided() == {("Ala", "", "sent"), ("Bo", "additional", "sent")}
    assert "among those who hear of Northstar's clients." in mail_to(bo).body


def test_each_hears_of_the_actions_chosen_for_them(northstar, bo):
    eve = make_member(northstar.account, "eve@northstar.example", name="Eve")
    add(northstar, bo, "pricing_view")
    add(northstar, eve, "demo_request", "crm_signup")
    northstar.happens()
    northstar.happens(**PRICING)
    send_all()
    assert sorted(mailed()) == ["ala", "ala", "bo", "eve"]
    assert set(Decision.objects.values_list("membership__user__name", "trigger", "reason")) == {
        ("Ala", "demo_request", "sent"),
        ("Ala", "pricing_view", "sent"),
        ("Bo", "demo_request", "trigger_not_chosen"),
        ("Bo", "pricing_view", "sent"),
        ("Eve", "demo_request", "sent"),
        ("Eve", "pricing_view", "trigger_not_chosen"),
    }


def test_a_lead_and_a_deal_are_one_message_to_each(northstar, bo):
    """R61."""
    northstar.share_a_deal(bo)
    for member in (northstar.ala, bo):
        choose(member, "email", "co_selling_prospect_activity", True)
    add(northstar, bo)
    northstar.happens(**SIGN_UP)
    send_all()
    assert sorted(mailed()) == ["ala", "bo"]
    assert "among those who hear of" in mail_to(bo).body
    assert "on the team of the shared deal" in mail_to(bo).body


def test_the_pause_after_a_page_view_is_the_leads(northstar, bo):
    """R81: everybody is told of the first, nobody of the second."""
    add(northstar, bo)
    northstar.happens(**PRICING)
    northstar.happens(**PRICING)
    evaluate_due()
    northstar.happens(**PRICING)
    send_all()
    assert sorted(mailed()) == ["ala", "bo"]
    assert Decision.objects.filter(reason="cooldown").count() == 4


def test_the_daily_limit_counts_each_persons_mails(northstar, bo, settings):
    """R71."""
    settings.EMAIL_DAILY_CAP = 2
    add(northstar, bo, "demo_request")
    northstar.happens(**PRICING)
    for _ in range(3):
        northstar.happens()
        evaluate_due()
    send_all()
    assert sorted(mailed()) == ["ala", "ala", "bo", "bo"]
    counts = dict(EmailCount.objects.values_list("membership__user__name", "count"))
    assert counts == {"Ala": 2, "Bo": 2}


# --- Between the decision and the send --------------------------------------------------------


def test_who_is_taken_off_before_it_is_sent_is_not_told(northstar, bo):
    """R101."""
    entry = add(northstar, bo)
    northstar.happens()
    evaluate_due()
    remove_entry(entry, actor=northstar.ala.user)
    send_all()
    assert sorted(mailed()) == ["ala"]
    assert decided() == {("Ala", "", "sent"), ("Bo", "additional", "no_longer_recipient")}
    assert Delivery.objects.get(channel="email", reason="no_longer_recipient").state == "cancelled"
    assert not EmailCount.objects.filter(membership=bo, count__gt=0).exists()


def test_the_actions_are_asked_again_when_it_is_sent(northstar, bo):
    entry = add(northstar, bo)
    northstar.happens()
    evaluate_due()
    choose_triggers(entry, ["pricing_view"], actor=northstar.ala.user)
    send_all()
    assert sorted(mailed()) == ["ala"]
    assert ("Bo", "additional", "trigger_not_chosen") in decided()


def test_a_lead_that_somebody_else_looks_after_by_then(northstar, bo):
    add(northstar, None)
    own(northstar, bo)
    northstar.happens()
    evaluate_due()
    own(northstar, make_member(northstar.account, "eve@northstar.example", name="Eve"))
    send_all()
    assert decided() == {("Ala", "", "sent"), ("Bo", "owner", "no_longer_recipient")}


def test_the_toggle_stops_what_waits_for_everybody(northstar, bo):
    """R26."""
    add(northstar, bo)
    northstar.happens()
    evaluate_due()
    choose_people(northstar, receive_lead_activity=False)
    send_all()
    assert sorted(mailed()) == []
    assert {reason for _who, _part, reason in decided()} == {"account_toggle_off"}


def test_who_turns_it_off_meanwhile_calls_no_backup(northstar, bo):
    """R40: the backup stands in for the recipient."""
    choose_people(northstar, backup=make_member(northstar.account, "eve@northstar.example"))
    add(northstar, bo)
    northstar.happens()
    evaluate_due()
    choose(bo, "email", "enabled", False)
    send_all()
    assert sorted(mailed()) == ["ala"]
    assert ("Bo", "additional", "email_off") in decided()


def test_a_backup_who_was_told_as_listed_is_not_told_again(northstar, bo):
    choose_people(northstar, backup=bo)
    add(northstar, bo)
    northstar.happens()
    evaluate_due()
    choose(northstar.ala, "email", "enabled", False)
    send_all()
    assert sorted(mailed()) == ["bo"]
    assert Notification.objects.filter(membership=bo).count() == 1


def test_a_backup_whose_actions_it_was_not_stands_in_all_the_same(northstar, bo):
    choose_people(northstar, backup=bo)
    add(northstar, bo, "pricing_view")
    northstar.happens()
    evaluate_due()
    assert ("Bo", "additional", "trigger_not_chosen") in decided()
    choose(northstar.ala, "email", "enabled", False)
    send_all()
    assert sorted(mailed()) == ["bo"]
    assert decided() == {("Ala", "", "email_off"), ("Bo", "backup", "sent")}


def test_who_becomes_the_recipient_is_told_once_and_as_that(northstar, bo):
    """R32, R47."""
    add(northstar, bo)
    northstar.happens()
    evaluate_due()
    choose_people(northstar, recipient=bo)
    send_all()
    assert sorted(mailed()) == ["bo"]
    assert decided() == {("Ala", "", "recipient_changed"), ("Bo", "", "sent")}
    assert "you are the chosen recipient" in mail_to(bo).body


def test_who_becomes_the_recipient_hears_of_every_action(northstar, bo):
    """R32."""
    add(northstar, bo, "pricing_view")
    northstar.happens()
    evaluate_due()
    choose_people(northstar, recipient=bo)
    send_all()
    assert sorted(mailed()) == ["bo"]
    assert ("Bo", "", "sent") in decided()


def test_a_recipient_who_stays_on_the_list_is_told_and_so_is_the_new_one(northstar, bo):
    """R32: nobody is asked twice, nobody is left out."""
    add(northstar, northstar.ala)
    northstar.happens()
    evaluate_due()
    assert decided() == {("Ala", "", "sent")}
    choose_people(northstar, recipient=bo)
    send_all()
    assert sorted(mailed()) == ["ala", "bo"]
    assert decided() == {("Ala", "additional", "sent"), ("Bo", "", "sent")}
    assert "among those who hear of" in mail_to(northstar.ala).body


def test_a_listed_recipient_who_is_off_leaves_it_to_the_backup(northstar, bo):
    """Listed when it was decided, the recipient since, and switched off."""
    eve = make_member(northstar.account, "eve@northstar.example", name="Eve")
    add(northstar, bo)
    northstar.happens()
    evaluate_due()
    choose_people(northstar, recipient=bo, backup=eve)
    choose(bo, "email", "enabled", False)
    send_all()
    assert sorted(mailed()) == ["eve"]
    assert ("Bo", "", "email_off") in decided()


def test_who_is_added_later_hears_of_what_happens_later(northstar, bo):
    """Also when the recipient changes meanwhile, and it is decided anew."""
    eve = make_member(northstar.account, "eve@northstar.example", name="Eve")
    northstar.happens()
    evaluate_due()
    add(northstar, bo)
    choose_people(northstar, recipient=eve)
    send_all()
    assert sorted(mailed()) == ["eve"]


def test_an_app_that_follows_the_mail_asks_once_for_the_new_recipient(northstar, bo, hook):
    add(northstar, northstar.ala)
    northstar.happens()
    evaluate_due()
    choose_people(northstar, recipient=bo)
    deliver_due("other_apps")
    deliver_due("email")
    send_all()
    assert sorted(mailed()) == ["ala", "bo"]


# --- Leaving -----------------------------------------------------------------------------------


def test_who_is_removed_from_the_account_is_on_no_list(northstar, bo):
    """R34, R37."""
    add(northstar, bo)
    own(northstar, bo)
    said = consequences(bo, removal=True)
    assert "Bo is taken off the additional recipients of lead activity." in said
    assert "1 lead is left without Bo, who looks after it." in said
    remove_member(northstar.ala.user, bo)
    assert not AdditionalRecipient.objects.exists()
    northstar.lead.refresh_from_db()
    assert northstar.lead.owner is None
    actions = AuditEntry.objects.values_list("action", "actor__email")
    assert ("communication.additional_removed", "ala@northstar.example") in actions
    assert ("lead_owner", "ala@northstar.example") in actions


def test_who_is_deactivated_stays_and_is_told_again_afterwards(northstar, bo):
    """R33, R34."""
    add(northstar, bo)
    bo.is_active = False
    bo.save()
    northstar.happens()
    evaluate_due()
    bo.is_active = True
    bo.save()
    northstar.happens()
    send_all()
    assert sorted(mailed()) == ["ala", "ala", "bo"]


def test_whoever_deactivates_the_recipient_hears_that_others_are_told(northstar, bo):
    add(northstar, bo)
    (words,) = consequences(northstar.ala, removal=False)
    assert "only the additional recipients are told until" in words


def test_the_history_forgets_who_is_erased(northstar, bo):
    """R104."""
    add_entry(northstar.account, bo, actor=northstar.ala.user)
    erase_person("bo@northstar.example", actor=None)
    entry = AuditEntry.objects.get(action="communication.additional_added")
    assert (entry.subject, entry.new) == ("", "all")
