"""Names and values as text, of a query string or a form → values of a message's fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from google.protobuf.descriptor import FieldDescriptor

from shared.errors import FieldError, InvalidArgument
from shared.transcode import fields as f
from shared.transcode.contract import ContractError

MAX_PAIRS = 200
WHOLE = re.compile(r"-?\d{1,20}", re.ASCII)
REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
Parse = Callable[[str], Any]


@dataclass(frozen=True)
class Pairs:
    """What reads the pairs of one method."""

    known: Mapping[str, tuple[Parse, bool]]
    """Name → what makes a value of its text, and whether it may come several times."""
    refused: frozenset[str] = frozenset()
    """Fields of the request that belong elsewhere, and are not ignored here where unknown names are."""
    tolerant: bool = False
    """Ignore unknown names and empty values, as RFC 6749 (3.1, 3.2) asks of its endpoints."""

    def read(self, text: bytes) -> dict[str, Any]:
        """Return the values by field. Raises InvalidArgument naming each wrong one."""
        values: dict[str, Any] = {}
        wrong: list[FieldError] = []
        seen: set[str] = set()
        for name, value in split(text):
            fault = self._fault(name, seen)
            seen.add(name)
            if fault:
                wrong.append(FieldError(name, fault))
            elif name in self.known and (value or not self.tolerant):
                self._add(values, name, value)
        if wrong:
            raise invalid(wrong)
        return values

    def _fault(self, name: str, seen: set[str]) -> str:
        repeatable = name in self.known and self.known[name][1]
        if name in seen and not repeatable:
            return "is given more than once"
        ignored = self.tolerant and name not in self.refused
        return "" if name in self.known or ignored else "is not a parameter of this endpoint"

    def _add(self, values: dict[str, Any], name: str, text: str) -> None:
        parse, repeated = self.known[name]
        if repeated:
            values.setdefault(name, []).append(parse(text))
        else:
            values[name] = parse(text)


def known(fields: Iterable[FieldDescriptor]) -> dict[str, tuple[Parse, bool]]:
    """Return what `Pairs` needs to know of some fields."""
    return {field.name: (parser(field), field.is_repeated) for field in fields}


def split(text: bytes) -> list[tuple[str, str]]:
    """Return the names and values. Raises InvalidArgument when they are not UTF-8 or too many."""
    try:
        return parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PAIRS)
    except ValueError:
        raise InvalidArgument(f"the parameters are not UTF-8, or over {MAX_PAIRS}") from None


def invalid(errors: list[FieldError]) -> InvalidArgument:
    """Return the error of a request with wrong fields."""
    names = ", ".join(dict.fromkeys(error.field for error in errors if error.field))[:200]
    return InvalidArgument(f"the request has wrong fields: {names}; see `errors`", errors=errors)


def parser(field: FieldDescriptor) -> Parse:
    """Return what makes a value of text; text it cannot read stays text, for validation to refuse."""
    kind = field.message_type
    if kind is not None and kind.full_name in f.WRAPPERS:
        return parser(kind.fields_by_name["value"])
    if kind is not None and kind.full_name not in (f.TIMESTAMP, f.DURATION):
        raise ContractError(f"{field.full_name}: a {kind.full_name} cannot stand in a path or query; use the body")
    if field.cpp_type in f.INTEGERS:
        return lambda text: int(text) if WHOLE.fullmatch(text) else text
    if field.cpp_type in f.FLOATS:
        return lambda text: float(text) if REAL.fullmatch(text) else text
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return lambda text: {"true": True, "false": False}.get(text, text)
    return str
