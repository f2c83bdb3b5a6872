from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from partners.keys import create_write_key
from partners.origins import clean_origin

MAX_NAME_LENGTH = 100


class Command(BaseCommand):
    help = "Make a write key and print it, once, alone on the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="what sends events with it, such as Website")
        parser.add_argument(
            "--origin",
            action="append",
            default=[],
            metavar="URL",
            help="a website that may use the key in a browser; repeat it; without it: all",
        )

    def handle(self, *, name: str, origin: list[str], **_options: Any) -> None:
        name = name.strip()
        if not 0 < len(name) <= MAX_NAME_LENGTH or not name.isprintable():
            raise CommandError(f"A name has 1 to {MAX_NAME_LENGTH} printable characters.")
        _, key = create_write_key(name, origins=[_origin(url) for url in origin])
        self.stdout.write(f"Write key for {name}. It is shown only now:")
        self.stdout.write(key)


def _origin(url: str) -> str:
    try:
        return clean_origin(url)
    except ValueError as error:
        raise CommandError(
            f"{url!r} is not an origin such as https://www.vendor.example."
        ) from error
