"""Rows kept in memory, least recently used out first, bounded by their bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

import pyarrow as pa


class TableMemory:
    """Arrow tables by what they were read from. Safe to share between threads."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0
        self._tables: OrderedDict[Hashable, pa.Table] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, read: Callable[[], pa.Table]) -> pa.Table:
        """Return the table kept under `key`, read now where it is not."""
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
                return self._tables[key]
        table = read()
        self._keep(key, table)
        return table

    def _keep(self, key: Hashable, table: pa.Table) -> None:
        with self._lock:
            if table.nbytes > self.limit_bytes or key in self._tables:
                return
            self._tables[key] = table
            self.held_bytes += table.nbytes
            while self.held_bytes > self.limit_bytes:
                self.held_bytes -= self._tables.popitem(last=False)[1].nbytes
