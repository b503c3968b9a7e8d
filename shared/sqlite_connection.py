"""Connections to SQLite that end once, whoever ends them."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from typing import Any

import aiosqlite

CHUNK_ROWS = 64


class SqliteConnection(aiosqlite.Connection):
    """A connection that lets go of its locks when it ends, and ends once: a close given up and a stop after it meet.

    Of calls that are cancelled within a statement, SQLAlchemy closes the connection, and stops it where they are
    cancelled again. In aiosqlite 0.22 each puts an end of its own into the queue of the connection's thread, which
    stops at the first: whoever waits for the second waits for ever, and no process ends before its tasks. And SQLite
    keeps a closed connection, with its transaction and its lock, until the last cursor is gone, which a cancelled
    task's traceback holds until the next garbage collection: others' writes waited for seconds.
    """

    _end: asyncio.Future[Any] | None = None

    def stop(self) -> asyncio.Future[Any] | None:
        """Roll back and close in the thread, after what waits there, and end the thread. Returns what tells when."""
        if self._end is None:
            self._tx.put_nowait((None, self._let_go))
            self._end = super().stop()
        return self._end

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.rollback()

    async def close(self) -> None:
        """Close once what waits is done."""
        end = self.stop()
        if end is not None:
            # Others wait for it too: one who gives up must not take it from them.
            await asyncio.shield(end)


def connection(database: str, **options: Any) -> SqliteConnection:
    """Return what opens a database when it is awaited, with options of sqlite3.connect."""
    made = SqliteConnection(partial(sqlite3.connect, database, **options), CHUNK_ROWS)
    # As SQLAlchemy does with its own: a connection that nobody closed keeps no process from ending.
    made._thread.daemon = True
    return made
