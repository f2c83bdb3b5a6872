"""A person is forgotten everywhere, and nothing is sent about them later (R23, R104)."""

import json
import uuid
from email.message import EmailMessage

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.utils import timezone

from accounts.audit import ERASED, record_change
from accounts.models import AuditEntry
from notifications.audit import in_words, record_communication
from notifications.delivery.claim import claim, sweep
from notifications.delivery.outcome import start
from notifications.delivery.recheck import Recheck
from notifications.drain import drain
from notifications.evaluation import evaluate_due
from notifications.models import Absence, Attempt, Decision, Delivery
from notifications.when.services import save_absence
from partners.erased import erased_address
from partners.models import (
    Activity,
    Client,
    Company,
    CompanyContact,
    Contact,
    Identity,
    Lead,
    RejectedEvent,
)
from partners.services.erase import erase_person
from partners.services.leads import record_owner
from tests.factories import (
    make_account,
    make_client,
    make_company,
    make_contact,
    make_lead,
    make_member,
    make_source,
    switch_on,
)

pytestmark = pytest.mark.django_db
ANNA = "anna@acme.example"


@pytest.fixture
def key():
    northstar = make_account("northstar")
    ala = make_member(northstar, "ala@northstar.example", role="admin")
    make_lead(northstar, first_name="Anna", last_name="Nowak", email=ANNA)
    make_client(northstar, "other.example", first_name="Anna", email=ANNA)
    switch_on(northstar, ala)
    make_contact(ANNA, make_company(), name="Anna Nowak")
    make_contact("bob@acme.example", Company.objects.get())
    return make_source()[1]


def post(client, key, path="/v1/track", **body):
    headers = {"Authorization": f"Bearer {key}"}
    answer = client.post(path, json.dumps(body), content_type="text/plain", headers=headers)
    assert answer.status_code == 200, answer.content


def identify(client, key):
    post(client, key, "/v1/identify", anonymousId="v1", userId="u1", traits={"email": ANNA})


def demo_requested(client, key, email=ANNA, event="Demo Requested", **body):
    post(client, key, event=event, properties={"email": email}, **body)


def erase(email=ANNA):
    return erase_person(email, actor=None, actor_name="test")


def everything():
    """All that is stored, as one text."""
    models = (Activity, RejectedEvent, Contact, CompanyContact, Identity, Lead, Client)
    models += (Delivery, Attempt, Decision, AuditEntry)
    return " ".join(str(list(model.objects.values())) for model in models).casefold()


def test_no_row_tells_who_it_was(client, key):
    post(client, key, "/v1/page", anonymousId="v1", name="Anna's page")
    identify(client, key)
    demo_requested(client, key, messageId=f"demo-{ANNA}")
    post(client, key, event=f"Invited {ANNA}", properties={"email": "bob@acme.example"})
    post(client, key, "/v1/track", userId=ANNA)
    drain(patience_seconds=0)
    Attempt.objects.update(detail=f"550 <{ANNA}>")
    Delivery.objects.update(detail=f"550 <{ANNA.upper()}>")
    assert "anna" in everything()
    erased = erase()
    assert "anna" not in everything()
    assert not Identity.objects.exists()
    assert not Activity.objects.exclude(anonymous_id="", user_id="").exists()
    assert str(erased) == ("contacts: 1, activities: 4, rejected events: 1, leads: 1, clients: 1")


def test_the_contact_stays_without_a_name_and_without_consent(key):
    erase()
    contact = Contact.objects.get(email=erased_address(ANNA))
    assert (contact.name, contact.consent_denied, contact.companies.count()) == ("", True, 0)
    assert contact.erased_at
    assert contact.domain == "erased.invalid"


OTHERS = (
    "bob@acme.example",
    "johanna@acme.example",
    "jo.anna@acme.example",
    "x+anna@acme.example",
    "anna@acme.example.com",
    "anna@acme.example-group.com",
)


@pytest.mark.parametrize("other", OTHERS)
def test_others_stay_as_they_are(client, key, other):
    demo_requested(client, key, other, messageId=f"demo-of:{other}")
    demo_requested(client, key, other, event=f"Invited {other}", timestamp="never")
    Delivery.objects.update(detail=f"550 <{other}>")
    erased = erase()
    activity = Activity.objects.get()
    assert activity.payload["properties"]["email"] == other
    assert activity.message_id == f"demo-of:{other}"
    assert other in RejectedEvent.objects.get().excerpt
    assert Contact.objects.filter(email=other, consent_denied=False).exists()
    assert (erased.activities, erased.rejected_events) == (0, 0)


@pytest.mark.parametrize(
    "mention",
    [
        f"<{ANNA}>",
        f"Ask {ANNA.upper()}.",
        f"first line\n{ANNA}\nlast",
        f"https://vendor.example/?email={ANNA.replace('@', '%40')}&x=1",
    ],
)
def test_a_mention_within_other_words_is_forgotten(client, key, mention):
    properties = {"email": "bob@acme.example", "note": mention}
    post(client, key, event="Note", properties=properties)
    post(client, key, event="Note", properties=properties, timestamp="never")
    assert "anna" in str(list(RejectedEvent.objects.values_list("excerpt"))).casefold()
    erased = erase()
    assert (erased.activities, erased.rejected_events) == (1, 1)
    assert "anna" not in everything()


def test_what_waits_to_be_sent_is_cancelled(client, key):
    demo_requested(client, key)
    evaluate_due()
    erase()
    drain(patience_seconds=0)
    assert not mail.outbox
    mails = Delivery.objects.filter(channel="email")
    assert set(mails.values_list("state", "reason")) == {("cancelled", "no_consent")}


def test_a_retry_of_what_was_on_the_wire_is_not_sent(client, key):
    demo_requested(client, key)
    evaluate_due()
    token = uuid.uuid4()
    recheck = Recheck(claim("email", token, 1))
    start(recheck.check(recheck.deliveries[0]), token)
    erase()
    Delivery.objects.filter(state="sending").update(lease_until=Now())
    sweep()
    Delivery.objects.filter(state="pending").update(not_before=Now())
    drain(patience_seconds=0)
    assert not mail.outbox
    assert Delivery.objects.get(channel="email").reason == "no_consent"


def test_what_was_not_evaluated_yet_notifies_nobody(client, key):
    demo_requested(client, key)
    erase()
    drain(patience_seconds=0)
    assert not mail.outbox
    assert not Delivery.objects.exists()


def test_who_comes_back_is_not_notified_about(client, key):
    """R23: until an operator gives consent back."""
    erase()
    demo_requested(client, key)
    drain(patience_seconds=0)
    assert not mail.outbox
    assert set(Decision.objects.values_list("reason", flat=True)) == {"no_consent"}


def test_who_came_back_can_be_erased_again(client, key):
    erase()
    demo_requested(client, key)
    erase()
    assert Contact.objects.exclude(erased_at=None).count() == 2
    assert "anna" not in everything()


@pytest.mark.django_db(transaction=True)
def test_mails_about_the_person_are_removed(client, key, settings, tmp_path):
    settings.MAILBOX_DIR = tmp_path
    settings.EMAIL_BACKEND = "partnernotify.mailbox.FolderBackend"
    demo_requested(client, key)
    demo_requested(client, key, "bob@acme.example")
    drain(patience_seconds=0)
    mentioned = EmailMessage()
    mentioned.set_content(f"żółw {ANNA.upper()}", cte="base64")
    (tmp_path / "1.eml").write_bytes(mentioned.as_bytes())
    mentioned.set_content("johanna@acme.example", cte="base64")
    (tmp_path / "2.eml").write_bytes(mentioned.as_bytes())
    assert len(list(tmp_path.glob("*.eml"))) == 4
    erase()
    left = sorted(path.read_text() for path in tmp_path.glob("*.eml"))
    assert len(left) == 2
    assert any("bob@acme.example" in text for text in left)


def test_details_of_others_stay(client, key):
    demo_requested(client, key, "bob@acme.example")
    drain(patience_seconds=0)
    Attempt.objects.update(detail="550 <johanna@acme.example>")
    Delivery.objects.update(detail="550 <johanna@acme.example>")
    erase()
    assert set(Attempt.objects.values_list("detail", flat=True)) == {"550 <johanna@acme.example>"}
    assert set(Delivery.objects.values_list("detail", flat=True)) == {"550 <johanna@acme.example>"}


def test_a_person_known_only_as_a_leads_contact_is_forgotten(key):
    Contact.objects.all().delete()
    assert erase().contacts == 0
    lead = Lead.objects.get()
    assert (lead.contact_name, lead.email, lead.domain) == ("", "", "acme.example")


def test_the_log_says_that_but_not_who(key):
    erase()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_name) == ("person_erased", "test")
    assert ANNA not in entry.new


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("Bo", "bo@northstar.example"),
        # Longer together than a field of the history.
        ("B" * 150, f"{'bo' * 30}@people-who-sell-together.northstar.example"),
    ],
)
def test_the_history_of_settings_forgets_a_colleague(northstar, name, email):
    """R104. That something changed stays, and on which lead."""
    bo = make_member(northstar.account, email, name=name)
    actor = northstar.ala.user
    today = timezone.now().date()
    save_absence(northstar.ala, Absence(begins=today, ends=today, deputy=bo))
    save_absence(northstar.ala, None)
    save_absence(bo, Absence(begins=today, ends=today))
    northstar.lead.owner = bo
    record_owner(northstar.lead, None, actor=actor)
    before = in_words(northstar.settings)
    northstar.settings.recipient = northstar.settings.backup = bo
    record_communication(northstar.settings, before, actor=actor)
    erase(email)
    rows = AuditEntry.objects.exclude(action="person_erased").order_by("pk")
    ala, days = "Ala · ala@northstar.example", f"{today} – {today}"
    assert list(rows.values_list("action", "subject", "old", "new")) == [
        ("absence.changed", ala, "", ERASED),
        ("absence.changed", ala, ERASED, ""),
        ("absence.changed", "", "", days),
        ("lead_owner", "acme.example", "", ERASED),
        ("communication.recipient", "", ala, ERASED),
        ("communication.backup", "", "", ERASED),
    ]


@pytest.mark.parametrize("what", ["Anna@Acme.example", "failed Anna@Acme.example"])
def test_the_history_forgets_what_was_searched_for(northstar, what):
    """R104: as it was typed, and behind the tab of the page."""
    others = "failed Johanna@Acme.example"
    for subject in (what, others):
        record_change(
            None,
            actor=northstar.ala.user,
            action="deliveries.send_all_again",
            subject=subject,
            old="",
            new="1",
        )
    erase()
    rows = AuditEntry.objects.exclude(action="person_erased").order_by("pk")
    assert list(rows.values_list("subject", "new")) == [("", "1"), (others, "1")]


def test_the_command_erases(key, capsys):
    call_command("erase_person", "Anna@ACME.example")
    assert "contacts: 1" in capsys.readouterr().out
    assert not Contact.objects.filter(email=ANNA).exists()


def test_the_command_tells_that_a_user_stays(key, capsys):
    call_command("erase_person", "ala@northstar.example")
    assert "also signs in here" in capsys.readouterr().out


def test_the_command_wants_an_address():
    with pytest.raises(CommandError, match="is not an e-mail address"):
        call_command("erase_person", "anna")
