"""A repeated messageId is accepted and changes nothing, whatever its body says."""

from __future__ import annotations

import json
import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from partners import intake
from partners.models import Activity, Contact, Identity, RejectedEvent
from tests.factories import make_source

pytestmark = pytest.mark.django_db

ANNA, BO = "anna@acme.example", "bo@other.example"


@pytest.fixture
def send(client):
    _, key = make_source()

    def post(*events):
        body = json.dumps({"batch": events})
        headers = {"Authorization": f"Bearer {key}"}
        answer = client.post("/v1/batch", body, content_type="text/plain", headers=headers)
        assert (answer.status_code, answer.json()["rejected"]) == (200, [])
        assert answer.json()["accepted"] == len(events)

    return post


def identify(message_id: str, email: str, *, visitor: str = "a1", **traits) -> dict:
    return {
        "type": "identify",
        "messageId": message_id,
        "anonymousId": visitor,
        "traits": {"email": email, **traits},
    }


def person_of(visitor: str) -> str:
    return Identity.objects.get(value=visitor).contact.email


def notes() -> list[tuple[int, str]]:
    return list(RejectedEvent.objects.order_by("index").values_list("index", "code"))


# --- A repeat teaches nothing -------------------------------------------------------------


def test_a_repeat_with_another_email_moves_nobody(send):
    send(identify("m1", ANNA))
    send(identify("m1", BO))
    assert person_of("a1") == ANNA
    assert not Contact.objects.filter(email=BO).exists()


def test_a_late_retry_does_not_move_a_visitor_back(send):
    send(identify("m1", ANNA))
    send(identify("m2", BO))
    send(identify("m1", ANNA))
    assert person_of("a1") == BO


def test_a_repeat_renames_nobody_and_denies_nothing(send):
    send(identify("m1", ANNA, name="Anna"))
    send(identify("m1", ANNA, name="Other", consent="denied"))
    contact = Contact.objects.get()
    assert (contact.name, contact.consent_denied) == ("Anna", False)


def test_a_repeat_within_one_request_teaches_nothing(send):
    send(identify("m1", ANNA), identify("m1", BO, name="Bo", consent="denied"))
    assert person_of("a1") == ANNA
    assert Contact.objects.get().consent_denied is False


def test_new_events_beside_a_repeat_still_count(send):
    send(identify("m1", ANNA))
    send(identify("m1", BO), identify("m2", BO, visitor="a2"))
    assert (person_of("a1"), person_of("a2")) == (ANNA, BO)


# --- Two requests at once --------------------------------------------------------------------


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite writes one after the other")
@pytest.mark.django_db(transaction=True)
def test_who_comes_second_at_the_same_moment_teaches_nothing(send, monkeypatch):
    """The other request commits after this one looked which ids are known."""
    send(identify("m0", ANNA))
    look, others = intake._known, [identify("m1", ANNA, name="Anna")]

    def send_other() -> None:
        try:
            send(others.pop())
        finally:
            connection.close()

    def look_too_early(source, events):
        found = look(source, events)
        if others:
            other = threading.Thread(target=send_other)
            other.start()
            other.join()
        return found

    monkeypatch.setattr(intake, "_known", look_too_early)
    send(
        identify("m0", ANNA),
        identify("m1", BO, consent="denied"),
        identify("m2", BO, visitor="a2"),
    )
    assert (person_of("a1"), person_of("a2")) == (ANNA, BO)
    assert not Contact.objects.filter(consent_denied=True).exists()
    assert Activity.objects.count() == 3
    assert notes() == [(1, "repeated_message_id")]


@pytest.mark.django_db(transaction=True)
def test_many_requests_with_the_same_id_store_one_and_learn_from_it(client):
    _, key = make_source()
    together, answers = threading.Barrier(4), []

    def post(number: int) -> None:
        body = json.dumps(identify("m1", f"p{number}@acme.example"))
        together.wait(10)
        try:
            answer = client.post(
                "/v1/identify", body, "text/plain", headers={"Authorization": f"Bearer {key}"}
            )
            answers.append(answer.status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 4
    assert person_of("a1") == Activity.objects.get().contact.email == Contact.objects.get().email
    assert RejectedEvent.objects.count() == 3


# --- Statements -----------------------------------------------------------------------------


def test_repeats_cost_a_fixed_number_of_statements(send):
    """All is undone and done again without them: besides, which ones are known."""
    counts = []
    for start, number in ((0, 3), (100, 60)):
        events = [identify(f"m{n}", ANNA, visitor=f"v{n}") for n in range(start, start + number)]
        send(*events)
        with CaptureQueriesContext(connection) as captured:
            send(*events[:-1], identify(f"n{start}", ANNA, visitor=f"n{start}"))
        counts.append(len(captured))
    assert counts[0] == counts[1]


# --- The debugger -----------------------------------------------------------------------------


def test_the_debugger_shows_each_repeat_with_its_place(send):
    send(identify("old", ANNA))
    send(
        identify("new", ANNA),
        identify("fresh", ANNA),
        identify("old", BO),
        identify("new", BO),
        identify("fresh", ANNA),
        identify("old", ANNA),
    )
    assert notes() == [(2, "repeated_message_id"), (3, "repeated_message_id")]
    assert BO in RejectedEvent.objects.get(index=2).excerpt


def test_the_place_counts_rejected_neighbours(client):
    _, key = make_source()
    batch = [{"type": "none"}, {"type": "page", "messageId": "m"}]
    batch += [{"type": "page", "messageId": "m", "name": "Other"}]
    headers = {"Authorization": f"Bearer {key}"}
    client.post("/v1/batch", json.dumps({"batch": batch}), "text/plain", headers=headers)
    assert notes() == [(0, "unknown_type"), (2, "repeated_message_id")]
