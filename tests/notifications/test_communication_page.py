"""Settings → Partners → Communication (R24-R37, R39, R40)."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import AuditEntry
from notifications.audit import in_words, record_communication
from notifications.models import CommunicationSettings, Decision, Suppression
from tests.factories import (
    choose,
    make_client,
    make_company,
    make_deal,
    make_lead,
    make_member,
    make_profile,
    switch_on,
)
from tests.queries import assert_constant_queries
from tests.world import World

pytestmark = pytest.mark.django_db
URL = "/settings/partners/communication/"
TEST_URL = f"{URL}test/"
DAY = timedelta(days=1)


@pytest.fixture
def world():
    return World()


def page(client, who):
    client.force_login(who.user)
    answer = client.get(URL)
    assert answer.status_code == 200
    return answer.content.decode()


def post(client, who, **fields):
    client.force_login(who.user)
    return client.post(URL, fields)


def stored(world):
    return CommunicationSettings.objects.filter(account=world.northstar).first()


def tag(html, ident):
    return re.search(rf'<\w+[^>]*id="{ident}"[^>]*>', html).group()


def test_ala_switches_on_and_chooses_bartek(client, world):
    answer = post(client, world.ala, receive_lead_activity="on", recipient=world.bartek.pk)
    assert (answer.status_code, answer.url) == (302, URL)
    row = stored(world)
    assert (row.receive_lead_activity, row.client_activity) == (True, False)
    assert row.recipient == world.bartek


def test_controls_have_labels_and_roles(client, world):
    html = page(client, world.ala)
    assert 'role="switch"' in tag(html, "id_receive_lead_activity")
    assert '<label class="label" for="id_receive_lead_activity">Receive lead' in html
    assert '<label for="id_recipient">Select notification recipient</label>' in html
    assert "disabled" not in tag(html, "id_receive_lead_activity")
    # Off: the script disables the list; without one, both are set in one go.
    assert "disabled" not in tag(html, "id_recipient")


def test_the_list_offers_active_members_with_a_verified_address(client, world):
    make_member(world.northstar, "dawid@northstar.example", name="Dawid", active=False)
    ewa = make_member(world.northstar, "ewa@northstar.example", name="Ewa")
    ewa.user.emailaddress_set.update(verified=False)
    switch_on(world.northstar, world.ala)
    html = page(client, world.ala)
    options = re.findall(r"<option[^>]*>([^<]*)</option>", html)
    people = ["Ala · ala@northstar.example", "Bartek · bartek@northstar.example"]
    others = ["Choose…", "Whoever looks after the lead", *people]
    hours = [label for label in options if "working hour" in label]
    assert len(hours) == 24
    hours = ["Tell nobody else", *hours]
    chosen = ["Nobody chosen", *people, "Nobody", *people, *others]
    assert [label for label in options if label not in hours] == chosen


def test_turning_off_keeps_the_recipient(client, world):
    """R30: the disabled list is not submitted."""
    switch_on(world.northstar, world.bartek)
    post(client, world.ala, client_activity="on")
    row = stored(world)
    assert (row.receive_lead_activity, row.recipient) == (False, world.bartek)


def test_the_recipient_can_be_cleared(client, world):
    switch_on(world.northstar, world.bartek)
    post(client, world.ala, receive_lead_activity="on", recipient="")
    assert stored(world).recipient is None


@pytest.mark.parametrize("forged", ["celina", "inactive", "nonsense"])
def test_a_forged_recipient_is_refused_and_the_old_one_kept(client, world, forged):
    """R35."""
    switch_on(world.northstar, world.bartek)
    inactive = make_member(world.northstar, active=False)
    value = {"celina": world.celina.pk, "inactive": inactive.pk, "nonsense": "x"}[forged]
    answer = post(client, world.ala, receive_lead_activity="on", recipient=value)
    assert answer.status_code == 422
    assert "Choose an active member" in answer.content.decode()
    assert stored(world).recipient == world.bartek


def shown(**fields):
    """What the page showed when it was opened."""
    return {f"initial-{name}": value for name, value in fields.items()}


def test_only_what_this_person_changed_counts(client, world):
    """A page that was opened before a colleague switched off and chose somebody else."""
    switch_on(world.northstar, world.bartek)
    CommunicationSettings.objects.update(receive_lead_activity=False, client_activity=False)
    old = shown(receive_lead_activity="True", recipient=world.ala.pk, client_activity="False")
    fields = {"receive_lead_activity": "on", "recipient": world.ala.pk, "client_activity": "on"}
    assert post(client, world.ala, **old, **fields).status_code == 302
    row = stored(world)
    assert (row.receive_lead_activity, row.recipient) == (False, world.bartek)
    assert row.client_activity


def test_who_left_meanwhile_does_not_stop_another_change(client, world):
    switch_on(world.northstar, world.ala)
    gone = make_member(world.northstar, active=False)
    old = shown(recipient=gone.pk, escalate_after="0")
    answer = post(
        client, world.ala, **old, receive_lead_activity="on", recipient=gone.pk, escalate_after="4"
    )
    assert answer.status_code == 302
    assert (stored(world).recipient, stored(world).escalate_after) == (world.ala, 4)


def test_a_member_reads_but_may_not_change(client, world):
    """R36."""
    switch_on(world.northstar, world.bartek)
    assert "Changes apply at once." in page(client, world.ala)
    html = page(client, world.bartek)
    assert "Changes apply at once." not in html
    assert "disabled" in tag(html, "id_receive_lead_activity")
    assert "disabled" in tag(html, "id_recipient")
    assert "Only admins of your account" in html
    assert post(client, world.bartek, recipient="").status_code == 403
    assert client.post(TEST_URL).status_code == 403
    assert stored(world).recipient == world.bartek


def test_a_holder_of_the_permission_may_change(client, world):
    holder = make_member(world.northstar, edit_partner_settings=True)
    assert post(client, holder, receive_lead_activity="on").status_code == 302
    assert stored(world).receive_lead_activity


@pytest.mark.parametrize("who", ["gosia", "obcy"])
def test_who_is_no_partner_finds_no_page(client, world, who):
    """R1, R2."""
    person = getattr(world, who)
    client.force_login(getattr(person, "user", person))
    assert client.get(URL).status_code == 404
    assert client.post(URL, {"receive_lead_activity": "on"}).status_code == 404
    assert client.post(TEST_URL).status_code == 404
    assert not CommunicationSettings.objects.exists()


def test_a_partner_that_is_switched_off_finds_no_page(client, world):
    world.northstar.is_active = False
    world.northstar.save()
    client.force_login(world.ala.user)
    assert client.get(URL).status_code == 404


def test_celina_sees_and_changes_her_own_account_only(client, world):
    switch_on(world.northstar, world.ala)
    make_lead(world.northstar, "acme.example")
    world.does()
    html = page(client, world.celina)
    assert "ala@northstar.example" not in html
    assert "acme.example" not in html
    post(client, world.celina, receive_lead_activity="on", recipient=world.celina.pk)
    assert stored(world).recipient == world.ala


def test_who_is_not_signed_in_is_sent_to_the_log_in(client, world):
    assert client.get(URL).url == f"/accounts/login/?next={URL}"


# --- Warnings ---------------------------------------------------------------------------


def test_no_warning_while_everything_is_well_or_off(client, world):
    assert "note-warn" not in page(client, world.ala)
    switch_on(world.northstar, world.ala)
    assert "note-warn" not in page(client, world.ala)


def test_no_recipient_is_said(client, world):
    switch_on(world.northstar, None)
    assert "No recipient chosen – nothing is sent." in page(client, world.ala)


def test_a_deactivated_recipient_is_said_and_stays_in_the_list(client, world):
    dawid = make_member(world.northstar, name="Dawid", active=False)
    switch_on(world.northstar, dawid)
    html = page(client, world.ala)
    assert "Recipient is deactivated." in html
    assert "Choose another recipient" in html
    assert re.search(r"<option[^>]*selected[^>]*>Dawid · [^<]*\(deactivated\)</option>", html)


def test_a_recipient_without_email_is_said_by_name(client, world):
    switch_on(world.northstar, world.bartek)
    assert "gets an e-mail about every lead action" in page(client, world.ala)
    choose(world.bartek, "email", "enabled", False)
    html = page(client, world.ala)
    assert "gets an e-mail about every lead action" not in html
    assert "Recipient has turned e-mail off." in html
    assert "Nothing reaches Bartek by e-mail" in html


def test_a_recipient_who_unticked_the_topic_is_said(client, world):
    switch_on(world.northstar, world.bartek)
    choose(world.bartek, "email", "registered_lead_activity", False)
    assert "Bartek has unticked “Registered lead activity” for e-mail." in page(client, world.ala)


def test_who_has_turned_it_off_finds_the_way_to_turn_it_on(client, world):
    switch_on(world.northstar, world.ala)
    choose(world.ala, "email", "registered_lead_activity", False)
    html = page(client, world.ala)
    assert "You are the recipient and have turned these e-mails off." in html
    assert 'href="/settings/notifications/email/#group-email-partners"' in html


@pytest.mark.parametrize("cell", [("email", "enabled"), ("email", "registered_lead_activity")])
def test_an_off_of_the_recipients_profile_is_said(client, world, cell):
    """R40, R73: nobody is blamed for what the account has set."""
    switch_on(world.northstar, world.ala)
    make_profile(world.northstar, "Quiet", cells={cell: False}, is_default=True)
    html = page(client, world.ala)
    assert "The recipient's profile has these e-mails off." in html.replace("&#x27;", "'")
    assert "Ala has the profile “Quiet”." in html
    assert 'href="/settings/profiles/"' in html


def test_an_address_that_bounced_is_said(client, world):
    switch_on(world.northstar, world.bartek)
    Suppression.objects.create(address="bartek@northstar.example", cause="bounce")
    assert "Mail to bartek@northstar.example came back" in page(client, world.ala)


# --- Test e-mail, audit, deals, recent ------------------------------------------------------


def test_a_test_email_goes_to_the_recipient_and_is_marked(client, world):
    """R39."""
    switch_on(world.northstar, world.bartek)
    client.force_login(world.ala.user)
    answer = client.post(TEST_URL, follow=True)
    (message,) = mail.outbox
    assert message.to == ["bartek@northstar.example"]
    assert message.subject.startswith("[Test]")
    assert "Test e-mail sent to bartek@northstar.example." in answer.content.decode()


def test_no_test_goes_to_an_address_that_gets_no_mail(client, world, mailoutbox):
    switch_on(world.northstar, world.bartek)
    Suppression.objects.create(address="bartek@northstar.example", cause="complaint")
    client.force_login(world.ala.user)
    said = client.post(TEST_URL, follow=True).content.decode()
    assert "The address is not verified, or does not accept our e-mail." in said
    assert mailoutbox == []


def test_five_tests_an_hour_are_enough(client, world):
    switch_on(world.northstar, world.bartek)
    client.force_login(world.ala.user)
    for _ in range(6):
        answer = client.post(TEST_URL, follow=True)
    assert len(mail.outbox) == 5
    assert "Try again in an hour." in answer.content.decode()


def test_a_failed_test_is_said_in_words(client, world, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    switch_on(world.northstar, world.bartek)
    client.force_login(world.ala.user)
    answer = client.post(TEST_URL, follow=True)
    assert "The test e-mail could not be sent" in answer.content.decode()


def test_nobody_to_test(client, world):
    switch_on(world.northstar, None)
    client.force_login(world.ala.user)
    assert "Choose a recipient first." in client.post(TEST_URL, follow=True).content.decode()


def test_every_change_is_written_down_and_shown(client, world):
    """R37."""
    post(client, world.ala, receive_lead_activity="on", client_activity="on")
    post(
        client,
        world.ala,
        receive_lead_activity="on",
        client_activity="on",
        recipient=world.bartek.pk,
    )
    entries = AuditEntry.objects.order_by("pk").values_list("action", "old", "new", "actor_name")
    assert list(entries) == [
        ("communication.receive_lead_activity", "off", "on", "Ala"),
        ("communication.recipient", "", "Bartek · bartek@northstar.example", "Ala"),
    ]
    html = page(client, world.ala)
    assert "Turned lead activity on" in html
    assert "nobody → Bartek · bartek@northstar.example" in html


def test_saving_the_same_again_writes_nothing_down(client, world):
    for _ in range(2):
        post(client, world.ala, receive_lead_activity="on", client_activity="on")
    assert AuditEntry.objects.count() == 1


def test_the_page_counts_who_has_deal_notifications_on(client, world):
    company = make_company()
    make_deal(company, shares=(world.northstar,), owner=world.bartek, team=(world.ala,))
    choose(world.ala, "desktop", "co_selling_prospect_activity", True)
    assert "1 of 2 people on your shared deals have it on" in page(client, world.ala)


def test_recent_notifications_say_who_was_told_or_why_not(client, world):
    switch_on(world.northstar, world.bartek)
    make_lead(world.northstar, "acme.example", company="ACME")
    first = world.does()
    CommunicationSettings.objects.update(recipient=None)
    world.does()
    html = page(client, world.ala)
    assert '<span class="state state-good">Sent</span>' in html
    assert "Not sent: The account has chosen no recipient." in html
    assert f"/activity/{first.message_id}/" in html


@pytest.mark.parametrize(
    "spoiled",
    [{"expires_at": timezone.now() - DAY}, {"status": "unavailable"}, {"status": "pending"}],
)
def test_what_a_lead_did_while_not_registered_is_not_shown(client, world, spoiled):
    """R13-R15: it is not this account's business any more, or not yet."""
    switch_on(world.northstar, world.bartek)
    lead = make_lead(world.northstar, "acme.example", **spoiled)
    activity = world.does()
    assert Decision.objects.filter(lead=lead, reason="registration_not_active").exists()
    assert activity.message_id not in page(client, world.ala)


def test_what_happened_before_the_registration_is_not_shown(client, world):
    switch_on(world.northstar, world.bartek)
    make_lead(world.northstar, "acme.example", registered_at=timezone.now() - timedelta(hours=1))
    activity = world.does(occurred_at=timezone.now() - timedelta(hours=2))
    assert activity.message_id not in page(client, world.ala)


def test_queries_do_not_grow(client, world):
    """Session, user, memberships, vendor, bell; settings, list, 4 for the warning, deals,
    decisions, deliveries, triggers, history; additional recipients, triggers for the history;
    escalation asks nothing while it is off."""
    switch_on(world.northstar, world.ala)
    make_lead(world.northstar, "acme.example")
    make_client(world.northstar, "brightly.example")
    client.force_login(world.ala.user)
    number = iter(range(99))

    def grow():
        for _ in range(3):
            make_member(world.northstar)
            world.does(f"p{next(number)}@acme.example")
            world.does(f"p{next(number)}@brightly.example")

    grow()
    assert assert_constant_queries(lambda: client.get(URL), grow) <= 22


def test_the_history_names_a_command_in_words(client, world):
    row = switch_on(world.northstar, world.ala)
    before = in_words(CommunicationSettings(account=world.northstar))
    record_communication(row, before, actor=None, actor_name="import_program")
    html = page(client, world.ala)
    assert "Data import" in html
    assert "import_program" not in html
