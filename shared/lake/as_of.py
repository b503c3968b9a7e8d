"""Which state of a table is asked for: a version, or a moment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from shared.errors import FieldError, InvalidArgument, OutOfRange

_FORMS = "a version (7), a date (2017-06-30: the end of that day, UTC) or an RFC 3339 time (2017-06-30T12:00:00Z)"
_VERSION = re.compile(r"[0-9]{1,18}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+([Zz]|[+-][0-9]{2}:[0-9]{2})")


class InvalidAsOf(InvalidArgument):
    """`as_of` is neither a version nor a moment."""

    reason = "INVALID_AS_OF"


class AsOfOutOfRange(OutOfRange):
    """The table has no state that old, or no such version."""

    reason = "AS_OF_OUT_OF_RANGE"


@dataclass(frozen=True, slots=True)
class AsOf:
    """Exactly one of a version and a moment (UTC): the last commit at or before it."""

    version: int | None = None
    moment: datetime | None = None

    def __str__(self) -> str:
        return str(self.version) if self.moment is None else zulu(self.moment)


def zulu(moment: datetime) -> str:
    """Return a UTC moment in RFC 3339, cut to milliseconds as the log has them."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_as_of(text: str) -> AsOf | None:
    """Return what `text` asks for, None for the newest (an empty text); raises InvalidAsOf."""
    text = text.strip()
    if not text:
        return None
    if _VERSION.fullmatch(text):
        return AsOf(version=int(text))
    try:
        return AsOf(moment=_moment(text))
    except (ValueError, OverflowError):
        raise InvalidAsOf(
            f"as_of {text[:40]!r} is not {_FORMS}", errors=[FieldError("as_of", f"must be {_FORMS}")]
        ) from None


def _moment(text: str) -> datetime:
    if _DATE.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    if not _MOMENT.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text.upper()).astimezone(UTC)
