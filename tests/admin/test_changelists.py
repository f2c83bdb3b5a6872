"""Every list of the admin: it opens, its queries are constant, logs are read-only."""

import itertools
import re
from datetime import date, timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import flatten
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise

from accounts.admin_pages import CappedPaginator
from accounts.audit import record_change
from accounts.models import AuditEntry, Heartbeat, Invitation
from accounts.words import AUDIT_AREAS, audit_action
from notifications.drain import drain
from notifications.models import (
    Absence,
    Claim,
    Decision,
    Delivery,
    Endpoint,
    EndpointHealth,
    Notification,
    Suppression,
    Trigger,
)
from partners.models import Activity, Deal, Lead, RejectedEvent
from tests.factories import (
    choose,
    make_account,
    make_activity,
    make_client,
    make_company,
    make_contact,
    make_deal,
    make_lead,
    make_member,
    make_source,
    make_webhook,
    switch_on,
)
from tests.queries import assert_constant_queries

APPS = ("accounts", "partners", "notifications")
OWN = [model for model in admin.site._registry if model._meta.app_label in APPS]
LOGS = (
    AuditEntry,
    Heartbeat,
    Invitation,
    Activity,
    RejectedEvent,
    Decision,
    Notification,
    Delivery,
    Endpoint,
    EndpointHealth,
)
AUDITED = [
    path
    for app in APPS
    for path in (settings.BASE_DIR / app).rglob("*.py")
    if 'action="' in path.read_text() and "record_change" in path.read_text()
]
numbers = itertools.count(1)
pytestmark = pytest.mark.django_db


def url(model, page="changelist", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def grow():
    """Add one of everything, with people and accounts of its own."""
    n = next(numbers)
    account = make_account(f"partner-{n}")
    ala = make_member(account, f"ala@partner-{n}.example", role="admin")
    lead = make_lead(account, f"lead-{n}.example")
    make_client(account, f"client-{n}.example")
    switch_on(account, ala, escalate_after=2)
    Claim.objects.create(account=account, membership=ala, lead=lead)
    Absence.objects.create(membership=ala, begins=date(2020, 1, 1), ends=date(2020, 1, 2))
    choose(ala, "desktop", "popup", True)
    company = make_company(f"lead-{n}.example", owner=ala.user)
    contact = make_contact(f"anna@lead-{n}.example", company)
    make_deal(company, shares=(account,), owner=ala, team=(ala,))
    source, _key = make_source(f"Website {n}")
    make_activity(source, contact)
    RejectedEvent.objects.create(source=source, received_at=timezone.now(), index=0, code="x")
    Trigger.objects.create(key=f"own_{n}", label="Own", event_name=f"own {n}")
    hook = make_webhook(ala, "https://hooks.example.com/JBSWY3DP")
    Endpoint.objects.update(secrets={"signing": "whsec_JBSWY3DP"})
    EndpointHealth.objects.create(channel=hook.channel, endpoint_key=hook.key)
    Suppression.objects.create(address=f"gone-{n}@partner.example", cause="bounce")
    record_change(account, actor=ala.user, action="x", old="", new="")
    Invitation.objects.create(
        account=account,
        email=f"ewa@partner-{n}.example",
        role="member",
        invited_by=ala.user,
        nonce="JBSWY3DP",
        expires_at=timezone.now(),
    )
    Heartbeat.objects.create(process=f"worker-{n}", at=timezone.now())
    Authenticator.objects.create(user=ala.user, type="totp", data={"secret": "JBSWY3DP"})
    drain(patience_seconds=0)


@pytest.mark.parametrize("model", OWN, ids=lambda m: m._meta.model_name)
def test_a_list_has_a_constant_number_of_queries(admin_client, model):
    grow()
    if model._meta.model_name == "vendor":
        model.objects.create(name="Northwind")
    more = itertools.repeat(grow, 3)
    assert_constant_queries(lambda: admin_client.get(url(model)), lambda: [act() for act in more])
    answer = admin_client.get(url(model), {"q": "partner"})
    assert answer.status_code == 200


@pytest.mark.parametrize("model", OWN, ids=lambda m: m._meta.model_name)
def test_one_row_opens(admin_client, model):
    grow()
    if model._meta.model_name == "vendor":
        model.objects.create(name="Northwind")
    row = model.objects.first()
    assert row is not None
    answer = admin_client.get(url(model, "change", row.pk))
    assert answer.status_code == 200
    assert "JBSWY3DP" not in answer.content.decode()


@pytest.mark.parametrize("model", OWN, ids=lambda m: m._meta.model_name)
def test_a_list_has_few_columns(model):
    assert len(admin.site._registry[model].list_display) <= 6


@pytest.mark.parametrize("model", LOGS, ids=lambda m: m._meta.model_name)
def test_a_log_cannot_be_changed(admin_client, model):
    grow()
    row = model.objects.first()
    assert admin_client.get(url(model, "add")).status_code == 403
    assert admin_client.post(url(model, "change", row.pk), {}).status_code == 403
    assert admin_client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    listed = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    admin_client.post(url(model), listed)
    assert model.objects.filter(pk=row.pk).exists()


def test_an_account_with_a_history_is_not_deleted(admin_client):
    grow()
    account = AuditEntry.objects.get().account
    admin_client.post(url(type(account), "delete", account.pk), {"post": "yes"})
    account.refresh_from_db()


@pytest.mark.parametrize("model", [Activity, RejectedEvent])
def test_bodies_of_events_are_not_shown(admin_client, model):
    grow()
    Activity.objects.update(payload={"card": "4111"})
    RejectedEvent.objects.update(excerpt="4111")
    page = admin_client.get(url(model, "change", model.objects.get().pk)).content.decode()
    assert "4111" not in page


# --- Who may come in --------------------------------------------------------------


def test_a_stranger_is_sent_to_the_normal_log_in(client):
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=%2Fadmin%2F")


def test_a_member_is_refused(client, world):
    """R4: an admin of a partner is no operator."""
    client.force_login(world.ala.user)
    assert client.get("/admin/", follow=True).status_code == 403


def test_staff_without_permissions_see_nothing(client, world):
    world.gosia.user.is_staff = True
    world.gosia.user.save()
    client.force_login(world.gosia.user)
    assert client.get("/admin/").status_code == 200
    for model in OWN:
        assert client.get(url(model)).status_code == 403


# --- What a list says -------------------------------------------------------------


def test_the_list_of_leads_shows_the_computed_status(admin_client, world):
    lead = make_lead(world.northstar, expires_at=timezone.now() - timedelta(days=1))
    page = admin_client.get(url(Lead)).content.decode()
    assert "Expired</td>" in page
    assert lead.status == "registered"


def test_a_big_log_counts_no_further_than_its_cap(admin_client, monkeypatch):
    for _n in range(3):
        grow()
    monkeypatch.setattr(CappedPaginator, "CAP", 2)
    page = admin_client.get(url(Activity)).content.decode()
    assert "The first 2 rows; search or filter for others." in page


def test_no_list_of_a_log_reads_its_choices_from_the_rows(admin_client):
    """A filter over all values is one scan of millions of rows."""
    grow()
    with CaptureQueriesContext(connection) as queries:
        for model in LOGS:
            admin_client.get(url(model))
    assert not [query["sql"] for query in queries if "DISTINCT" in query["sql"]]


@pytest.mark.parametrize("model", OWN, ids=lambda m: m._meta.model_name)
def test_every_field_that_is_shown_has_a_name_in_words(model):
    """Django's own name of a field is English in every language."""
    page = admin.site._registry[model]
    shown = {*page.list_display, *map(str, page.list_filter), *flatten(page.fields or ())}
    for field in model._meta.get_fields():
        if field.concrete and field.name in shown:
            assert isinstance(field.verbose_name, Promise), field.name


@pytest.mark.parametrize("page", ["changelist", "add"])
def test_polish_titles_need_no_other_case(admin_client, operator, page):
    operator.language = "pl"
    operator.save()
    text = admin_client.get(url(Deal, page)).content.decode()
    assert "<h1>Transakcje</h1>" in text or "<h1>Dodaj: transakcja</h1>" in text
    assert "Wybierz transakcja" not in text


def test_the_index_has_three_parts_with_names(admin_client):
    apps = admin_client.get("/admin/").context["app_list"]
    names = [str(app["name"]) for app in apps]
    assert names == ["Accounts and people", "Leads and deals", "Notifications"]


def test_the_audit_log_speaks_in_words(admin_client, world):
    record_change(
        world.northstar,
        actor=world.ala.user,
        action="communication.receive_lead_activity",
        old="off",
        new="on",
    )
    page = admin_client.get(url(AuditEntry)).content.decode()
    assert "Lead activity notifications" in page
    assert "off → on" in page
    assert "communication.receive" not in page


@pytest.mark.parametrize("path", AUDITED)
def test_every_audited_action_has_words(path):
    """What the code writes down is known to the list, and to one of its areas."""
    for action in re.findall(r'action="([a-z_.]+)"', path.read_text()):
        assert audit_action(action) != action
        assert action.startswith(tuple(AUDIT_AREAS))
