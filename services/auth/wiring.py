"""The parts of the auth service put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from services.auth.accounts import Accounts
from services.auth.keys import LocalKeys
from services.auth.parts import Parts
from services.auth.passwords import Passwords
from services.auth.revocations import following
from services.auth.sessions import Sessions
from services.auth.settings import AuthSettings
from services.auth.store import MIGRATIONS
from shared.db import Database
from shared.migrate import run_migrations
from shared.tokens import TokenSigner, TokenVerifier


@asynccontextmanager
async def opened(settings: AuthSettings) -> AsyncIterator[Parts]:
    """Yield the parts of the service over a migrated database, with everything closed at the end."""
    async with accounts(settings) as (database, book):
        keys = LocalKeys(settings.keys_dir)
        signer = TokenSigner(keys.newest, settings.issuer, settings.audience)
        async with following(database) as revocations:
            verifier = TokenVerifier(keys, settings.issuer, settings.audience, revocations)
            sessions = Sessions(database, signer, revocations)
            yield Parts(book, sessions, keys, revocations, verifier, settings.issuer, settings.audience)


@asynccontextmanager
async def accounts(settings: AuthSettings) -> AsyncIterator[tuple[Database, Accounts]]:
    """Yield the database, migrated, and the accounts in it."""
    await run_migrations(settings.store_url, MIGRATIONS)
    database = Database(settings.store_url)
    try:
        with closing(Passwords()) as passwords:
            yield database, Accounts(database, passwords, settings.registration)
    finally:
        await database.close()
