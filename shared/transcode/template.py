"""Path templates of google.api.http: literal segments and `{field}`, each holding one segment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)(?:=\*)?\}")


class BadTemplate(ValueError):
    """A path template this platform does not support."""


@dataclass(frozen=True)
class PathTemplate:
    """A path with its fields, such as `/api/v1/analytics/{system}/tables`."""

    text: str
    fields: tuple[str, ...]
    pattern: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> PathTemplate:
        """Return the template of a path. Raises BadTemplate for wildcards over several segments."""
        literal = VARIABLE.sub("", text)
        if not text.startswith("/") or set(literal) & set("{}*:"):
            raise BadTemplate(f"{text!r}: only literal segments and {{field}} are supported")
        pieces = [re.escape(piece) for piece in VARIABLE.split(text)[::2]]
        return cls(VARIABLE.sub(r"{\1}", text), tuple(VARIABLE.findall(text)), re.compile("([^/]+)".join(pieces)))

    @property
    def shape(self) -> str:
        """Return the path with its fields unnamed; two templates of one shape are the same place."""
        return VARIABLE.sub("{}", self.text)

    def match(self, path: str) -> dict[str, str] | None:
        """Return the fields of a still percent-encoded path, or None when it is another path."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        return {name: unquote(value) for name, value in zip(self.fields, found.groups(), strict=True)}
