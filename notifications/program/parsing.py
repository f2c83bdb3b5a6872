"""A program file's bytes → plain Python values. YAML or JSON; no key twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from notifications.program.errors import ProgramError

# libyaml, where PyYAML was built with it: ten times faster on a long list of leads.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_DEPTH = 100


def read_document(path: Path) -> object:
    """Return what the file holds. Raises ProgramError with a sentence."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ProgramError([f"{path}: {error.strerror or error}."]) from error
    except UnicodeDecodeError as error:
        raise ProgramError([f"{path}: not UTF-8 text (byte {error.start})."]) from error
    return parse(text, only_json=path.suffix.lower() == ".json")


def parse(text: str, *, only_json: bool = False) -> object:
    """Return the document in `text`. Raises ProgramError."""
    if not text.strip():
        raise ProgramError(["The file is empty."])
    try:
        if only_json or text.lstrip()[0] in "{[":
            return _from_json(text, only_json)
        return _from_yaml(text)
    except (ValueError, TypeError) as error:
        raise ProgramError([f"The file cannot be read: {error}."]) from error
    except RecursionError as error:
        raise ProgramError(["The file is nested too deeply."]) from error


def _from_json(text: str, only_json: bool) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        if not only_json:  # YAML may begin with a brace, too.
            return _from_yaml(text)
        raise ProgramError([f"line {error.lineno}: {error.msg}."]) from error


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ProgramError([f"The key {key!r} stands twice in one mapping."])
        found[key] = value
    return found


class _Loader(_Base):
    """PyYAML's safe loader with one difference, below."""


def _timestamp(loader: Any, node: Any) -> object:
    """A date as a date; one that is none (month 13) as its text, to be refused in place."""
    try:
        return yaml.constructor.SafeConstructor.construct_yaml_timestamp(loader, node)
    except (ValueError, OverflowError):
        return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _timestamp)


def _from_yaml(text: str) -> object:
    try:
        _check_depth(text)
        loader = _Loader(text)
        node = loader.get_single_node()
        problems = list(_twice(node, set()))
        if problems:
            raise ProgramError(problems)
        return None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}: " if mark else ""
        raise ProgramError([f"{place}{error.problem or error.context}."]) from error
    except yaml.YAMLError as error:
        raise ProgramError([f"The file is not YAML: {str(error).splitlines()[0]}."]) from error


def _check_depth(text: str) -> None:
    """libyaml's composer recurses without a limit, and would take the process with it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise RecursionError


def _twice(node: Any, visited: set[int]) -> Iterator[str]:
    """Yield a sentence for each key that stands twice: PyYAML would keep the last one."""
    if id(node) in visited or not isinstance(node, yaml.CollectionNode):
        return
    visited.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _twice(item, visited)
        return
    seen: set[str] = set()
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value in seen:
            yield f"line {key.start_mark.line + 1}: the key {key.value!r} stands twice."
        seen.add(key.value if isinstance(key, yaml.ScalarNode) else "")
        yield from _twice(value, visited)
