"""What a browser would send back: the fields of a page's form with their values."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any


def _can_be_off(kind: str | None) -> bool:
    return kind in ("checkbox", "radio")


class FormReader(HTMLParser):
    """Collects the fields of every form of a page; the admin's are all of the one we want."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._select = self._textarea = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value")
        kind = given.get("type")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.fields[self._select] = value or ""
        elif tag == "textarea":
            self._textarea = name
            self.fields[name] = ""
        elif tag == "input" and name and kind != "submit":
            default = "on" if _can_be_off(kind) else ""
            value = default if value is None else value
            self._add_input(name, value, is_off=_can_be_off(kind) and "checked" not in given)

    def _add_input(self, name: str, value: str, *, is_off: bool) -> None:
        if not is_off:
            self.fields[name] = value

    def handle_data(self, data: str) -> None:
        if self._textarea:
            # HTML drops the line break that follows the tag.
            self.fields[self._textarea] += data.removeprefix("\r\n").removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""


def fields_of(answer: Any) -> dict[str, Any]:
    """Return the fields of the page; the empty row that scripts copy is left out."""
    found = FormReader(answer.content.decode()).fields
    return {name: value for name, value in found.items() if "__prefix__" not in name}
