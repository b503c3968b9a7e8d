"""The gateway's store, migrated and opened when it is first needed."""

from __future__ import annotations

import asyncio

from gateway.store import MIGRATIONS
from shared.db import Database
from shared.migrate import run_migrations


class Store:
    """One database for all that asks for it; closed with `close()`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._database: Database | None = None
        self._opening = asyncio.Lock()

    async def database(self) -> Database:
        """Return the database at its newest revision. Raises StoreUnavailable or MigrationLocked."""
        async with self._opening:
            if self._database is None:
                await run_migrations(self._url, MIGRATIONS)
                self._database = Database(self._url)
        return self._database

    async def close(self) -> None:
        """Close the database if it was opened."""
        if self._database is not None:
            await self._database.close()
