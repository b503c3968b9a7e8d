"""Calls to a service that may be slow, broken or gone: bounded, retried where that is harmless, given up in time."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

from shared.errors import Cancelled, DeadlineExceeded, PlatformError, Unavailable
from shared.rpc.breaker import Breaker
from shared.rpc.channel import DEFAULT_TIMEOUT_SECONDS, Deserializer, Metadata, Serializer, ServiceChannel
from shared.rpc.status import ConnectionLost, Unreachable

RETRIES = 2
RETRY_PAUSE_SECONDS = 0.02
BUDGET_SHARE = 0.1
BUDGET_MOST = 10.0
LATENCIES = 128
LEAST_HEDGE_SECONDS = 0.005


class CircuitOpen(Unreachable):
    """The service has failed so often that it is left alone for a moment."""


class Overloaded(Unavailable):
    """This process has as many calls under way as it can bear; this one was not begun."""

    reason = "OVERLOADED"


@dataclass(frozen=True)
class Resilience:
    """What is switched on."""

    breaker: bool = True
    retries: bool = True
    hedging: bool = False
    slow_seconds: float = 5.0
    """A call that got no answer in this time is the service's failure; one that waited less says nothing."""
    most_calls: int = 256
    """Calls under way to one service; 0: any number."""


class RetryBudget:
    """Retries may be a tenth of all calls, with a few in hand: more would finish off a service that struggles."""

    def __init__(self) -> None:
        self._left = BUDGET_MOST

    def earn(self) -> None:
        """Note a call."""
        self._left = min(BUDGET_MOST, self._left + BUDGET_SHARE)

    def spend(self) -> bool:
        """Return whether a call may be made once more."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Latencies:
    """The newest latencies in seconds, and the one that 95 % of them stay below."""

    def __init__(self) -> None:
        self._newest: deque[float] = deque(maxlen=LATENCIES)
        self._since = 0
        self.p95: float | None = None
        """None until enough is known."""

    def note(self, seconds: float) -> None:
        """Add one."""
        self._newest.append(seconds)
        self._since += 1
        if self._since >= LATENCIES // 4 and len(self._newest) >= LATENCIES // 2:
            self._since = 0
            self.p95 = max(LEAST_HEDGE_SECONDS, sorted(self._newest)[int(0.95 * len(self._newest))])


Attempt = Callable[[], Awaitable[Any]]


class ResilientChannel:
    """A channel to one service with what surrounds its calls; it is a `Backend` of the edge."""

    def __init__(
        self,
        channel: ServiceChannel,
        repeatable: Collection[str],
        settings: Resilience,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel, self._settings, self._clock = channel, settings, clock
        self._repeatable = frozenset(repeatable)
        self._budget, self._latencies = RetryBudget(), Latencies()
        self.breaker = Breaker(clock)
        self.under_way = 0
        self.retried = self.hedged = self.shed = 0

    async def call(
        self,
        method_path: str,
        request: Any,
        serializer: Serializer,
        deserializer: Deserializer,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  it travels to the other side as the deadline
        metadata: Metadata = (),
    ) -> Any:
        """Return the answer. Raises PlatformError, Overloaded and CircuitOpen among them."""
        most = self._settings.most_calls
        if most and self.under_way >= most:
            self.shed += 1
            about = {"service": self._channel.name}
            raise Overloaded(f"too many calls to {self._channel.name} are under way; try again", metadata=about)
        until = self._clock() + (DEFAULT_TIMEOUT_SECONDS if timeout is None else timeout)

        async def attempt() -> Any:
            left = max(until - self._clock(), 0.001)
            return await self._watched(
                self._channel.call(method_path, request, serializer, deserializer, timeout=left, metadata=metadata)
            )

        self.under_way += 1
        try:
            return await (self._repeated(attempt) if method_path in self._repeatable else attempt())
        finally:
            self.under_way -= 1

    async def _watched(self, call: Any) -> Any:
        """Return what the call answers; the breaker hears how it ended."""
        breaker = self.breaker
        if self._settings.breaker and not breaker.admits():
            call.close()
            name = self._channel.name
            raise CircuitOpen(f"the {name} service does not answer; try again shortly", metadata={"service": name})
        began = self._clock()
        try:
            answer = await call
        except (Unreachable, ConnectionLost):
            breaker.failed()
            raise
        except DeadlineExceeded:
            # A caller in a hurry must not cut the service off from everybody.
            patient = self._clock() - began >= self._settings.slow_seconds
            (breaker.failed if patient else breaker.left)()
            raise
        except Cancelled:
            breaker.left()
            raise
        except PlatformError:
            breaker.succeeded()
            raise
        except BaseException:
            breaker.left()
            raise
        breaker.succeeded()
        self._latencies.note(self._clock() - began)
        return answer

    async def _repeated(self, attempt: Attempt) -> Any:
        self._budget.earn()
        for number in range(RETRIES if self._settings.retries else 0):
            try:
                return await self._first(attempt)
            except CircuitOpen:
                raise
            except (Unreachable, ConnectionLost):
                if not self._budget.spend():
                    raise
            self.retried += 1
            # Spread, so that callers who failed together do not come back together.
            await asyncio.sleep(RETRY_PAUSE_SECONDS * 2**number * random.uniform(0.5, 1.5))  # noqa: S311
        return await self._first(attempt)

    async def _first(self, attempt: Attempt) -> Any:
        """Return the first answer of one call, or of two when the first is later than 95 % are."""
        after = self._latencies.p95 if self._settings.hedging else None
        if after is None:
            return await attempt()
        tasks = {asyncio.ensure_future(attempt())}
        try:
            done, _ = await asyncio.wait(tasks, timeout=after)
            if not done and self._budget.spend():
                self.hedged += 1
                tasks.add(asyncio.ensure_future(attempt()))
            while True:
                done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                good = [task for task in done if task.exception() is None]
                if good or not waiting:
                    return (good or list(done))[0].result()
                tasks = waiting
        finally:
            for task in tasks:
                task.cancel()
