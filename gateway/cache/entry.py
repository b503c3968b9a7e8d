"""One kept answer, and what any place that keeps answers can do."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import orjson

from shared.transcode.answer import Answer

OVERHEAD_BYTES = 512
"""What an entry takes beside question and body: names, headers, bookkeeping."""


class Key(NamedTuple):
    """What an answer depends on. Two questions with equal keys have the same answer."""

    method: str
    request: bytes
    media_type: str
    version: str
    subject: str
    roles: frozenset[str]
    permissions: frozenset[str]
    regions: frozenset[str] | None


@dataclass(slots=True)
class Entry:
    """An answer, when it was made and how long it holds, in seconds of the wall clock."""

    answer: Answer
    method: str
    stored_at: float
    seconds: int
    asked: int = 0
    """Bytes of the question, which lie with the answer."""
    hits: int = 0

    @property
    def expires_at(self) -> float:
        """Return when it holds no longer."""
        return self.stored_at + self.seconds

    @property
    def size(self) -> int:
        """Return the bytes it takes at most: its question, and its body, which may be kept compressed too."""
        return self.asked + 2 * len(self.answer.body) + OVERHEAD_BYTES


class Listed(NamedTuple):
    """What is told of an entry: all but what it says."""

    method: str
    media_type: str
    bytes: int
    """Length of its body."""
    stored_at: float
    seconds: int
    hits: int


def listed(entry: Entry) -> Listed:
    """Return what is told of an entry."""
    answer = entry.answer
    return Listed(
        entry.method, answer.media_type.decode("latin-1"), len(answer.body), entry.stored_at, entry.seconds, entry.hits
    )


@dataclass(slots=True)
class Contents:
    """What a store holds."""

    entries: int
    size: int
    listed: list[Listed] = field(default_factory=list)


class Store(Protocol):
    """Where entries are kept."""

    name: str

    def get(self, key: Key) -> Entry | Awaitable[Entry | None] | None:
        """Return the entry if there is one; awaited only where that is not known in this process."""

    async def put(self, key: Key, entry: Entry) -> None:
        """Keep an entry until it expires, or less long where room is short."""

    async def contents(self, most: int) -> Contents:
        """Return how much is kept, and up to `most` of the entries."""

    async def clear(self, method: str = "") -> int:
        """Return how many entries were forgotten: all, or those of one method."""


def packed(entry: Entry) -> bytes:
    """Return an entry as bytes: a line of JSON, then the body."""
    answer = entry.answer
    about = {
        "status": answer.status,
        "media_type": answer.media_type.decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.headers],
        "method": entry.method,
        "stored_at": entry.stored_at,
        "seconds": entry.seconds,
    }
    return orjson.dumps(about) + b"\n" + answer.body


def unpacked(content: bytes) -> Entry:
    """Return the entry in such bytes. Raises ValueError or KeyError when they are something else."""
    line, _, body = content.partition(b"\n")
    about = orjson.loads(line)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in about["headers"]]
    answer = Answer(about["status"], body, about["media_type"].encode("latin-1"), headers)
    return Entry(answer, about["method"], about["stored_at"], about["seconds"])


def outline(start: bytes, length: int) -> Listed | None:
    """Return what an entry in bytes says of itself, by its beginning; None when that is something else."""
    line, end, _ = start.partition(b"\n")
    try:
        about = orjson.loads(line)
        body = length - len(line) - len(end)
        return Listed(about["method"], about["media_type"], body, about["stored_at"], about["seconds"], 0)
    except (ValueError, KeyError, TypeError):
        return None
