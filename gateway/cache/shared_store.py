"""Answers kept in Redis, for several gateways together; while it is down nothing is kept and nothing fails."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.cache.entry import Contents, Entry, Key, packed, unpacked
from shared.telemetry_metrics import Counter

PREFIX = "answer:"
RETRY_SECONDS = 1.0
LONGEST_BODY = 1024 * 1024
DOWN = (RedisError, OSError, TimeoutError)

log = structlog.stdlib.get_logger("gateway")


def name_of(key: Key) -> str:
    """Return the name of a key in Redis: its method and a digest of all it is made of."""
    regions = None if key.regions is None else sorted(key.regions)
    parts = [key.media_type, key.version, key.subject, sorted(key.roles), sorted(key.permissions), regions]
    digest = blake2b(orjson.dumps(parts) + b"\n" + key.request, digest_size=20).hexdigest()
    return f"{PREFIX}{key.method}:{digest}"


class SharedStore:
    """Entries in Redis, which expire there by themselves."""

    name = "redis"

    def __init__(self, redis: Redis, failures: Counter, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis, self._failures, self._clock = redis, failures, clock
        self._down_until = float("-inf")

    def get(self, key: Key) -> Entry | Awaitable[Entry | None] | None:
        """Return the entry if there is one."""
        return None if self._clock() < self._down_until else self._read(name_of(key))

    async def _read(self, name: str) -> Entry | None:
        try:
            content: Any = await self._redis.get(name)
            return unpacked(content) if content else None
        except DOWN as error:
            self._failed(error)
        except (ValueError, KeyError, TypeError):
            log.warning("what Redis keeps is no answer of ours; it is asked for anew")
        return None

    async def put(self, key: Key, entry: Entry) -> None:
        """Keep an entry until it expires."""
        if len(entry.answer.body) > LONGEST_BODY or self._clock() < self._down_until:
            return
        try:
            await self._redis.set(name_of(key), packed(entry), ex=entry.seconds)
        except DOWN as error:
            self._failed(error)

    async def contents(self, most: int) -> Contents:
        """Return how much is kept, and some of the entries."""
        names = await self._names("")
        kept: list[Any] = [await self._redis.get(name) for name in names[:most]]
        sizes = [await self._redis.strlen(name) for name in names]
        return Contents(len(names), sum(sizes), [unpacked(content) for content in kept if content])

    async def clear(self, method: str = "") -> int:
        """Return how many entries were forgotten."""
        names = await self._names(method)
        return int(await self._redis.unlink(*names)) if names else 0

    async def _names(self, method: str) -> list[bytes]:
        pattern = f"{PREFIX}{method}:*" if method else f"{PREFIX}*"
        return [name async for name in self._redis.scan_iter(pattern, count=1000)]

    def _failed(self, error: Exception) -> None:
        self._failures.add()
        if self._clock() >= self._down_until + RETRY_SECONDS:
            log.warning("answers are not kept: Redis is down", error=type(error).__name__)
        self._down_until = self._clock() + RETRY_SECONDS
