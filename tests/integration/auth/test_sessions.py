"""Refresh tokens and their sessions over a real database."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import func, text
from sqlmodel import select

from services.auth.accounts import Account, AccountDisabled, Accounts
from services.auth.refresh_tokens import GRACE, hash_token
from services.auth.revocations import KEEP_ENDED, LocalRevocations, following
from services.auth.sessions import InvalidRefreshToken, RefreshTokenReused, SessionNotFound, SessionRequired, Sessions
from services.auth.store import RefreshTokenRow, RevocationRow, SessionRow, UserRoleRow, UserRow, now
from shared import client
from shared.client import Arrival
from shared.db import Database
from shared.principal import Principal
from shared.tokens import TokenRevoked, TokenSigner, TokenVerifier
from tests.integration.auth.conftest import PASSWORD
from tests.unit.shared.forge import Forge, Keys

START = datetime(2026, 11, 21, tzinfo=UTC)


class Calendar:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def ada(accounts: Accounts) -> Account:
    return await accounts.create("ada@example.com", PASSWORD, "Ada", ["analyst"], ["Kent"])


@pytest.fixture
def verifier(forge: Forge, revocations: LocalRevocations) -> TokenVerifier:
    return TokenVerifier(Keys([forge]), "https://shop.example.com", "shop-insight", revocations)


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def counted(database: Database, signer: TokenSigner, revocations: LocalRevocations, calendar: Calendar) -> Sessions:
    """Sessions whose time the test decides."""
    return Sessions(database, signer, revocations, calendar)


async def count(database: Database, table: type) -> int:
    async with database.session() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def test_a_login_gives_a_token_of_who_logged_in(
    sessions: Sessions, verifier: TokenVerifier, ada: Account
) -> None:
    tokens = await sessions.open(ada)
    principal = await verifier.verify(tokens.access_token)
    assert (principal.subject, principal.roles, principal.regions) == (ada.id, {"analyst"}, {"Kent"})
    assert (tokens.expires_in, tokens.refresh_expires_in) == (900, 14 * 86_400)


async def test_a_refresh_token_is_stored_only_as_its_hash(sessions: Sessions, database: Database, ada: Account) -> None:
    tokens = await sessions.open(ada)
    async with database.session() as session:
        assert list(await session.scalars(select(RefreshTokenRow.token_hash))) == [hash_token(tokens.refresh_token)]
    assert tokens.refresh_token not in repr(tokens)


async def test_a_refresh_rotates_within_one_session(sessions: Sessions, verifier: TokenVerifier, ada: Account) -> None:
    first = await sessions.open(ada)
    second = await sessions.refresh(first.refresh_token)
    third = await sessions.refresh(second.refresh_token)
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    sids = {(await verifier.verify(tokens.access_token)).session_id for tokens in (first, second, third)}
    assert len(sids) == 1


async def test_a_refresh_token_is_256_random_bits_that_no_other_has(sessions: Sessions, ada: Account) -> None:
    tokens = {(await sessions.open(ada)).refresh_token for _ in range(8)}
    drawn = [base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)) for token in tokens]
    assert len(drawn) == 8
    assert {len(bits) for bits in drawn} == {32}
    # No place in them is the same each time: 8 of 256 values are alike once in 10^16.
    assert all(len({bits[place] for bits in drawn}) > 1 for place in range(32))


async def test_a_spent_refresh_token_revokes_its_family(
    sessions: Sessions, verifier: TokenVerifier, ada: Account
) -> None:
    first, other = await sessions.open(ada), await sessions.open(ada)
    second = await sessions.refresh(first.refresh_token)
    third = await sessions.refresh(second.refresh_token)
    await verifier.verify(third.access_token)
    with pytest.raises(RefreshTokenReused):
        await sessions.refresh(first.refresh_token)
    for token in (first, second, third):
        with pytest.raises(InvalidRefreshToken):
            await sessions.refresh(token.refresh_token)
    for dead in (first, second, third):
        with pytest.raises(Exception, match="has ended"):
            await verifier.verify(dead.access_token)
    await verifier.verify(other.access_token)
    await sessions.refresh(other.refresh_token)


async def test_a_token_sent_twice_within_the_grace_has_one_and_the_same_successor(
    calendar: Calendar, counted: Sessions, database: Database, ada: Account
) -> None:
    token = (await counted.open(ada)).refresh_token
    first = await counted.refresh(token)
    calendar.now += GRACE
    again = await counted.refresh(token)
    assert again.refresh_token == first.refresh_token
    assert await count(database, RefreshTokenRow) == 2
    assert (await counted.refresh(again.refresh_token)).refresh_token != first.refresh_token


async def test_after_the_grace_a_spent_token_revokes_its_family(
    calendar: Calendar, counted: Sessions, ada: Account
) -> None:
    token = (await counted.open(ada)).refresh_token
    following = await counted.refresh(token)
    calendar.now += GRACE + timedelta(microseconds=1)
    with pytest.raises(RefreshTokenReused):
        await counted.refresh(token)
    with pytest.raises(InvalidRefreshToken):
        await counted.refresh(following.refresh_token)


async def test_within_the_grace_a_token_whose_successor_was_used_revokes_its_family(
    calendar: Calendar, counted: Sessions, ada: Account
) -> None:
    token = (await counted.open(ada)).refresh_token
    following = await counted.refresh(token)
    last = await counted.refresh(following.refresh_token)
    with pytest.raises(RefreshTokenReused):
        await counted.refresh(token)
    with pytest.raises(InvalidRefreshToken):
        await counted.refresh(last.refresh_token)


async def test_what_is_stored_opens_no_session(calendar: Calendar, counted: Sessions, database: Database, ada: Account):
    token = (await counted.open(ada)).refresh_token
    tokens = [token]
    for _ in range(3):
        tokens.append((await counted.refresh(tokens[-1])).refresh_token)
    async with database.session() as session:
        rows = list(await session.scalars(select(RefreshTokenRow)))
    stored = " ".join(f"{row.token_hash} {row.sealed_successor}" for row in rows)
    assert not any(one in stored or one.encode().hex() in stored for one in tokens)
    # Only the newest pair is sealed: an old token opens nothing that follows from it.
    assert [row.token_hash for row in rows if row.sealed_successor] == [hash_token(tokens[-2])]


@pytest.mark.parametrize("seed", range(5))
async def test_a_hundred_parallel_refreshes_of_one_token_have_one_successor(
    sessions: Sessions, database: Database, ada: Account, seed: int
) -> None:
    token, shuffled = (await sessions.open(ada)).refresh_token, Random(seed)

    async def late() -> str:
        for _ in range(shuffled.randrange(20)):
            await asyncio.sleep(0)
        return (await sessions.refresh(token)).refresh_token

    assert len(set(await asyncio.gather(*(late() for _ in range(100))))) == 1
    assert await count(database, RefreshTokenRow) == 2
    assert await count(database, RevocationRow) == 0


@pytest.mark.parametrize("seed", range(5))
async def test_a_hundred_parallel_reuses_revoke_the_family_once(
    sessions: Sessions, database: Database, ada: Account, seed: int
) -> None:
    token = (await sessions.open(ada)).refresh_token
    await sessions.refresh((await sessions.refresh(token)).refresh_token)
    outcomes = await asyncio.gather(*(sessions.refresh(token) for _ in range(100)), return_exceptions=True)
    assert {type(one) for one in outcomes} <= {RefreshTokenReused, InvalidRefreshToken}
    assert RefreshTokenReused in {type(one) for one in outcomes}
    assert await count(database, RevocationRow) == 1


@pytest.mark.parametrize("token", ["", "x", "not-a-token", "ü\ud800", "a" * 512])
async def test_an_unknown_refresh_token_is_refused(sessions: Sessions, token: str) -> None:
    with pytest.raises(InvalidRefreshToken):
        await sessions.refresh(token)


async def test_an_access_token_is_no_refresh_token(sessions: Sessions, ada: Account) -> None:
    with pytest.raises(InvalidRefreshToken):
        await sessions.refresh((await sessions.open(ada)).access_token)


async def test_a_disabled_user_cannot_refresh(sessions: Sessions, database: Database, ada: Account) -> None:
    tokens = await sessions.open(ada)
    async with database.transaction() as session:
        (await session.get_one(UserRow, ada.id)).disabled_at = now()
    with pytest.raises(AccountDisabled):
        await sessions.refresh(tokens.refresh_token)


async def test_changed_roles_arrive_with_the_next_refresh(
    sessions: Sessions, database: Database, verifier: TokenVerifier, ada: Account
) -> None:
    tokens = await sessions.open(ada)
    async with database.transaction() as session:
        session.add(UserRoleRow(user_id=ada.id, role="viewer"))
    tokens = await sessions.refresh(tokens.refresh_token)
    assert (await verifier.verify(tokens.access_token)).roles == {"analyst", "viewer"}


async def test_an_account_given_a_new_password_and_roles_loses_its_sessions_and_tokens(
    sessions: Sessions, accounts: Accounts, revocations: LocalRevocations, verifier: TokenVerifier, ada: Account
) -> None:
    tokens = await sessions.open(ada)
    await accounts.put("ada@example.com", "another-Quiet-heron-7", "Ada", ["viewer"])
    with pytest.raises(InvalidRefreshToken):
        await sessions.refresh(tokens.refresh_token)
    await revocations.poll()
    with pytest.raises(TokenRevoked):
        await verifier.verify(tokens.access_token)


async def test_a_session_slides_fourteen_days_and_ends_after_ninety(
    database: Database, signer: TokenSigner, revocations: LocalRevocations, ada: Account
) -> None:
    calendar = Calendar()
    sessions = Sessions(database, signer, revocations, calendar)
    tokens = await sessions.open(ada)
    for day in range(13, 90, 13):
        calendar.now = START + timedelta(days=day)
        tokens = await sessions.refresh(tokens.refresh_token)
    assert tokens.refresh_expires_in == timedelta(days=90 - 78).total_seconds()
    calendar.now = START + timedelta(days=90)
    with pytest.raises(InvalidRefreshToken):
        await sessions.refresh(tokens.refresh_token)


async def test_a_refresh_token_left_alone_for_fourteen_days_is_dead(
    database: Database, signer: TokenSigner, revocations: LocalRevocations, ada: Account
) -> None:
    calendar = Calendar()
    sessions = Sessions(database, signer, revocations, calendar)
    tokens = await sessions.open(ada)
    calendar.now = START + timedelta(days=14)
    with pytest.raises(InvalidRefreshToken):
        await sessions.refresh(tokens.refresh_token)


async def test_logging_out_ends_this_session_alone(sessions: Sessions, verifier: TokenVerifier, ada: Account) -> None:
    mine, other = await sessions.open(ada), await sessions.open(ada)
    principal = await verifier.verify(mine.access_token)
    assert await sessions.end(principal) == 1
    assert await sessions.end(principal) == 0
    with pytest.raises(Exception, match="has ended"):
        await verifier.verify(mine.access_token)
    with pytest.raises(InvalidRefreshToken):
        await sessions.refresh(mine.refresh_token)
    await verifier.verify(other.access_token)


async def test_logging_out_everywhere_ends_all_of_ones_own_sessions(
    sessions: Sessions, accounts: Accounts, verifier: TokenVerifier, ada: Account
) -> None:
    bob = await accounts.register("bob@example.com", PASSWORD, "Bob")
    mine, his = [await sessions.open(ada) for _ in range(3)], await sessions.open(bob)
    principal = await verifier.verify(mine[0].access_token)
    assert await sessions.end(principal, everywhere=True) == 3
    for tokens in mine:
        with pytest.raises(Exception, match="has ended"):
            await verifier.verify(tokens.access_token)
    await verifier.verify(his.access_token)
    again = await sessions.open(ada)
    await verifier.verify(again.access_token)


async def test_nobody_ends_the_session_of_another(
    sessions: Sessions, accounts: Accounts, verifier: TokenVerifier, ada: Account
) -> None:
    hers = await verifier.verify((await sessions.open(ada)).access_token)
    mallory = Principal(subject="mallory", session_id=hers.session_id)
    assert await sessions.end(mallory) == 0
    assert await sessions.end(mallory, everywhere=True) == 0
    await verifier.verify(hers.token)


async def test_sessions_are_listed_with_where_they_come_from_the_last_used_first(
    calendar: Calendar, counted: Sessions, ada: Account
) -> None:
    client.arrived.set(Arrival("ipv4:10.0.0.7:1", "192.0.2.1 Firefox/1%200"))
    first = await counted.open(ada)
    calendar.now += timedelta(hours=1)
    client.arrived.set(Arrival("ipv4:10.0.0.8:1"))
    await counted.open(ada)
    shown = await counted.running(Principal(subject=ada.id))
    assert [(row.address, row.user_agent) for row in shown] == [("10.0.0.8", ""), ("192.0.2.1", "Firefox/1 0")]
    calendar.now += timedelta(hours=1)
    await counted.refresh(first.refresh_token)
    shown = await counted.running(Principal(subject=ada.id))
    assert [row.last_used_at for row in shown] == [calendar.now, calendar.now - timedelta(hours=1)]
    assert (shown[0].address, shown[0].created_at) == ("10.0.0.8", START)


async def test_one_of_ones_sessions_is_ended_and_leaves_the_list(
    sessions: Sessions, verifier: TokenVerifier, ada: Account
) -> None:
    mine, other = await sessions.open(ada), await sessions.open(ada)
    me, them = await verifier.verify(mine.access_token), await verifier.verify(other.access_token)
    assert await sessions.end_one(me, them.session_id) == 1
    assert await sessions.end_one(me, them.session_id) == 0
    assert [row.id for row in await sessions.running(me)] == [me.session_id]
    with pytest.raises(TokenRevoked):
        await verifier.verify(other.access_token)


async def test_the_session_of_another_is_not_found(
    sessions: Sessions, accounts: Accounts, verifier: TokenVerifier, ada: Account
) -> None:
    bob = await accounts.register("bob@example.com", PASSWORD, "Bob")
    hers = await verifier.verify((await sessions.open(ada)).access_token)
    his = await verifier.verify((await sessions.open(bob)).access_token)
    with pytest.raises(SessionNotFound):
        await sessions.end_one(his, hers.session_id)
    assert await sessions.running(his) != await sessions.running(hers)
    await verifier.verify(hers.token)


async def test_without_a_login_there_is_no_session(sessions: Sessions, ada: Account) -> None:
    with pytest.raises(SessionRequired):
        await sessions.require(Principal(subject=ada.id, session_id="0" * 32))


async def test_another_replica_learns_of_a_logout_from_the_database(
    sessions: Sessions, database: Database, verifier: TokenVerifier, ada: Account
) -> None:
    principal = await verifier.verify((await sessions.open(ada)).access_token)
    replica_database = Database(database.url)
    async with following(replica_database) as replica:
        assert not await replica.is_revoked(principal.session_id, principal.subject, 0)
        watcher = replica.watch()
        assert (await anext(watcher)).revocations == ()
        await sessions.end(principal)
        async with asyncio.timeout(10):
            while not (update := await anext(watcher)).revocations:
                pass
        assert [one.session_id for one in update.revocations] == [principal.session_id]
        assert await replica.is_revoked(principal.session_id, principal.subject, 0)
        await watcher.aclose()
    await replica_database.close()


async def test_a_restart_remembers_revocations(
    sessions: Sessions, database: Database, verifier: TokenVerifier, ada: Account
) -> None:
    principal = await verifier.verify((await sessions.open(ada)).access_token)
    await sessions.end(principal)
    async with following(database) as fresh:
        assert await fresh.is_revoked(principal.session_id, principal.subject, 0)


async def test_a_purge_forgets_what_can_no_longer_matter(
    database: Database, sessions: Sessions, verifier: TokenVerifier, ada: Account
) -> None:
    principal = await verifier.verify((await sessions.open(ada)).access_token)
    await sessions.end(principal)
    running = await sessions.open(ada)
    later = LocalRevocations(database, clock=(now() + timedelta(seconds=906)).timestamp)
    await later.purge()
    assert (await count(database, RevocationRow), await count(database, SessionRow)) == (0, 2)
    async with database.transaction() as session:
        past = now() - KEEP_ENDED - timedelta(seconds=1)
        (await session.get_one(SessionRow, principal.session_id)).expires_at = past
    await later.purge()
    assert (await count(database, SessionRow), await count(database, RefreshTokenRow)) == (1, 1)
    await sessions.refresh(running.refresh_token)


async def test_deleting_a_user_takes_sessions_and_tokens_along(
    database: Database, sessions: Sessions, ada: Account
) -> None:
    await sessions.open(ada)
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM users"))
    assert (await count(database, SessionRow), await count(database, RefreshTokenRow)) == (0, 0)
