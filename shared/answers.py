"""Answers kept for as long as what they were made from stands.

A table version never changes, so an answer made from one is good until it is crowded out; a new version has another
key. What a caller may see is part of the key, so that nobody is handed an answer made for somebody else's eyes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from shared.lake import Snapshot
from shared.page import exported_rows
from shared.policy import READ_PII
from shared.principal import Principal

T = TypeVar("T")


class Answers(Generic[T]):
    """At most `limit` answers by what they were made from, least recently used out first. Safe between threads."""

    def __init__(self, limit: int = 256) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def get(self, snapshot: Snapshot, caller: Principal, question: Hashable, make: Callable[[], T]) -> T:
        """Return the answer to `question` over this snapshot as this caller sees it, made now if it is new."""
        if exported_rows.get():
            return make()  # megabytes that hardly anybody asks for again
        view = (caller.may(READ_PII), caller.regions)
        key = (snapshot.table, snapshot.version, snapshot.files, snapshot.degraded, view, question)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        return made
