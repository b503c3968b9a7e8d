"""A YAML file with the line of every key; doubled keys and aliases, which plain YAML lets pass, are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from shared.errors import FieldError, InvalidArgument

Key = tuple[str, ...]
NULL_TAG = "tag:yaml.org,2002:null"
LARGEST = 1_000_000


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a mapping file: the line, the key and what to do."""

    line: int
    key: str
    detail: str


class MappingInvalid(InvalidArgument):
    """A mapping file cannot be used; every problem is told at once."""

    reason = "MAPPING_INVALID"

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        """Say each problem as `file:line: key: what is wrong and what to do`."""
        told = sorted(set(problems))
        sentences = [f"{path}:{each.line}: {each.key + ': ' if each.key else ''}{each.detail}" for each in told]
        super().__init__("; ".join(sentences), errors=[FieldError(each.key, each.detail) for each in told])
        self.problems = tuple(told)


@dataclass(slots=True)
class Document:
    """The content of a YAML file, every scalar as the text it is written as, and where each key stands."""

    path: Path
    content: Any = None
    lines: dict[Key, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, key: Sequence[object], detail: str) -> Problem:
        """Return a problem with a key, at the line of the key or of the nearest one above it that is there."""
        path = tuple(map(str, key))
        known = next((path[:n] for n in range(len(path), -1, -1) if path[:n] in self.lines), ())
        return Problem(self.lines.get(known, 1), ".".join(path), detail)


def read_document(path: Path) -> Document:
    """Return a YAML file read. Raises MappingInvalid."""
    document = Document(path)
    try:
        if path.stat().st_size > LARGEST:
            raise MappingInvalid(path, [Problem(1, "", f"has more than {LARGEST:,} bytes; is it a mapping?")])
        node = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise MappingInvalid(
            path, [Problem(1, "", f"cannot be read: {why}; `python -m pipeline csv-suggest DIR` proposes one")]
        ) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MappingInvalid(
            path, [Problem(line, "", f"is no YAML: {error.problem}; mind indents and quotes")]
        ) from error
    document.content = _content(document, node, (), set())
    return document


def _content(document: Document, node: yaml.Node | None, key: Key, seen: set[int]) -> Any:
    if node is None:
        return None
    if id(node) in seen:
        document.problems.append(document.problem(key, "is an alias (*name); write it out"))
        return None
    seen.add(id(node))
    document.lines.setdefault(key, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, node, key, seen)
    if isinstance(node, yaml.SequenceNode):
        return [_content(document, each, (*key, str(nth)), seen) for nth, each in enumerate(node.value)]
    return None if node.tag == NULL_TAG else node.value


def _mapping(document: Document, node: yaml.MappingNode, key: Key, seen: set[int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name_node, value in node.value:
        name = str(name_node.value)
        line = name_node.start_mark.line + 1
        if name in found:
            first = document.lines[(*key, name)]
            document.problems.append(
                Problem(line, ".".join((*key, name)), f"stands twice, first in line {first}; keep one")
            )
            continue
        document.lines[(*key, name)] = line
        found[name] = _content(document, value, (*key, name), seen)
    return found
