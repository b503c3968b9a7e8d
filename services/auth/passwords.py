"""Passwords hashed with argon2id at OWASP's parameters, in few threads, so that logins cannot starve the rest."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from threading import BoundedSemaphore
from typing import Any, TypeVar

from passlib.context import CryptContext

from shared.errors import ResourceExhausted

MEMORY_KIB = 19_456
TIME_COST = 2
PARALLELISM = 1
MAX_LENGTH = 256
MOST_THREADS = 2
MAX_WAITING = 128
NICENESS = 10

Result = TypeVar("Result")


class HashingBusy(ResourceExhausted):
    """More passwords wait to be checked than can be in good time."""

    reason = "HASHING_BUSY"


class Passwords:
    """Hashes and checks passwords. Checking costs the same whether there is such a user or not."""

    def __init__(self, max_waiting: int = MAX_WAITING, context: CryptContext | None = None) -> None:
        self._context: Any = context or argon2id()
        self._pool = ThreadPoolExecutor(threads(), thread_name_prefix="passwords", initializer=step_back)
        self._places = BoundedSemaphore(max_waiting)
        self._turns, self._most_waiting, self._waiting = asyncio.Semaphore(threads() + 1), max_waiting, 0
        self._nobody = self._context.hash("a password that nobody has")

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until few enough are logging in: one more than passwords are hashed at a time. Raises HashingBusy.

        What a login reads and writes is longer work for the event loop than a password is for the threads. With all
        under way at once, a question of somebody else's had to wait for a piece of each between any two of its own.
        """
        if self._waiting >= self._most_waiting:
            raise busy()
        self._waiting += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting -= 1

    async def hash(self, password: str) -> str:
        """Return the hash to store. Raises HashingBusy."""
        return await self._run(partial(self._context.hash, _normal(password)))

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Return whether it is the password, and a better hash to store if the parameters have changed since.

        Args:
            password: what was typed.
            stored: the hash of the user, None when there is no such user.
        """
        check = partial(self._context.verify_and_update, _normal(password), stored or self._nobody)
        good, better = await self._run(check)
        return bool(good and stored), better

    async def _run(self, work: Callable[[], Result]) -> Result:
        if not self._places.acquire(blocking=False):
            raise busy()
        future = self._pool.submit(work)
        # Given back when the thread is done with it, not when the caller goes away.
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let the threads go once they are done."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def busy() -> HashingBusy:
    """Return what is told to one too many."""
    return HashingBusy("too many logins at this moment; try again in a few seconds")


def threads() -> int:
    """Return how many passwords are hashed at a time: a core is left to everything else."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(MOST_THREADS, max(1, cores - 1))


def step_back() -> None:
    """Let every other thread go first, the event loop above all; where threads have no priorities, do nothing."""
    if sys.platform == "linux":  # where the priority of a thread is its own
        mine = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, mine, os.getpriority(os.PRIO_PROCESS, mine) + NICENESS)


def argon2id(memory_kib: int = MEMORY_KIB, time_cost: int = TIME_COST) -> CryptContext:
    """Return the hashing context; a hash made with other parameters is due to be replaced."""
    return CryptContext(
        schemes=["argon2"],
        argon2__type="ID",
        argon2__memory_cost=memory_kib,
        argon2__time_cost=time_cost,
        argon2__parallelism=PARALLELISM,
    )


def _normal(password: str) -> str:
    """Return one form for what looks the same, however the keyboard made it (NIST SP 800-63B)."""
    # One character more than any password may have is enough to be wrong, however long the rest is.
    return unicodedata.normalize("NFKC", password[: MAX_LENGTH + 1])
