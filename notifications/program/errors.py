"""What is wrong with a program file, and where."""

from __future__ import annotations

from collections.abc import Iterator


class ProgramError(Exception):
    """The file was refused and nothing was changed. `problems` are sentences with places."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Problems:
    """Collects every problem of a file, so that one reading shows them all."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, place: str, sentence: str) -> None:
        self._found.append(f"{place}: {sentence}" if place else sentence)

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def raise_if_any(self) -> None:
        if self._found:
            raise ProgramError(self._found)
