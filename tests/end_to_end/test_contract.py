"""The outside contract, paragraph by paragraph, through commands and HTTP only."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests.instance import ROOT
from tests.sinks import wait_until

pytestmark = pytest.mark.processes

PROGRAM = """
vendor: {name: Northwind, domains: [northwind.example]}
accounts:
  - slug: northstar
    name: Northstar Agency
    kind: partner
    tier: gold
    users:
      - {email: ala@northstar.example, name: Ala, role: admin, language: pl, timezone: Europe/Warsaw, active: true,
         password: correct-horse-battery,
         preferences: {email: {enabled: true, topics: {co_selling_prospect_activity: true}}}}
      - {email: bartek@northstar.example, name: Bartek, role: member}
    communication: {receive_lead_activity: true, recipient: ala@northstar.example}
    leads:
      - {domain: acme.example, company: ACME, contact: {first_name: Anna, last_name: Nowak, email: anna@acme.example},
         status: registered, registered_at: 2026-01-01T00:00:00Z, expires_at: 2099-01-01T00:00:00Z}
  - slug: southwind
    users: [{email: celina@southwind.example, role: admin, password: correct-horse-battery}]
  - slug: northwind
    kind: vendor
    users: [{email: gosia@northwind.example, name: Gosia, role: growth_specialist}]
companies:
  - {domain: acme.example, name: ACME, owner: gosia@northwind.example, contacts: [{email: anna@acme.example, name: Anna Nowak}]}
deals:
  - {name: ACME CRM, company: acme.example, stage: open, owner: bartek@northstar.example, team: [ala@northstar.example],
     shares: [northstar, southwind]}
triggers: [{key: pricing_view, enabled: true}]
"""  # noqa: E501 - as it stands in the contract
ALA, BARTEK, CELINA = (
    "ala@northstar.example",
    "bartek@northstar.example",
    "celina@southwind.example",
)


@pytest.fixture(scope="module")
def contract(product):
    path = product.folder / "contract.yaml"
    path.write_text(PROGRAM)
    product.manage("import_program", str(path))
    return product


def track(message_id: str, event: str = "Demo Requested", **fields) -> dict:
    return {"type": "track", "event": event, "messageId": message_id, **fields}


def decided(product, message_id: str, lines: int) -> list[dict]:
    def found():
        decisions = product.decisions("--message-id", message_id)
        final = all(
            d["state"] in ("delivered", "suppressed") for x in decisions for d in x["deliveries"]
        )
        return decisions if len(decisions) >= lines and final else None

    return wait_until(found, what=f"decisions on {message_id}")


# --- 1. Commands -------------------------------------------------------------------------


def test_every_command_has_help_and_exits_non_zero_on_failure(contract):
    for command in (
        "seed_demo", "import_program", "export_program", "create_write_key", "drain", "sweep",
        "decisions", "explain", "check_invariants",
    ):  # fmt: skip
        assert "usage" in contract.manage(command, "--help").lower()
    contract.manage("import_program", "/no/such/file.yaml", ok=False)
    contract.manage("explain", "no-such-message", ok=False)


def test_create_write_key_prints_it_alone_on_the_last_line(contract):
    out = contract.manage("create_write_key", "Shop", "--origin", "https://shop.example")
    key = out.splitlines()[-1]
    assert re.fullmatch(r"\S{20,}", key)
    assert contract.post("/v1/track", track("key-1"), key=key).status == 200


def test_drain_does_what_is_due_and_reports_it(contract):
    report = json.loads(contract.manage("drain", "--json"))
    assert set(report) == {"evaluated", "delivered", "failed", "waiting", "held_by_others"}


def test_sweep_is_safe_many_times_at_once(contract):
    sweeps = [
        subprocess.Popen(
            [sys.executable, "manage.py", "sweep"],
            cwd=ROOT, env=contract.environment, stdout=subprocess.DEVNULL,
        )
        for _ in range(3)
    ]  # fmt: skip
    assert [sweep.wait(60) for sweep in sweeps] == [0, 0, 0]


def test_check_invariants_as_json(contract):
    counts = json.loads(contract.manage("check_invariants", "--json"))
    assert counts and set(counts.values()) == {0}


def test_explain_tells_the_whole_chain(contract):
    contract.post("/v1/track", track("explain-1", userId="anna@acme.example"), key=contract.key)
    decided(contract, "explain-1", 1)
    text = contract.manage("explain", "explain-1")
    for word in ("anna@acme.example", "demo", "ACME", "Ala"):
        assert word in text, text


# --- 2. Program file -----------------------------------------------------------------------


def test_an_import_is_idempotent_and_an_export_changes_nothing(contract):
    exported = contract.manage("export_program")
    path = contract.folder / "exported.yaml"
    path.write_text(exported)
    contract.manage("import_program", str(path))
    assert contract.manage("export_program") == exported
    assert "password" not in exported and "argon2" not in exported


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        (
            {"accounts": [{"slug": "x", "users": [{"email": "a@x.example", "role": "boss"}]}]},
            "role",
        ),
        (
            {"accounts": [{"slug": "x", "leads": [{"domain": "x.example", "status": "z"}]}]},
            "status",
        ),
        ({"accounts": [{"slug": "x", "colour": "red"}]}, "colour"),
        ({"companies": [{"domain": "x.example", "name": "X", "owner": "no@x.example"}]}, "owner"),
        ({"deals": [{"name": "X", "company": "nowhere.example"}]}, "company"),
        ({"triggers": [{"key": "no_such", "enabled": True}]}, "no_such"),
        ({"accounts": [{"slug": "x", "leads": [{"domain": "acme.example"}]}]}, "acme.example"),
    ],
)
def test_a_wrong_file_names_the_place_and_changes_nothing(contract, broken, place):
    before = contract.manage("export_program")
    path = contract.folder / "broken.json"
    good = {"accounts": [{"slug": "new-one", "users": []}]}
    broken = {**broken, "accounts": good["accounts"] + broken.get("accounts", [])}
    path.write_text(json.dumps(broken))
    words = contract.manage("import_program", str(path), ok=False)
    assert place in words and "Traceback" not in words
    assert contract.manage("export_program") == before


def test_a_dry_run_changes_nothing(contract):
    before = contract.manage("export_program")
    path = contract.folder / "dry.json"
    path.write_text(json.dumps({"accounts": [{"slug": "dry", "users": []}]}))
    contract.manage("import_program", str(path), "--dry-run")
    assert contract.manage("export_program") == before


# --- 3. Event intake -------------------------------------------------------------------------


def test_a_200_means_committed_and_the_right_people_are_told(contract):
    event = track("signup-1", "Signed Up", properties={"product": "CRM"}, userId="u-anna")
    identify = {"type": "identify", "userId": "u-anna", "traits": {"email": "Anna@Acme.example"}}
    answer = contract.post("/v1/batch", {"batch": [identify, event]}, key=contract.key)
    assert answer.status == 200
    assert answer.json == {"success": True, "accepted": 2, "rejected": []}
    lines = decided(contract, "signup-1", 3)
    assert list(lines[0]) == [
        "message_id", "kind", "trigger", "account", "user", "outcome", "reason", "deliveries",
    ]  # fmt: skip
    assert {(d["kind"], d["account"], d["user"], d["outcome"], d["reason"]) for d in lines} == {
        ("lead", "northstar", ALA, "send", "sent"),
        ("deal", "northstar", ALA, "send", "sent"),
        ("deal", "northstar", BARTEK, "no", "topic_off"),
    }
    (mail,) = contract.sink.to(ALA)[-1:]
    assert mail["X-PN-Delivery"]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b/"])
def test_gzip_any_content_type_and_rejection_of_single_events(contract, path):
    body = {"batch": [track("gz-1"), {"type": "track"}, track("gz-2")]}
    answer = contract.post(
        path,
        gzip.compress(json.dumps(body).encode()),
        key=contract.key,
        headers={
            "Content-Encoding": "gzip",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    assert answer.status == 200
    assert answer.json["accepted"] == 2
    assert [(r["index"], r["code"]) for r in answer.json["rejected"]] == [(1, "missing_event")]


def test_errors_are_json_with_code_and_message(contract):
    cases = {
        400: contract.post("/v1/batch", b"{", key=contract.key),
        401: contract.post("/v1/track", track("x")),
        413: contract.post("/v1/batch", b" " * 600_000, key=contract.key),
    }
    for status, answer in cases.items():
        assert answer.status == status
        assert set(answer.json) == {"code", "message"}


@pytest.mark.parametrize("size", [600_000, 5_000_000])
def test_who_sends_too_much_hears_so(contract, size):
    """The server reads on a while: else the connection breaks before the answer is read."""
    answers = [contract.post("/v1/batch", b" " * size, key=contract.key) for _ in range(60)]
    assert {answer.status for answer in answers} == {413}


def test_a_body_in_chunks_is_read(contract):
    """As clients send that do not know the length beforehand."""
    body = json.dumps({"batch": [track("chunk-1"), track("chunk-2")], "writeKey": contract.key})
    connection = http.client.HTTPConnection("127.0.0.1", contract.port, timeout=20)
    connection.request("POST", "/v1/batch", iter([body[:20].encode(), body[20:].encode()]))
    answer = connection.getresponse()
    assert json.loads(answer.read())["accepted"] == 2
    connection.close()


def test_the_largest_request_is_taken(contract):
    events = [{"type": "page", "messageId": f"big-{n}", "name": "x" * 60} for n in range(2_500)]
    body = json.dumps({"batch": events}).encode()
    assert len(body) < 500 * 1024
    assert contract.post("/v1/batch", body, key=contract.key).json["accepted"] == 2_500


def test_a_stale_event_is_stored_but_not_told(contract):
    old = (datetime.now(UTC) - timedelta(hours=73)).isoformat()
    event = track("stale-1", userId="anna@acme.example", timestamp=old)
    contract.post("/v1/track", event, key=contract.key)
    (line,) = decided(contract, "stale-1", 1)
    assert (line["outcome"], line["reason"]) == ("no", "stale")


def test_preflight(contract):
    answer = contract.request("OPTIONS", "/v1/t", headers={"Origin": "https://any.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"  # Its key lists no origin.


# --- 4. Pages --------------------------------------------------------------------------------


def test_probes(contract):
    assert contract.get("/healthz").status == 200
    assert contract.get("/readyz").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/inbox/", "/leads/", "/deals/", "/activity/", "/triggers/",
        "/settings/partners/communication/", "/settings/notifications/email/",
    ],
)  # fmt: skip
def test_pages_ask_for_a_log_in(contract, path):
    answer = contract.get(path)
    assert answer.status == 200 and b'name="login"' in answer.body


def test_demo_pages_exist_only_with_demo_data(contract):
    assert contract.get("/demo/").status == 404
    assert contract.get("/demo/mailbox/").status == 404


# --- 5. Outgoing -----------------------------------------------------------------------------


def test_the_mail(contract):
    contract.post("/v1/track", track("mail-1", userId="anna@acme.example"), key=contract.key)
    decided(contract, "mail-1", 1)
    mail = contract.sink.to(ALA)[-1]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    assert "?account=northstar" in mail.get_body(("plain",)).get_content()
    _unsubscribe(contract, mail["List-Unsubscribe"].strip("<>"))


def _unsubscribe(product, url: str) -> None:
    """A GET changes nothing, one POST without cookie or log-in turns the topic off."""
    path = url.removeprefix(product.url)
    for method, reason in (("GET", "sent"), ("POST", "topic_off")):
        data = b"List-Unsubscribe=One-Click" if method == "POST" else None
        assert product.request(method, path, data).status == 200
        message_id = f"unsubscribe-{method}"
        # A trigger without cooldown, by another person: nothing else is in the way.
        event = track(message_id, "Meeting Booked", userId=f"{method.lower()}@acme.example")
        product.post("/v1/track", event, key=product.key)
        (line,) = decided(product, message_id, 1)
        assert line["reason"] == reason
