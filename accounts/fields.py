"""Form fields that several admin pages use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms


class LinesField(forms.CharField):
    """A list of texts, one a line. `clean_line` returns a line as it is stored, or raises."""

    def __init__(self, *, clean_line: Callable[[str], str] = str, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        super().__init__(widget=forms.Textarea(attrs={"rows": 4}), **kwargs)
        self._clean_line = clean_line

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        lines = [line.strip() for line in super().clean(value).splitlines()]
        return list(dict.fromkeys(self._clean_line(line) for line in lines if line))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)
