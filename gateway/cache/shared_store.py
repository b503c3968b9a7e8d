"""Answers kept in Redis, for several gateways together; while it is down nothing is kept and nothing fails."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Any

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.cache.entry import Contents, Entry, Key, Listed, outline, packed, unpacked
from shared.errors import Unavailable
from shared.telemetry_metrics import Counter

PREFIX = "answer:"
RETRY_SECONDS = 1.0
LONGEST_BODY = 1024 * 1024
LONGEST_OUTLINE = 4096
CHUNK = 500
"""Entries that are asked for at once."""
DOWN = (RedisError, OSError, TimeoutError)

log = structlog.stdlib.get_logger("gateway")

OUTLINE = """
local found = {}
for number, name in ipairs(KEYS) do
  found[2 * number - 1] = redis.call('GETRANGE', name, 0, ARGV[1])
  found[2 * number] = redis.call('STRLEN', name)
end
return found
"""


class CacheStoreDown(Unavailable):
    """What is kept cannot be looked at or forgotten: Redis is down."""

    reason = "CACHE_STORE_DOWN"


def escaped(text: str) -> str:
    """Return the pattern of Redis that matches the text alone."""
    return re.sub(r"([\\*?\[\]^-])", r"\\\1", text)


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
        self._outline: Any = redis.register_script(OUTLINE)
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
        """Return how much is kept, and some of the entries. Raises CacheStoreDown."""
        size, listed = 0, list[Listed]()
        async with self._administered():
            names = await self._names("")
            for start in range(0, len(names), CHUNK):
                for line, length in await self._outlines(names[start : start + CHUNK]):
                    size += length
                    about = outline(line, length)
                    if about is not None and len(listed) < most:
                        listed.append(about)
        return Contents(len(names), size, listed)

    async def clear(self, method: str = "") -> int:
        """Return how many entries were forgotten. Raises CacheStoreDown."""
        async with self._administered():
            names = await self._names(method)
            chunks = [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]
            return sum([int(await self._redis.unlink(*chunk)) for chunk in chunks])

    async def _outlines(self, names: list[bytes]) -> list[tuple[bytes, int]]:
        """Return the beginning and the length of each entry: what it says of itself, without its body."""
        found: list[Any] = await self._outline(names, [LONGEST_OUTLINE - 1])
        return list(zip(found[::2], found[1::2], strict=True))

    async def _names(self, method: str) -> list[bytes]:
        pattern = f"{PREFIX}{escaped(method)}:*" if method else f"{PREFIX}*"
        return [name async for name in self._redis.scan_iter(pattern, count=1000)]

    @asynccontextmanager
    async def _administered(self) -> AsyncIterator[None]:
        """Turn a Redis that is down into a failure: unlike an answer, what is kept there cannot be had otherwise."""
        try:
            yield
        except DOWN as error:
            self._failed(error)
            raise CacheStoreDown("Redis, which keeps the answers, cannot be asked now; try again") from error

    def _failed(self, error: Exception) -> None:
        self._failures.add()
        if self._clock() >= self._down_until + RETRY_SECONDS:
            log.warning("answers are not kept: Redis is down", error=type(error).__name__)
        self._down_until = self._clock() + RETRY_SECONDS
