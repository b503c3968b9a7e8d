"""The parts of the auth service put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass

from services.auth.accounts import Accounts
from services.auth.api_keys import ApiKeys
from services.auth.audit_log import AuditLog
from services.auth.breached import Breached
from services.auth.broadcast import Alone, Broadcast, RedisBroadcast
from services.auth.keys import LocalKeys
from services.auth.letters import Letters, writing
from services.auth.mfa.factors import Mfa
from services.auth.oauth.clients import Clients
from services.auth.oauth.codes import Codes
from services.auth.oauth.consents import Consents
from services.auth.oauth.server import OAuth
from services.auth.parts import Parts
from services.auth.password_rules import PasswordRules
from services.auth.passwords import Passwords
from services.auth.post import Nowhere, Post
from services.auth.profile import Profile
from services.auth.recovery import Recovery
from services.auth.revocations import LocalRevocations, following
from services.auth.sessions import Sessions
from services.auth.settings import AuthSettings
from services.auth.store import MIGRATIONS
from services.auth.users import Users
from shared.db import Database
from shared.mail.opened import open_mailer
from shared.migrate import run_migrations
from shared.seal import Seal
from shared.tokens import TokenSigner, TokenVerifier


@dataclass(frozen=True)
class Ground:
    """What everything else stands on."""

    settings: AuthSettings
    database: Database
    passwords: Passwords
    rules: PasswordRules

    def accounts(self, post: Post) -> Accounts:
        """Return the accounts."""
        known = self.settings
        return Accounts(
            self.database,
            self.passwords,
            known.registration,
            rules=self.rules,
            post=post,
            require_verified=known.require_verified_email,
        )


@asynccontextmanager
async def opened(settings: AuthSettings) -> AsyncIterator[Parts]:
    """Yield the parts of the service over a migrated database, with everything closed at the end."""
    async with AsyncExitStack() as stack:
        ground = await stack.enter_async_context(grounded(settings))
        mailer = await stack.enter_async_context(open_mailer(settings))
        letters = await stack.enter_async_context(writing(Letters(ground.database, mailer, settings.issuer)))
        revocations = await stack.enter_async_context(following(ground.database, broadcast(settings)))
        parts = put_together(ground, letters, revocations)
        await stack.enter_async_context(tended(parts.keys))
        await parts.oauth.prepare()
        yield parts


def broadcast(settings: AuthSettings) -> Broadcast:
    """Return how replicas reach each other."""
    known = settings.redis_url
    return RedisBroadcast(known, f"revocations:{settings.issuer}") if known else Alone()


def put_together(ground: Ground, letters: Letters, revocations: LocalRevocations) -> Parts:
    """Return the parts over what is open."""
    settings, database, passwords, rules = ground.settings, ground.database, ground.passwords, ground.rules
    keys = LocalKeys(settings.keys_dir, rotation=settings.rotation)
    signer = TokenSigner(keys, settings.issuer, settings.audience)
    verifier = TokenVerifier(keys, settings.issuer, settings.audience, revocations)
    accounts = ground.accounts(letters)
    sessions = Sessions(database, signer, revocations, second_factor_roles=settings.require_mfa_roles)
    oauth = OAuth(
        Clients(database),
        Codes(database, sessions),
        Consents(database, revocations),
        sessions,
        accounts,
        verifier=verifier,
        revocations=revocations,
        signer=signer,
        issuer=settings.issuer,
        password_grant=settings.oauth_password_grant,
    )
    seal = Seal.of_file(settings.secrets_dir / "mfa.key")
    return Parts(
        accounts=accounts,
        profile=Profile(database, accounts, revocations, passwords, rules, letters),
        users=Users(database, revocations, letters),
        api_keys=ApiKeys(database, signer, revocations, sessions.lacks_second_factor),
        audit_log=AuditLog(database),
        recovery=Recovery(database, revocations, passwords, rules, letters),
        letters=letters,
        sessions=sessions,
        keys=keys,
        revocations=revocations,
        verifier=verifier,
        oauth=oauth,
        mfa=Mfa(database, accounts, sessions, seal=seal, issuer=settings.mfa_issuer),
        passwords=passwords,
        issuer=settings.issuer,
        audience=settings.audience,
    )


@asynccontextmanager
async def tended(keys: LocalKeys) -> AsyncIterator[None]:
    """Have the signing keys replaced and withdrawn in time, meanwhile."""
    task = asyncio.create_task(keys.run(), name="signing keys")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def grounded(settings: AuthSettings) -> AsyncIterator[Ground]:
    """Yield the migrated database and what checks passwords."""
    rules = PasswordRules(Breached(settings.breached_passwords))
    async with store(settings) as database:
        with closing(Passwords()) as passwords:
            yield Ground(settings, database, passwords, rules)


@asynccontextmanager
async def store(settings: AuthSettings) -> AsyncIterator[Database]:
    """Yield the database, migrated."""
    await run_migrations(settings.store_url, MIGRATIONS)
    database = Database(settings.store_url)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def accounts(settings: AuthSettings) -> AsyncIterator[tuple[Database, Accounts]]:
    """Yield the database, migrated, and the accounts in it, for commands at a shell."""
    async with grounded(settings) as ground:
        yield ground.database, ground.accounts(Nowhere())
