from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications.explain.chain import PEOPLE, Candidate, Chain, Fact, Step
from notifications.explain.story import load_chains, load_rejections
from notifications.management.commands.decisions import read_id
from notifications.text import plain
from partners.models import RejectedEvent

LABEL_WIDTH = 22


class Command(BaseCommand):
    help = (
        "Tell the whole story of one event: what happened, who it was, which action, whose "
        "lead or deal, who was told on which channel, and if not, why not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("message_id", metavar="MESSAGE_ID")

    def handle(self, **options: Any) -> None:
        message_id = read_id(options["message_id"]) or ""
        chains = load_chains(message_id, account=None)
        rejections = load_rejections(message_id)
        for chain in chains:
            for line in _story(chain):
                self.stdout.write(line.rstrip())
        for event in rejections:
            self.stdout.write(plain(_rejection(event)))
        if not chains:
            known = "It was refused, as shown above." if rejections else "It never arrived."
            raise CommandError(f"No accepted event has the message id “{message_id}”. {known}")


def _story(chain: Chain) -> Iterator[str]:
    yield plain(f"{chain.message_id}: {chain.headline}")
    for number, step in enumerate(chain.steps, start=1):
        yield ""
        yield from _step(number, step)
        if step.key == PEOPLE:
            for candidate in chain.candidates:
                yield from _candidate(candidate)
    yield ""
    if chain.outcome:
        yield f"Outcome: {chain.outcome.text}"
    if chain.answer:
        yield plain(chain.answer)
    yield ""


def _step(number: int, step: Step) -> Iterator[str]:
    mark = "  ← decided here" if step.decides else "" if step.reached else "  (not reached)"
    yield f"{number}. {step.title}{mark}"
    for fact in step.facts:
        yield plain(f"   {fact.label:<{LABEL_WIDTH}} {_value(fact)}")
    if step.key != PEOPLE:
        for finding in step.findings:
            yield f"   ✗ {finding}"


def _value(fact: Fact) -> str:
    return f"{timezone.localtime(fact.when):%Y-%m-%d %H:%M:%S %Z}" if fact.when else fact.text


def _candidate(candidate: Candidate) -> Iterator[str]:
    who = f"{candidate.who} <{candidate.email}>" if candidate.email else candidate.who
    account = f", {candidate.account}" if candidate.account and candidate.email else ""
    told = f"told. {candidate.told_as}".removesuffix(". ")
    verdict = told if candidate.told else f"not told: {candidate.reason}. {candidate.sentence}"
    yield plain(f"   {'✓' if candidate.told else '✗'} {who}{account}, {candidate.kind}: {verdict}")
    for sending in candidate.sendings:
        yield plain(f"       {sending.channel}: {sending.outcome.text}")
        for attempt in sending.tries:
            at = f"{timezone.localtime(attempt.at):%Y-%m-%d %H:%M:%S}"
            yield plain(f"         try {attempt.number}, {at}: {attempt.text}")


def _rejection(event: RejectedEvent) -> str:
    at = f"{timezone.localtime(event.received_at):%Y-%m-%d %H:%M:%S %Z}"
    return f"Refused {at} from {event.source}: {event.code}. {event.message}"
