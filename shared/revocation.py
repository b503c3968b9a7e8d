"""Which sessions were ended before their tokens ran out, known in every process within a second.

The auth service streams revocations; every other process keeps the list in memory, so that a check costs two
dictionary look-ups. A process that has heard nothing for five seconds asks auth for each token instead, and when
auth cannot be asked either, nothing is let in: a token that cannot be shown good is not good.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, Self

import grpc
import structlog

from protos.auth.v1 import auth_pb2
from shared.errors import PlatformError, Unavailable

STALE_AFTER_SECONDS = 5.0
RECONNECT_SECONDS = (0.1, 1.0)
ASK_TIMEOUT_SECONDS = 2.0

log = structlog.get_logger(__name__)


class RevocationUnknown(Unavailable):
    """Auth cannot be asked whether a token still holds, so it is refused for now."""

    reason = "SERVICE_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Revocation:
    """One session ended (`session_id`), or every token a subject got up to `revoked_at` (no `session_id`)."""

    session_id: str
    subject: str
    revoked_at: float
    expires_at: float


class Revocations(Protocol):
    """What a token verifier asks."""

    @property
    def epoch(self) -> int | None:
        """Return a number that changes whenever anything is revoked; None: ask for each token."""

    async def is_revoked(self, session_id: str, subject: str, issued_at: float) -> bool:
        """Return whether a token must be refused. Raises RevocationUnknown when nobody can tell."""


class NothingRevoked:
    """For tokens that end within minutes, as those of registered systems do: none of them is worth revoking."""

    epoch = 0

    async def is_revoked(self, session_id: str, subject: str, issued_at: float) -> bool:
        """Return False."""
        return False


class RevocationList:
    """The revocations that still matter, by session and by subject."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._sessions: dict[str, Revocation] = {}
        self._subjects: dict[str, Revocation] = {}
        self.epoch = 0

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._sessions) + len(self._subjects)

    def entries(self) -> list[Revocation]:
        """Return all that are kept, oldest first."""
        return sorted((*self._sessions.values(), *self._subjects.values()), key=lambda one: one.revoked_at)

    def add(self, revocations: Iterable[Revocation]) -> list[Revocation]:
        """Return those that were news; the epoch moves if there are any."""
        fresh = [one for one in revocations if self._keep(one)]
        self.epoch += bool(fresh)
        return fresh

    def _keep(self, one: Revocation) -> bool:
        book, key = (self._sessions, one.session_id) if one.session_id else (self._subjects, one.subject)
        known = book.get(key)
        if one.expires_at <= self._clock() or (known and known.revoked_at >= one.revoked_at):
            return False
        book[key] = one
        return True

    def covers(self, session_id: str, subject: str, issued_at: float) -> bool:
        """Return whether a token is revoked. A session never comes back, so its tokens' age does not matter."""
        everything = self._subjects.get(subject)
        return session_id in self._sessions or (everything is not None and issued_at <= everything.revoked_at)

    def purge(self) -> None:
        """Forget those whose last token has expired by itself."""
        now = self._clock()
        for book in (self._sessions, self._subjects):
            for key in [key for key, one in book.items() if one.expires_at <= now]:
                del book[key]


class RemoteRevocations:
    """The list of another process, followed over `AuthService.WatchRevocations`.

    Use as `async with RemoteRevocations(channel) as revocations`, or `start()` and `close()`; before that it asks
    for each token.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._monotonic = clock, monotonic
        self._watch = channel.unary_stream(
            "/auth.v1.AuthService/WatchRevocations",
            request_serializer=auth_pb2.WatchRevocationsRequest.SerializeToString,
            response_deserializer=auth_pb2.WatchRevocationsResponse.FromString,
        )
        self._ask = channel.unary_unary(
            "/auth.v1.AuthService/CheckRevocation",
            request_serializer=auth_pb2.CheckRevocationRequest.SerializeToString,
            response_deserializer=auth_pb2.CheckRevocationResponse.FromString,
        )
        self._list = RevocationList(clock)
        self._generation = 0
        self._heard_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow the stream, in the running loop."""
        self._task = self._task or asyncio.create_task(self._follow(), name="revocations")

    async def close(self) -> None:
        """Stop following."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def __aenter__(self) -> Self:
        """Return itself, following."""
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def fresh(self) -> bool:
        """Return whether the list was heard to be complete within the last seconds."""
        return self._monotonic() - self._heard_at < STALE_AFTER_SECONDS

    @property
    def epoch(self) -> int | None:
        """Return the list's epoch, or None while it cannot be trusted to be complete."""
        return self._generation + self._list.epoch if self.fresh else None

    async def is_revoked(self, session_id: str, subject: str, issued_at: float) -> bool:
        """Return whether the token is revoked, by the list or, when that is stale, by asking."""
        if self._list.covers(session_id, subject, issued_at):
            return True
        return False if self.fresh else await self._asked(session_id, subject, issued_at)

    async def _asked(self, session_id: str, subject: str, issued_at: float) -> bool:
        request = auth_pb2.CheckRevocationRequest(
            session_id=session_id, subject=subject, issued_at=datetime.fromtimestamp(issued_at, UTC)
        )
        try:
            answer = await self._ask(request, timeout=ASK_TIMEOUT_SECONDS)
        except (grpc.aio.AioRpcError, PlatformError) as error:
            raise RevocationUnknown(
                "auth cannot be reached to check the token; try again in a moment", metadata={"service": "auth"}
            ) from error
        return bool(answer.revoked)

    async def _follow(self) -> None:
        pause, longest = RECONNECT_SECONDS
        while True:
            with contextlib.suppress(grpc.aio.AioRpcError, PlatformError):
                async for synced in self._read():
                    pause = RECONNECT_SECONDS[0] if synced else pause
            log.warning("revocations.stream_lost", retry_in_s=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    async def _read(self) -> AsyncIterator[bool]:
        """Yield whether the list is complete, after each message. A snapshot replaces the list only when whole."""
        coming = RevocationList(self._clock)
        async for message in self._watch(auth_pb2.WatchRevocationsRequest(), wait_for_ready=True):
            coming.add(from_message(one) for one in message.revocations)
            if message.synced:
                self._swap(coming)
                self._list.purge()
                self._heard_at = self._monotonic()
            yield message.synced

    def _swap(self, coming: RevocationList) -> None:
        if self._list is not coming:
            self._generation += self._list.epoch + 1
            self._list = coming


def from_message(message: auth_pb2.Revocation) -> Revocation:
    """Return the revocation in a message."""
    return Revocation(
        session_id=message.session_id,
        subject=message.subject,
        revoked_at=message.revoked_at.ToMicroseconds() / 1e6,
        expires_at=message.expires_at.ToMicroseconds() / 1e6,
    )


def to_message(one: Revocation) -> auth_pb2.Revocation:
    """Return the message that carries a revocation."""
    return auth_pb2.Revocation(
        session_id=one.session_id,
        subject=one.subject,
        revoked_at=datetime.fromtimestamp(one.revoked_at, UTC),
        expires_at=datetime.fromtimestamp(one.expires_at, UTC),
    )
