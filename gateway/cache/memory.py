"""Answers kept in this process, the least recently used forgotten first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice

from gateway.cache.entry import Contents, Entry, Key, listed

LARGEST_SHARE = 8
"""An answer that would take more than this part of all room is not kept."""


class MemoryStore:
    """Entries up to so many bytes together."""

    name = "memory"

    def __init__(self, most_bytes: int, clock: Callable[[], float] = time.time) -> None:
        self._most_bytes, self._clock = most_bytes, clock
        self._kept: OrderedDict[Key, Entry] = OrderedDict()
        self.size = 0

    def get(self, key: Key) -> Entry | None:
        """Return the entry if it still holds."""
        entry = self._kept.get(key)
        if entry is None:
            return None
        if entry.expires_at <= self._clock():
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        entry.hits += 1
        return entry

    async def put(self, key: Key, entry: Entry) -> None:
        """Keep an entry; whatever was used longest ago makes room for it."""
        if entry.size * LARGEST_SHARE > self._most_bytes:
            return
        if key in self._kept:
            self._forget(key)
        entry.answer.encoded = {}
        self._kept[key] = entry
        self.size += entry.size
        while self.size > self._most_bytes:
            self._forget(next(iter(self._kept)))

    async def contents(self, most: int) -> Contents:
        """Return how much is kept, and the entries used last."""
        return Contents(
            len(self._kept), self.size, [listed(entry) for entry in islice(reversed(self._kept.values()), most)]
        )

    async def clear(self, method: str = "") -> int:
        """Return how many entries were forgotten."""
        found = [key for key in self._kept if method in ("", key.method)]
        for key in found:
            self._forget(key)
        return len(found)

    def _forget(self, key: Key) -> None:
        self.size -= self._kept.pop(key).size
