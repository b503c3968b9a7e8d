"""How much of a limit is used: sliding windows, counted in this process or in Redis for several gateways together.

A sliding window counter weighs the window before by how much of it still overlaps: two numbers a key, whatever the
limit. The arithmetic is that of the package `limits`, by which the tests check it; its own stores start a thread
every 10 ms (in process, without a bound on keys) or ask Redis twice a call, too dear for every request.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

import structlog
from limits import RateLimitItem
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.telemetry_metrics import Counter

MOST_KEYS = 100_000
"""Keys kept in one process; with more, the ones used longest ago are forgotten, and so let in again."""

RETRY_REDIS_SECONDS = 1.0
SCRIPT = """
local time = redis.call('TIME')
local now, size, limit, cost = time[1] + time[2] / 1e6, tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local window = math.floor(now / size)
local kept = redis.call('HMGET', KEYS[1], 'window', 'current', 'previous')
local then_, current, previous = tonumber(kept[1] or window), tonumber(kept[2] or 0), tonumber(kept[3] or 0)
if then_ ~= window then
  previous = (then_ == window - 1) and current or 0
  current = 0
end
local elapsed = now - window * size
local taken = math.floor(previous * (1 - elapsed / size) + current) + cost <= limit
if taken then
  current = current + cost
  redis.call('HSET', KEYS[1], 'window', window, 'current', current, 'previous', previous)
  redis.call('PEXPIRE', KEYS[1], math.ceil((2 * size - elapsed) * 1000))
end
return {taken and 1 or 0, current, previous, math.floor(elapsed * 1e6)}
"""

log = structlog.stdlib.get_logger("gateway")


class Count(NamedTuple):
    """How a limit stands after a call asked for its share."""

    taken: bool
    remaining: int
    reset_seconds: int
    """Until the present window ends."""
    wait_seconds: int
    """Until the same call would be let in; 0 when it was."""


class Windows(Protocol):
    """What counts."""

    def hit(self, key: str, rate: RateLimitItem, cost: int) -> Count | Awaitable[Count]:
        """Return whether `cost` was taken from what the key may use; awaited only where that is not known here."""


def count(rate: RateLimitItem, taken: bool, cost: int, *, current: int, previous: int, elapsed: float) -> Count:
    """Return how a limit stands, `elapsed` seconds after the beginning of its present window."""
    size, limit = rate.get_expiry(), rate.amount
    used = math.floor(previous * (1 - elapsed / size) + current)
    wait = (
        0
        if taken
        else max(1, math.ceil(until_room(size, limit - cost, current=current, previous=previous, elapsed=elapsed)))
    )
    return Count(taken, max(0, limit - used), max(1, math.ceil(size - elapsed)), wait)


def until_room(size: int, room: int, *, current: int, previous: int, elapsed: float) -> float:
    """Return the seconds until at most `room` is used, if nothing else is taken meanwhile."""
    if current <= room:
        return size * (1 - (room - current) / max(previous, 1)) - elapsed
    return size - elapsed + size * (1 - room / current)


class LocalWindows:
    """Windows of this process alone. One event loop uses them, so nothing needs a lock."""

    def __init__(self, clock: Callable[[], float] = time.time, most_keys: int = MOST_KEYS) -> None:
        self._clock = clock
        self._most_keys = most_keys
        self._kept: OrderedDict[str, list[int]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many keys are kept."""
        return len(self._kept)

    def hit(self, key: str, rate: RateLimitItem, cost: int) -> Count:
        """Return whether `cost` was taken."""
        size, limit = rate.get_expiry(), rate.amount
        now = self._clock()
        window = int(now // size)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._new(key, window)
        else:
            self._kept.move_to_end(key)
            if kept[0] != window:
                kept[:] = [window, 0, kept[1] if kept[0] == window - 1 else 0]
        elapsed = now - window * size
        taken = math.floor(kept[2] * (1 - elapsed / size) + kept[1]) + cost <= limit
        if taken:
            kept[1] += cost
        return count(rate, taken, cost, current=kept[1], previous=kept[2], elapsed=elapsed)

    def _new(self, key: str, window: int) -> list[int]:
        if len(self._kept) >= self._most_keys:
            self._kept.popitem(last=False)
        made = self._kept[key] = [window, 0, 0]
        return made


class SharedWindows:
    """Windows in Redis, counted by its clock; while it is down, those of this process.

    Down means open: a limiter guards against too much, and refusing everybody because it cannot count would be the
    very outage it is there to prevent. Each process still keeps the limits for itself.
    """

    def __init__(
        self, redis: Redis, failures: Counter, local: LocalWindows, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._script: Any = redis.register_script(SCRIPT)
        self._failures = failures
        self._local = local
        self._clock = clock
        self._down_until = float("-inf")
        self._down = False

    def hit(self, key: str, rate: RateLimitItem, cost: int) -> Count | Awaitable[Count]:
        """Return whether `cost` was taken."""
        if self._clock() < self._down_until:
            return self._local.hit(key, rate, cost)
        return self._asked(key, rate, cost)

    async def _asked(self, key: str, rate: RateLimitItem, cost: int) -> Count:
        asked = [rate.get_expiry(), rate.amount, cost]
        try:
            taken, current, previous, elapsed = await self._script([f"rate:{key}"], asked)
        except (RedisError, OSError, TimeoutError) as error:
            return self._fallen_back(key, rate, cost, error)
        if self._down:
            self._down = False
            log.info("rate limits are shared again")
        return count(rate, bool(taken), cost, current=int(current), previous=int(previous), elapsed=elapsed / 1e6)

    def _fallen_back(self, key: str, rate: RateLimitItem, cost: int, error: Exception) -> Count:
        self._failures.add()
        self._down_until = self._clock() + RETRY_REDIS_SECONDS
        if not self._down:
            self._down = True
            log.warning("rate limits are kept by each process alone: Redis is down", error=type(error).__name__)
        return self._local.hit(key, rate, cost)
