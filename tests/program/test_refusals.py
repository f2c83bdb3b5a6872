"""What a program file may not say: the place is named and nothing is changed."""

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command

from accounts.models import Account, User
from notifications.program.errors import ProgramError
from notifications.program.load import import_program
from notifications.program.parsing import parse
from partners.models import Lead
from tests.program.files import NOW, example, load, write

pytestmark = pytest.mark.django_db


def problems_of(document):
    with pytest.raises(ProgramError) as refusal:
        load(document)
    return refusal.value.problems


def changed(path, value):
    """Return the example with the value at `path`, such as ("accounts", 0, "kind")."""
    document = example()
    target = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return document


USER, LEAD, DEAL = ("accounts", 0, "users", 1), ("accounts", 0, "leads", 0), ("deals", 0)


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("extra",), 1, "extra: unknown key. Known: vendor, accounts"),
        (("vendor",), "Northwind", "vendor: must be a mapping of keys to values, not a text."),
        (("vendor", "domains"), ["a b"], "vendor.domains[0]: must be a host name"),
        (("accounts",), {}, "accounts: must be a list, not a mapping."),
        (("accounts", 0), "northstar", "accounts[0]: must be a mapping, not a text."),
        (("accounts", 0, "slug"), None, "accounts[0].slug: is missing."),
        (("accounts", 0, "slug"), 7, "accounts[0].slug: must be a text, not a number"),
        (("accounts", 0, "slug"), "a b", "accounts[0].slug: 'a b' may hold only"),
        (("accounts", 0, "kind"), "client", "accounts[0].kind: 'client' is not one of partner"),
        (("accounts", 0, "name"), "x" * 151, "accounts[0].name: is longer than 150 characters."),
        (("accounts", 0, "name"), "a\0b", "accounts[0].name: holds a character that cannot"),
        (("accounts", 0, "name"), "\ud800", "accounts[0].name: holds a character that cannot"),
        (("accounts", 0, "active"), "yes", "accounts[0].active: must be true or false, not 'yes'"),
        (("accounts", 0, "usres"), [], "accounts[0].usres: unknown key. Did you mean 'users'?"),
        (("accounts", 2, "slug"), "northstar", "accounts[2]: is the same as accounts[0]."),
        ((*USER, "role"), "boss", "accounts[0].users[1].role: 'boss' is not one of admin, member"),
        ((*USER, "role"), None, "accounts[0].users[1].role: nothing is not one of"),
        ((*USER, "email"), "nobody", "accounts[0].users[1].email: 'nobody' is not an e-mail"),
        ((*USER, "email"), "ala@northstar.example", "accounts[0].users[1]: is the same as"),
        ((*USER, "language"), "xx", "accounts[0].users[1].language: 'xx' is not one of en, pl."),
        ((*USER, "timezone"), "Mars/Base", "accounts[0].users[1].timezone: 'Mars/Base' is not"),
        ((*USER, "permissions"), ["fly"], "accounts[0].users[1].permissions[0]: 'fly' is not one"),
        ((*USER, "permissions"), "fly", "accounts[0].users[1].permissions: must be a list"),
        ((*USER, "preferences"), {"fax": {}}, "accounts[0].users[1].preferences.fax: unknown key."),
        (
            (*USER, "preferences"),
            {"email": {"bell": True}},
            "accounts[0].users[1].preferences.email.bell: unknown key.",
        ),
        (
            (*USER, "preferences"),
            {"email": {"topics": {"news": True}}},
            "accounts[0].users[1].preferences.email.topics.news: unknown key.",
        ),
        (
            (*USER, "preferences"),
            {"desktop": {"bell": 1}},
            "accounts[0].users[1].preferences.desktop.bell: must be true or false, not 1.",
        ),
        (
            ("accounts", 0, "communication", "recipient"),
            "gosia@northwind.example",
            "accounts[0].communication.recipient: 'gosia@northwind.example' is not a user of",
        ),
        (
            ("accounts", 0, "communication", "backup"),
            "gosia@northwind.example",
            "accounts[0].communication.backup: 'gosia@northwind.example' is not a user of",
        ),
        (
            ("accounts", 0, "communication", "additional"),
            [{"user": "gosia@northwind.example"}],
            "accounts[0].communication.additional[0].user: 'gosia@northwind.example' is not a user",
        ),
        (
            ("accounts", 0, "communication", "additional"),
            [{"lead_owner": True, "triggers": ["no_such"]}],
            "accounts[0].communication.additional[0].triggers[0]: there is no trigger 'no_such'.",
        ),
        (
            ("accounts", 0, "communication", "additional"),
            [{"lead_owner": True, "triggers": []}],
            "accounts[0].communication.additional[0].triggers: is empty",
        ),
        (
            ("accounts", 0, "communication", "additional"),
            [{"lead_owner": True}, {"lead_owner": True}],
            "accounts[0].communication.additional[1]: is the same as",
        ),
        (
            ("accounts", 0, "communication", "additional"),
            [{"user": "ala@northstar.example", "lead_owner": True}],
            "accounts[0].communication.additional[0].lead_owner: cannot stand beside a user",
        ),
        (
            ("accounts", 0, "communication", "additional"),
            [{"triggers": ["demo_request"]}],
            "accounts[0].communication.additional[0].user: is missing.",
        ),
        (
            (*LEAD, "owner"),
            "gosia@northwind.example",
            "accounts[0].leads[0].owner: 'gosia@northwind.example' is not a user of",
        ),
        ((*LEAD, "domain"), "com", "accounts[0].leads[0].domain: 'com' is not a domain"),
        ((*LEAD, "domain"), "", "accounts[0].leads[0].domain: is missing."),
        ((*LEAD, "status"), "won", "accounts[0].leads[0].status: 'won' is not one of registered"),
        ((*LEAD, "contact"), {"mail": "x"}, "accounts[0].leads[0].contact.mail: unknown key."),
        (
            (*LEAD, "contact"),
            {"email": "x"},
            "accounts[0].leads[0].contact.email: 'x' is not an e-mail address.",
        ),
        ((*LEAD, "expires_at"), "soon", "accounts[0].leads[0].expires_at: 'soon' is not a date"),
        ((*LEAD, "expires_at"), 2027, "accounts[0].leads[0].expires_at: 2027 is not a date"),
        (
            (*LEAD, "expires_at"),
            "9999-12-31T23:00:00Z",
            "accounts[0].leads[0].expires_at: '9999-12-31T23:00:00Z' is not a date",
        ),
        (("companies", 0, "owner"), "x@y.example", "companies[0].owner: there is no user"),
        (("companies", 0, "contacts"), [{"name": "A"}], "companies[0].contacts[0].email: is miss"),
        ((*DEAL, "company"), "nowhere.example", "deals[0].company: there is no company 'nowhere."),
        ((*DEAL, "owner"), "x@y.example", "deals[0].owner: there is no user 'x@y.example'"),
        ((*DEAL, "team"), ["x@y.example"], "deals[0].team[0]: there is no user 'x@y.example'"),
        ((*DEAL, "team"), [7], "deals[0].team[0]: 7 is not an e-mail address."),
        ((*DEAL, "shares"), ["westwind"], "deals[0].shares[0]: there is no account 'westwind'"),
        ((*DEAL, "shares"), ["northstar"] * 2, "deals[0].shares[1]: 'northstar' stands twice."),
        ((*DEAL, "shares"), ["northstar", None], "deals[0].shares[1]: nothing may stand only"),
        ((*DEAL, "shares"), [["northstar"]], "deals[0].shares[0]: must be the slug"),
        ((*DEAL, "archived"), "2026-01-01", "deals[0].archived: must be true or false"),
        (("triggers", 0, "key"), "view", "triggers[0].key: there is no trigger 'view'."),
        (("triggers", 0, "key"), "A-b", "triggers[0].key: 'A-b' may hold only lower-case"),
        (("triggers", 0, "label"), "Prices", "triggers[0].label: pricing_view is built in"),
    ],
)
def test_the_place_is_named_and_nothing_is_stored(path, value, problem):
    problems = problems_of(changed(path, value))
    assert any(line.startswith(problem) for line in problems), problems
    assert not Account.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize("label", ["Saw it\nBcc: x", "Saw\tit", "Saw\u202eit"])
def test_a_label_is_one_harmless_line(label):
    """It stands in the subjects of mails."""
    trigger = {"key": "own", "event_name": "Viewed", "label": label}
    assert problems_of(changed(("triggers",), [trigger])) == [
        "triggers[0].label: must be one line without control characters."
    ]


def test_every_problem_is_reported_at_once():
    document = changed((*USER, "role"), "boss")
    document["deals"][0]["shares"] = ["westwind"]
    document["colour"] = "red"
    assert len(problems_of(document)) == 3


def test_an_owner_without_an_account_is_refused():
    User.objects.create(email="root@northwind.example")
    (problem,) = problems_of(changed((*DEAL, "owner"), "root@northwind.example"))
    assert problem == "deals[0].owner: 'root@northwind.example' belongs to no account."


def test_an_address_of_somebody_else_is_refused():
    other = User.objects.create(email="other@northstar.example")
    EmailAddress.objects.create(user=other, email="ala@northstar.example", verified=True)
    (problem,) = problems_of(example())
    assert problem.startswith("accounts[0].users[0].email: 'ala@northstar.example' is an address")


# --- Two active registrations of one domain ---------------------------------------


def other_partner(**fields):
    return {"slug": "southwind", "leads": [{"domain": "www.acme.example", **fields}]}


def test_two_active_registrations_in_the_file_are_refused():
    document = example()
    document["accounts"][2] = other_partner()
    (problem,) = problems_of(document)
    assert problem == (
        "accounts[2].leads[0].domain: 'acme.example' has an active registration already, "
        "by accounts[0].leads[0]."
    )


def test_a_second_registration_beside_a_stored_one_is_refused():
    load(example())
    (problem,) = problems_of({"accounts": [other_partner()]})
    assert problem.endswith("by the account 'northstar' (stored).")
    assert Lead.objects.count() == 1


def test_a_stored_registration_may_not_wake_up_beside_another():
    load(example())
    load({"accounts": [other_partner(status="expired")]})
    (problem,) = problems_of({"accounts": [other_partner(status="registered")]})
    assert problem.startswith("accounts[0].leads[0].domain:")


# --- The file itself --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The file is empty."),
        ("# only a comment", "must be a mapping"),
        ("- a\n- b", "must be a mapping"),
        ("just words", "must be a mapping"),
        ("[]", "must be a mapping"),
        ("accounts: [\n  {slug: a\n", "line "),
        ("accounts:\n\t- slug: a", "line 2: "),
        ("vendor: {name: A}\nvendor: {name: B}", "line 2: the key 'vendor' stands twice."),
        ("vendor:\n  name: A\n  name: B", "line 3: the key 'name' stands twice."),
        ('{"vendor": {"name": "A", "name": "B"}}', "The key 'name' stands twice"),
        ("vendor: !!python/object:os.system {}", "line 1: "),
        ("a: *nothing", "line 1: "),
        ("? [a, b]\n: 1", "line 1: "),
        ("a: !!int x", "cannot be read"),
        ("a: " + "[" * 100_000, "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        ("a\x07: 1", "not YAML|line 1: "),
        ("--- {}\n--- {}", "line 2: "),
        ("vendor: {name: A", "line "),
        ("accounts: [{slug: a, leads: [{domain: b.example, expires_at: 2026-13-01}]}]", r"leads\["),
        (b"vendor: \xff", "not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_gives_a_sentence(tmp_path, text, sentence):
    with pytest.raises(CommandError, match=f"(?s)({sentence}).*Nothing was imported"):
        call_command("import_program", write(tmp_path, text))


@pytest.mark.parametrize("text", ["{", "{'a': 1}", '{"a": 1,}', "vendor: {}"])
def test_a_json_file_must_be_json(tmp_path, text):
    with pytest.raises(CommandError, match="line 1: "):
        call_command("import_program", write(tmp_path, text, "program.json"))


def test_a_missing_file_and_a_folder_give_a_sentence(tmp_path):
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(CommandError, match="Nothing was imported: 1 problem"):
            call_command("import_program", str(path))


def test_yaml_may_use_anchors_and_merge_keys():
    text = """
accounts:
  - &one {slug: one, tier: gold}
  - {<<: *one, slug: two}
"""
    import_program(parse(text), now=NOW)
    assert set(Account.objects.values_list("slug", "tier")) == {("one", "gold"), ("two", "gold")}


def test_a_byte_order_mark_is_no_character(tmp_path):
    call_command("import_program", write(tmp_path, b"\xef\xbb\xbfaccounts: [{slug: one}]"))
    assert Account.objects.get().slug == "one"
