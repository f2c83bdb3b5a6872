"""Slack and Teams: what is written there, what their answers mean, which addresses are theirs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.exceptions import ValidationError

from notifications.channels import APP_KEYS, CHAT_KEYS, OTHER_APPS, slack, teams
from notifications.channels.base import Failure
from notifications.channels.chat import encode, shown_address
from notifications.channels.http import Answer
from notifications.channels.registry import sender_of
from notifications.endpoints.apps import APPS
from notifications.messages import Action, Message
from tests.chats import SLACK, TEAMS, slack_problem, teams_problem, texts_of

EVIL = "<!channel> <@U1> <https://evil.example|bank> [bank](https://evil.example) **&amp; _x_"
MESSAGE = Message(
    public_id="0b0f",
    language="en",
    subject="ACME: Anna Nowak requested a demo",
    sentence="Anna Nowak (ACME) requested a demo.",
    facts=(("Person", "Anna Nowak · anna@acme.example"), ("Company", "ACME")),
    why=("ACME is a lead registered to Northstar.",),
    stop=(),
    actions=(
        Action(label="Open the lead", url="https://p.example/leads/1/"),
        Action(label="Why am I getting this?", url="https://p.example/activity/m-1/"),
    ),
    account_name="Northstar",
    vendor_name="Northwind",
)
LONG = replace(
    MESSAGE,
    subject=EVIL * 50,
    sentence=EVIL * 200,
    facts=(("Person", EVIL * 100),) * 30,
    why=(EVIL * 200,) * 30,
    actions=(Action(label=EVIL * 10, url="https://p.example/" + "x" * 2_500),) * 30
    + MESSAGE.actions[-1:],
)


def blocks(message: Message) -> dict[str, dict]:
    return {block["type"]: block for block in slack.content(message)["blocks"]}


def card(message: Message) -> dict:
    return teams.content(message)["attachments"][0]["content"]


# --- Slack ----------------------------------------------------------------------------------


def test_a_slack_message_has_its_blocks_and_a_text_for_where_none_are_shown():
    content, found = slack.content(MESSAGE), blocks(MESSAGE)
    assert content["text"] == MESSAGE.sentence
    assert found["header"]["text"]["text"] == MESSAGE.subject
    assert [f["text"] for f in found["section"]["fields"]] == [
        "*Person*\nAnna Nowak · anna@acme.example",
        "*Company*\nACME",
    ]
    assert [b["url"] for b in found["actions"]["elements"]] == [a.url for a in MESSAGE.actions]
    assert found["context"]["elements"][-1]["text"] == "Northstar · Northwind"


def test_without_facts_the_sentence_stands_there():
    found = blocks(replace(MESSAGE, facts=(), actions=()))
    assert found["section"]["text"]["text"] == MESSAGE.sentence
    assert "actions" not in found


def test_a_name_mentions_nobody_in_slack_and_links_nowhere():
    content = slack.content(replace(MESSAGE, subject=EVIL, facts=(("Person", EVIL),)))
    for text in texts_of(content):
        assert "<" not in text and ">" not in text
    assert "&lt;!channel&gt; &lt;@U1&gt;" in content["blocks"][0]["text"]["text"]
    assert "&amp;amp;" in content["blocks"][0]["text"]["text"]
    assert all(t["verbatim"] for t in content["blocks"][1]["fields"])


def test_slack_takes_what_is_far_too_long():
    content = slack.content(LONG)
    assert slack_problem(encode(content)) == ""
    assert blocks(LONG)["actions"]["elements"][-1]["url"] == MESSAGE.actions[-1].url


@pytest.mark.parametrize("length", range(140, 160))
def test_no_entity_is_cut_in_two(length):
    (text,) = {blocks(replace(MESSAGE, subject="&" * length))["header"]["text"]["text"]}
    assert len(text) <= slack.HEADER_LENGTH
    assert set(text.removesuffix("…").split("&amp;")) == {""}


def test_a_link_that_slack_would_refuse_is_left_out():
    far = Action(label="Far", url="https://p.example/" + "x" * 3_000)
    found = blocks(replace(MESSAGE, actions=(far, *MESSAGE.actions)))
    assert len(found["actions"]["elements"]) == 2


SLACK_ANSWERS = {
    # answer: permanent, gone, counts against the channel, wants a pause
    "no_text": (True, False, False, False),
    "invalid_payload": (True, False, False, False),
    "channel_is_archived": (True, True, True, False),
    "channel_not_found": (True, True, True, False),
    "no_service": (True, True, True, False),
    "no_active_hooks": (True, True, True, False),
    "action_prohibited": (True, True, True, False),
    "not-found": (True, True, True, False),
    "gone": (True, True, True, False),
    "busy": (False, False, True, True),
    "page": (False, False, True, False),
    "broken": (False, False, True, False),
}


def answer_of(reply) -> Answer:
    status, headers, body = reply
    return Answer(status, {k.lower(): v for k, v in headers.items()}, body.decode())


@pytest.mark.parametrize("answer", SLACK)
def test_what_slack_answers(answer):
    error = slack.problem(answer_of(SLACK[answer]))
    if answer == "ok":
        assert error is None
        return
    assert error.failure == Failure.REFUSED
    told = (error.permanent, error.bad_address, error.endpoint_down, bool(error.retry_after))
    assert told == SLACK_ANSWERS[answer]


@pytest.mark.parametrize("word", sorted(slack._GONE_WORDS))
@pytest.mark.parametrize("status", [200, 403, 404, 410, 500])
def test_a_word_of_the_end_counts_whatever_the_status(word, status):
    assert slack.problem(Answer(status, {}, word)).bad_address


# --- Teams ----------------------------------------------------------------------------------


def test_a_card_says_it_all():
    texts = texts_of(card(MESSAGE)["body"])
    for words in (MESSAGE.subject, "Person: ", "Anna Nowak · anna@acme.example", *MESSAGE.why):
        assert words in texts
    assert [a["url"] for a in card(MESSAGE)["actions"]] == [a.url for a in MESSAGE.actions]
    assert teams_problem(encode(teams.content(MESSAGE))) == ""


def test_no_text_of_a_card_stands_where_markdown_is_read():
    """A RichTextBlock shows its runs as they are; TextBlock and FactSet would make links."""
    body = card(replace(MESSAGE, subject=EVIL, facts=(("Person", EVIL),), why=(EVIL,)))["body"]
    assert {part["type"] for part in body} == {"RichTextBlock"}
    assert {run["type"] for part in body for run in part["inlines"]} == {"TextRun"}


@pytest.mark.parametrize("words", ["x", "ż", "<&"])
def test_a_card_is_never_too_large(words):
    long = replace(LONG, why=(words * 5_000,) * 9, facts=((words * 5_000, words * 5_000),) * 9)
    assert teams_problem(encode(teams.content(long))) == ""


TEAMS_ANSWERS = {
    "hidden-429": (False, False, True, True),
    "hidden-500": (False, False, True, False),
    "not-found": (True, True, True, False),
    "gone": (True, True, True, False),
    "busy": (False, False, True, True),
    "too-large": (True, False, False, False),
}


@pytest.mark.parametrize("answer", TEAMS)
def test_what_teams_answers(answer):
    error = teams.problem(answer_of(TEAMS[answer]))
    if answer in ("ok", "one"):
        assert error is None
        return
    told = (error.permanent, error.bad_address, error.endpoint_down, bool(error.retry_after))
    assert told == TEAMS_ANSWERS[answer]


# --- Addresses --------------------------------------------------------------------------------

GOOD_SLACK = "https://hooks.slack.com/services/T01ABC/B02DEF/xyzXYZ123"
GOOD_TEAMS = (
    "https://prod-05.westeurope.logic.azure.com:443/workflows/aa11/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers&sv=1.0&sig=abcDEF-_1",
    "https://default1.ae.environment.api.powerplatform.com:443/powerautomate/automations/direct/"
    "workflows/aa11/triggers/manual/paths/invoke?api-version=1&sp=x&sig=abc",
)


def test_good_addresses():
    assert slack.check_address(f"  {GOOD_SLACK} ") == GOOD_SLACK
    for url in GOOD_TEAMS:
        assert teams.check_address(url) == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://hooks.slack.com/services/T01ABC/B02DEF", "not complete"),
        ("https://hooks.slack.com/", "not complete"),
        ("https://hooks.slack.com/triggers/T01/123/abc", "starts a workflow"),
        ("https://hooks.slack.com.evil.example/services/T/B/x", "not from Slack"),
        ("https://example.com/services/T/B/x", "not from Slack"),
        ("http://hooks.slack.com/services/T/B/x", "https://"),
        ("", "https://"),
    ],
)
def test_what_is_no_address_of_slack(url, why):
    with pytest.raises(ValidationError, match=why):
        slack.check_address(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://northstar.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d", "retired"),
        ("https://outlook.office.com/webhook/a@b/IncomingWebhook/c/d", "retired"),
        ("https://logic.azure.com.evil.example/workflows/a", "not the address of a workflow"),
        ("https://example.com/", "not the address of a workflow"),
        ("https://10.0.0.1/workflows/x", "not reachable"),
    ],
)
def test_what_is_no_address_of_teams(url, why):
    with pytest.raises(ValidationError, match=why):
        teams.check_address(url)


def test_retired_addresses_are_refused_everywhere(settings):
    settings.ALLOW_PRIVATE_WEBHOOKS = True
    with pytest.raises(ValidationError, match="retired"):
        teams.check_address("https://a.webhook.office.com/webhookb2/x")
    assert teams.check_address("http://127.0.0.1:8/x")


def test_of_an_address_the_host_and_four_characters_are_shown():
    assert shown_address(GOOD_SLACK) == "https://hooks.slack.com/…Z123"
    assert shown_address(GOOD_TEAMS[0]) == "https://prod-05.westeurope.logic.azure.com/…F-_1"


def test_each_app_has_what_contributing_asks_for():
    for key in APP_KEYS:
        assert sender_of(OTHER_APPS, key).key == key
        assert APPS[key].url.endswith(f"/add-{key}/")
        assert APPS[key].is_chat == (key in CHAT_KEYS)
    assert set(APPS) == set(APP_KEYS)
