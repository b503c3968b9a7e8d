"""Tickets: a browser cannot send a token with a WebSocket, so it asks for a ticket with one and shows that, once.

A ticket is kept as its SHA-256 and the caller's token, sealed with a key made from the ticket. Whoever reads Redis
or the store learns no token, and whoever writes there lets nobody in: the token is verified when the ticket is shown.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from redis.asyncio import Redis

from gateway.cache.shared_store import DOWN
from gateway.realtime.store import RealtimeTicket, StoredTickets
from shared.errors import Unauthenticated

SECONDS = 30
TICKET = re.compile(r"rt_[A-Za-z0-9_-]{43}")
PREFIX = "realtime-ticket:"
NONCE = bytes(12)
"""Each key seals one token, so its nonce need not differ."""

log = structlog.stdlib.get_logger("gateway")


class TicketInvalid(Unauthenticated):
    """The ticket is unknown, used, or older than 30 seconds. Which is not told."""

    reason = "TICKET_INVALID"

    def __init__(self) -> None:
        super().__init__("the ticket does not hold: it is used once, within 30 seconds; ask for a new one")


def name_of(ticket: str) -> str:
    """Return what a ticket is kept under."""
    return hashlib.sha256(ticket.encode()).hexdigest()


def seal_of(ticket: str) -> AESGCM:
    """Return what seals the token of a ticket."""
    return AESGCM(hashlib.sha256(b"seal\n" + ticket.encode()).digest())


class Tickets:
    """Issues tickets and takes them back, through Redis where it answers and the store otherwise."""

    def __init__(
        self, stored: StoredTickets, redis: Redis | None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._stored, self._redis, self._clock = stored, redis, clock

    async def issue(self, token: str) -> str:
        """Return a new ticket for the holder of a token. Raises StoreUnavailable."""
        ticket = f"rt_{secrets.token_urlsafe(32)}"
        sealed = b64encode(seal_of(ticket).encrypt(NONCE, token.encode(), None)).decode("ascii")
        if not await self._kept_in_redis(name_of(ticket), sealed):
            now = self._clock()
            row = RealtimeTicket(
                ticket_hash=name_of(ticket), sealed=sealed, expires_at=now + timedelta(seconds=SECONDS)
            )
            await self._stored.keep(row, now)
        return ticket

    async def take(self, ticket: str) -> str:
        """Return the token that a ticket stands for; it holds no more. Raises TicketInvalid or StoreUnavailable."""
        if not TICKET.fullmatch(ticket):
            raise TicketInvalid()
        name = name_of(ticket)
        sealed = await self._taken_from_redis(name) or await self._stored.take(name, self._clock())
        if sealed is None:
            raise TicketInvalid()
        try:
            return seal_of(ticket).decrypt(NONCE, b64decode(sealed), None).decode()
        except (InvalidTag, ValueError):
            raise TicketInvalid() from None

    async def _kept_in_redis(self, name: str, sealed: str) -> bool:
        if self._redis is None:
            return False
        try:
            await self._redis.set(PREFIX + name, sealed, ex=SECONDS)
        except DOWN as error:
            log.warning("Redis keeps no tickets; the store does", error=type(error).__name__)
            return False
        return True

    async def _taken_from_redis(self, name: str) -> str | None:
        if self._redis is None:
            return None
        try:
            found: Any = await self._redis.getdel(PREFIX + name)
        except DOWN:
            return None
        return found.decode() if found else None
