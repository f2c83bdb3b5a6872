import json
from datetime import UTC, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from notifications.decision_log import decision_lines

COLUMNS = ("message_id", "kind", "trigger", "account", "user", "outcome", "reason")
WIDTHS = (26, 6, 18, 16, 30, 7, 24)


class Command(BaseCommand):
    help = (
        "Print who was told about what, and if not, why not: one line per decision, oldest "
        "first. An event that no trigger matched has none. Lines without an account are for "
        "the vendor's eyes only."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--jsonl", action="store_true", help="one JSON object per line")
        parser.add_argument("--message-id", metavar="ID", help="only about this event")
        parser.add_argument(
            "--since",
            metavar="TIME",
            help="only decisions made at or after this time: 2026-01-31 or "
            "2026-01-31T10:00:00Z; without an offset in the zone of this instance",
        )

    def handle(self, **options: Any) -> None:
        since = read_time(options["since"]) if options["since"] is not None else None
        lines = decision_lines(message_id=read_id(options["message_id"]), since=since)
        if options["jsonl"]:
            for line in lines:
                self.stdout.write(json.dumps(line))
            return
        self.stdout.write(_columns(COLUMNS) + "  deliveries")
        for line in lines:
            sent = ", ".join(f"{d['channel']} {d['state']}" for d in line["deliveries"])
            values = tuple(str(line[name] or "-") for name in COLUMNS)
            self.stdout.write(f"{_columns(values)}  {sent or '-'}")


def _columns(values: tuple[str, ...]) -> str:
    return "  ".join(value.ljust(width) for value, width in zip(values, WIDTHS, strict=True))


def read_id(text: str | None) -> str | None:
    """Return the message id as it is stored. Raises CommandError for an impossible one."""
    if text is None:
        return None
    if not text.strip() or not text.strip().isprintable():
        raise CommandError("A message id is 1 to 255 printable characters.")
    return text.strip()


def read_time(text: str) -> datetime:
    """Return an aware time. Raises CommandError with a sentence for anything else."""
    try:
        when = parse_datetime(text.strip())
        day = None if when else parse_date(text.strip())
        if day:
            when = datetime.combine(day, time.min)
        if when is None:
            raise ValueError(text)
        return (when if when.tzinfo else timezone.make_aware(when)).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"“{text}” is not a time. Write it like 2026-01-31 or 2026-01-31T10:00:00Z."
        raise CommandError(message) from None
