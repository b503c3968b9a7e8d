"""CSV, record by record, so that one broken line costs one line."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator

Record = tuple[int, list[str]]
Reject = Callable[[int, str], None]

BAD_ENCODING, BAD_QUOTES = "bad_encoding", "bad_quotes"
WRONG_FIELD_COUNT, FIELD_TOO_LONG = "wrong_field_count", "field_too_long"


class _Feed:
    """Lines with their numbers, those of the record being read kept so that they can be read again."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._number = lines, 0
        self._again: deque[tuple[int, str]] = deque()
        self.taken: list[tuple[int, str]] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self._again:
            numbered = self._again.popleft()
        else:
            line = next(self._lines)
            self._number += 1
            numbered = (self._number, line)
        self.taken.append(numbered)
        return numbered[1]

    def drop_first(self) -> int:
        """Return the number of the record's first line, given up; the lines after it are read again."""
        number = self.taken[0][0]
        self._again.extendleft(reversed(self.taken[1:]))
        self.taken.clear()
        return number


def csv_records(lines: Iterator[str], delimiter: str, reject: Reject) -> Iterator[Record]:
    """Yield line number and fields of each record; the first is the header, and others have as many fields.

    A record that cannot be read, or has another number of fields, is given to `reject` by its first line; reading
    goes on with the line after that one, so that a lone quote does not swallow what follows.
    """
    feed, width = _Feed(lines), 0
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.taken.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reject(feed.drop_first(), FIELD_TOO_LONG if "field limit" in str(error) else BAD_QUOTES)
            reader = csv.reader(feed, delimiter=delimiter, strict=True)
            continue
        if not fields:
            continue
        if not all(_is_text(line) for _, line in feed.taken):
            reject(feed.drop_first(), BAD_ENCODING)
        elif width and len(fields) != width:
            reject(feed.drop_first(), WRONG_FIELD_COUNT)
        else:
            width = width or len(fields)
            yield feed.taken[0][0], fields


def _is_text(line: str) -> bool:
    if line.isascii():
        return "\0" not in line
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in line
