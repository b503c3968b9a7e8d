"""The revocations of this service: written to its database, known to every replica and sent to every process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from services.auth.broadcast import Alone, Broadcast
from services.auth.store import (
    LinkRow,
    LoginAttemptRow,
    MfaChallengeRow,
    OAuthCodeRow,
    RevocationRow,
    SessionRow,
    now,
)
from shared.db import Database
from shared.errors import PlatformError
from shared.revocation import STALE_AFTER_SECONDS, Revocation, RevocationList
from shared.tokens import LEEWAY_SECONDS, LIFETIME_SECONDS

POLL_SECONDS = 0.25
HEARTBEAT_SECONDS = 1.0
PURGE_SECONDS = 60.0
OVERLAP_SECONDS = 30.0
"""Rows become visible when committed, a little after the moment they carry; replicas' clocks differ a little too."""
SNAPSHOT_CHUNK = 500
KEEP_ENDED = timedelta(days=1)
TOKENS_LIVE = timedelta(seconds=LIFETIME_SECONDS + LEEWAY_SECONDS)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Update:
    """What a watcher is told: new revocations (none: a heartbeat), and whether it knows all of them now."""

    revocations: tuple[Revocation, ...]
    synced: bool


class LocalRevocations:
    """The list, kept in step with the database. Use inside `async with following(database) as revocations`."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        broadcast: Broadcast | None = None,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._database, self._clock, self._monotonic = database, clock, monotonic
        self._broadcast, self._poll_seconds = broadcast or Alone(), poll_seconds
        self._told_to_look = asyncio.Event()
        self._list = RevocationList(clock)
        self._watchers: set[asyncio.Queue[tuple[Revocation, ...] | None]] = set()
        self._since = datetime.fromtimestamp(0, UTC)
        self._polled_at = float("-inf")
        self._purged_at = monotonic()
        self._closed = False

    @property
    def fresh(self) -> bool:
        """Return whether the database was read within the last seconds."""
        return self._monotonic() - self._polled_at < STALE_AFTER_SECONDS

    @property
    def _just_polled(self) -> bool:
        """Return whether a heartbeat may be sent: it tells others that they know all that the database knows."""
        return self._monotonic() - self._polled_at < 2 * HEARTBEAT_SECONDS

    @property
    def epoch(self) -> int | None:
        """Return the list's epoch, or None while the database cannot be read."""
        return self._list.epoch if self.fresh else None

    async def is_revoked(self, session_id: str, subject: str, issued_at: float) -> bool:
        """Return whether a token must be refused. Raises StoreUnavailable when nobody can tell."""
        if not self._list.covers(session_id, subject, issued_at) and not self.fresh:
            await self.poll()
        return self._list.covers(session_id, subject, issued_at)

    async def ready(self) -> None:
        """Return if the database is being read. Raises StoreUnavailable."""
        if not self._just_polled:
            await self.poll()

    def publish(self, revocations: Iterable[Revocation]) -> None:
        """Tell every watcher of what is committed, if it is news."""
        fresh = tuple(self._list.add(revocations))
        if fresh:
            for watcher in self._watchers:
                watcher.put_nowait(fresh)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[AsyncSession, list[Revocation]]]:
        """Yield a transaction and a list for what it revokes, told to everybody once that is committed."""
        revoked: list[Revocation] = []
        async with self._database.transaction() as session:
            yield session, revoked
        self.publish(revoked)
        if revoked:
            self._broadcast.tell()

    async def watch(self) -> AsyncIterator[Update]:
        """Yield everything known, then what is new, and a heartbeat each second while the database is read."""
        queue: asyncio.Queue[tuple[Revocation, ...] | None] = asyncio.Queue()
        self._watchers.add(queue)
        try:
            for update in self._snapshot():
                yield update
            while not self._closed:
                news = await _next(queue)
                if news is None:
                    return
                if news or self._just_polled:
                    yield Update(news, synced=True)
        finally:
            self._watchers.discard(queue)

    def _snapshot(self) -> list[Update]:
        everything = self._list.entries()
        starts = range(0, max(len(everything), 1), SNAPSHOT_CHUNK)
        chunks = [tuple(everything[start : start + SNAPSHOT_CHUNK]) for start in starts]
        return [Update(chunk, synced=chunk is chunks[-1]) for chunk in chunks]

    async def poll(self) -> None:
        """Read what other replicas have revoked. Raises StoreUnavailable."""
        began, heard_at = self._clock(), self._monotonic()
        query = select(RevocationRow).where(
            col(RevocationRow.revoked_at) >= self._since,
            col(RevocationRow.expires_at) > datetime.fromtimestamp(began, UTC),
        )
        async with self._database.session() as session:
            rows = (await session.scalars(query)).all()
        self.publish(entry(row) for row in rows)
        self._since = datetime.fromtimestamp(began - OVERLAP_SECONDS, UTC)
        self._polled_at = heard_at

    async def run(self) -> None:
        """Poll for ever; a database that is away is waited for, and said so once."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._broadcast.run(self._told_to_look.set))
            await self._keep_polling()

    async def _keep_polling(self) -> None:
        reading = True
        while True:
            await self._turn()
            try:
                await self.poll()
                await self._purge_at_times()
                reading = self._told(reading, True)
            except PlatformError as error:
                reading = self._told(reading, False, error.detail)

    async def _turn(self) -> None:
        """Return when it is time to poll, or when another replica tells."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_seconds):
                await self._told_to_look.wait()
        self._told_to_look.clear()

    @staticmethod
    def _told(before: bool, reading: bool, detail: str = "") -> bool:
        """Return whether the database is being read, logged when that has changed."""
        if reading != before:
            log.warning("auth.revocations", database="back" if reading else "away", detail=detail)
        return reading

    async def _purge_at_times(self) -> None:
        if self._monotonic() - self._purged_at >= PURGE_SECONDS:
            self._purged_at = self._monotonic()
            await self.purge()

    async def purge(self) -> None:
        """Delete what can no longer matter: expired revocations, what is long over, old failures and codes."""
        moment = datetime.fromtimestamp(self._clock(), UTC)
        self._list.purge()
        async with self._database.transaction() as session:
            await session.execute(delete(RevocationRow).where(col(RevocationRow.expires_at) <= moment))
            await session.execute(delete(SessionRow).where(col(SessionRow.expires_at) <= moment - KEEP_ENDED))
            await session.execute(delete(LinkRow).where(col(LinkRow.expires_at) <= moment - KEEP_ENDED))
            await session.execute(delete(LoginAttemptRow).where(col(LoginAttemptRow.failed_at) <= moment - KEEP_ENDED))
            # Kept for a day, so that a code used again is known to have been one.
            await session.execute(delete(OAuthCodeRow).where(col(OAuthCodeRow.expires_at) <= moment - KEEP_ENDED))
            await session.execute(delete(MfaChallengeRow).where(col(MfaChallengeRow.expires_at) <= moment))

    def close(self) -> None:
        """End every watcher."""
        self._closed = True
        for watcher in self._watchers:
            watcher.put_nowait(None)


async def _next(queue: asyncio.Queue[tuple[Revocation, ...] | None]) -> tuple[Revocation, ...] | None:
    """Return the next news, nothing when it is time for a heartbeat, or None at the end."""
    try:
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            return await queue.get()
    except TimeoutError:
        return ()


@asynccontextmanager
async def following(
    database: Database, broadcast: Broadcast | None = None, poll_seconds: float = POLL_SECONDS
) -> AsyncIterator[LocalRevocations]:
    """Yield the revocations of a database, complete from the first moment and kept in step until the end."""
    revocations = LocalRevocations(database, broadcast=broadcast, poll_seconds=poll_seconds)
    await revocations.poll()
    task = asyncio.create_task(revocations.run(), name="revocations")
    try:
        yield revocations
    finally:
        revocations.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def end_sessions(session: AsyncSession, ids: Iterable[str]) -> list[Revocation]:
    """Return the revocations of those sessions that had not ended yet, written but not committed."""
    running = select(SessionRow).where(col(SessionRow.id).in_(list(ids)), col(SessionRow.ended_at).is_(None))
    moment = now()
    rows = list(await session.scalars(running.order_by(col(SessionRow.id)).with_for_update()))
    for row in rows:
        row.ended_at = moment
    return [_revoke(session, moment, row.user_id, row.id) for row in rows]


async def end_all_sessions(session: AsyncSession, user_id: str, but: str = "") -> list[Revocation]:
    """Return the revocations of all running sessions of a user, but one; written, not committed.

    OAuth codes that were not used yet go with them: each would open a session. The caller holds the user's row.
    """
    await end_codes(session, user_id)
    mine = select(SessionRow.id).where(SessionRow.user_id == user_id, col(SessionRow.ended_at).is_(None))
    return await end_sessions(session, [one for one in await session.scalars(mine) if one != but])


async def end_codes(session: AsyncSession, user_id: str) -> None:
    """Delete a user's unspent OAuth codes. Spent ones stay: used again, they tell that somebody else has them too."""
    unspent = col(OAuthCodeRow.user_id) == user_id, col(OAuthCodeRow.spent_at).is_(None)
    await session.execute(delete(OAuthCodeRow).where(*unspent))


def revoke_subject(session: AsyncSession, user_id: str) -> Revocation:
    """Return the revocation of every token a user has by now, of sessions and keys alike.

    Sessions go on: their next token says what the user may do from now on. The caller holds the user's row, as
    everybody does who signs a token, so none is signed meanwhile with what the user could do before.
    """
    return _revoke(session, now(), user_id, "")


def revoke_session(session: AsyncSession, user_id: str, session_id: str) -> Revocation:
    """Return the revocation of all tokens with that `sid`, such as those an API key was swapped for."""
    return _revoke(session, now(), user_id, session_id)


def _revoke(session: AsyncSession, moment: datetime, user_id: str, session_id: str) -> Revocation:
    row = RevocationRow(session_id=session_id, subject=user_id, revoked_at=moment, expires_at=moment + TOKENS_LIVE)
    session.add(row)
    return entry(row)


async def end_client(session: AsyncSession, client_id: str) -> list[Revocation]:
    """Return the revocations of all that an OAuth client holds, for others and for itself; written, not committed."""
    held = await session.scalars(select(SessionRow.id).where(SessionRow.client_id == client_id))
    return [*await end_sessions(session, held), revoke_subject(session, client_id)]


def entry(row: RevocationRow) -> Revocation:
    """Return the revocation in a row."""
    return Revocation(row.session_id, row.subject, row.revoked_at.timestamp(), row.expires_at.timestamp())
