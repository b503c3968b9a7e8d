"""How replicas of this service tell each other to look into the database at once instead of at the next turn.

What travels is only that there is something to read: the database stays the truth, so a message that is lost costs a
quarter of a second and one that is forged revokes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

RETRY_SECONDS = 1.0
CONNECT_SECONDS = 2.0
MESSAGE = b"look"

log = structlog.get_logger(__name__)


class Broadcast(Protocol):
    """Reaches the other replicas."""

    def tell(self) -> None:
        """Let them know soon that something was revoked."""

    async def run(self, heard: Callable[[], None]) -> None:
        """Call `heard` whenever one of them tells, for ever."""


class Alone:
    """Reaches nobody: replicas, if there are any, look into the database every quarter of a second."""

    def tell(self) -> None:
        """Do nothing."""

    async def run(self, heard: Callable[[], None]) -> None:
        """Return: there is nothing to hear."""


class RedisBroadcast:
    """Reaches all that listen at the same Redis."""

    def __init__(self, url: str, channel: str) -> None:
        self._url, self._channel = url, channel
        self._something = asyncio.Event()

    def tell(self) -> None:
        """Let them know soon; several revocations at once are one message."""
        self._something.set()

    async def run(self, heard: Callable[[], None]) -> None:
        """Send and listen for ever. Without Redis it tries again every second, and says so once."""
        connected = True
        while True:
            try:
                await self._connected(heard)
            except (RedisError, OSError) as error:
                if connected:
                    log.warning("auth.broadcast", redis="away", error=type(error).__name__)
                connected = False
            await asyncio.sleep(RETRY_SECONDS)

    async def _connected(self, heard: Callable[[], None]) -> None:
        """Send and listen until the connection is lost. Raises RedisError."""
        at_once = Retry(NoBackoff(), 0)
        async with Redis.from_url(self._url, retry=at_once, socket_connect_timeout=CONNECT_SECONDS) as redis:
            tasks = {asyncio.create_task(self._send(redis)), asyncio.create_task(self._listen(redis, heard))}
            try:
                ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, redis: Redis, heard: Callable[[], None]) -> None:
        async with redis.pubsub() as subscription:
            await subscription.subscribe(self._channel)
            # The first message says that the subscription holds: what was told before it is looked for then.
            async for _ in subscription.listen():
                heard()

    async def _send(self, redis: Redis) -> None:
        while True:
            await self._something.wait()
            await redis.publish(self._channel, MESSAGE)
            self._something.clear()
