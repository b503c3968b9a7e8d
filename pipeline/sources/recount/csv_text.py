"""CSV told apart by hand: quotes, fields, records, and lines that are none."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

QUOTED = re.compile(r'"((?:[^"]|"")*+)"(?!")')
LONGEST = 131_072
ENDS = "\r\n"
Row = tuple[int, Sequence[str] | None]
"""Number of the line a record begins at, and its fields; None: it cannot be read."""


class _Open(Exception):
    """A quote is not closed yet."""


class _Broken(Exception):
    """A text that is no record."""


def rows(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    """Yield the records of a CSV text, the header first; a line that begins no record costs that line alone."""
    numbered, again = enumerate(lines, 1), deque[tuple[int, str]]()
    width = 0
    while True:
        taken = [again.popleft()] if again else [each for each in [next(numbered, None)] if each]
        if not taken:
            return
        if not taken[0][1].strip(ENDS):
            continue
        fields = _record(taken, numbered, again, delimiter)
        if fields is not None and (not width or len(fields) == width):
            width = len(fields)
            yield taken[0][0], fields
        else:
            again.extendleft(reversed(taken[1:]))
            yield taken[0][0], None


def _record(
    taken: list[tuple[int, str]], numbered: Iterator[tuple[int, str]], again: deque[tuple[int, str]], delimiter: str
) -> list[str] | None:
    """Return the fields of the record that begins with the line taken, having taken those it goes on in."""
    text = taken[0][1]
    while True:
        try:
            found = _fields(text, delimiter)
        except _Broken:
            return None
        except _Open:
            more = _up_to_a_quote(len(text), taken, numbered, again)
            if not more:
                return None
            text += more
            continue
        return found if _is_text(text) and max(map(len, found)) <= LONGEST else None


def _up_to_a_quote(
    length: int, taken: list[tuple[int, str]], numbered: Iterator[tuple[int, str]], again: deque[tuple[int, str]]
) -> str:
    """Take lines as far as the next that has a quote, which alone can end a field; empty where none does in time."""
    more: list[str] = []
    while length <= 2 * LONGEST:
        line = again.popleft() if again else next(numbered, None)
        if line is None:
            break
        taken.append(line)
        more.append(line[1])
        length += len(line[1])
        if '"' in line[1]:
            return "".join(more)
    return ""


def _fields(text: str, delimiter: str) -> list[str]:
    if '"' not in text:
        return text.rstrip(ENDS).split(delimiter)
    found, at = [], 0
    while True:
        if text.startswith('"', at):
            quoted = QUOTED.match(text, at)
            if quoted is None:
                raise _Open
            found.append(quoted[1].replace('""', '"'))
            at = quoted.end()
        else:
            end = text.find(delimiter, at)
            found.append(text[at : len(text) if end < 0 else end].rstrip(ENDS))
            at = len(text) if end < 0 else end
        if not text[at:].strip(ENDS):
            return found
        if not text.startswith(delimiter, at):
            raise _Broken
        at += len(delimiter)


def _is_text(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in ([] if text.isascii() else text))
