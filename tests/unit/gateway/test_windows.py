"""Sliding windows: the arithmetic of the package `limits`, in this process and in Redis alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import parse
from limits.storage import MemoryStorage, memory
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis

from gateway.redis_client import redis_client
from gateway.windows import Count, LocalWindows, SharedWindows
from shared.telemetry_metrics import Counter
from tests.redis_server import RedisServer, needs_redis, redis_server

TEN = parse("10/minute")
HITS = st.lists(st.tuples(st.integers(0, 45), st.integers(1, 4)), min_size=1, max_size=40)


class Clock:
    def __init__(self, now: float = 1_000_000_020.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@given(HITS)
def test_what_is_let_in_is_what_the_package_limits_lets_in(hits):
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(1_000_000_020.37)  # where no weighted count is whole: there floats may fall to either side
        patch.setattr(memory, "time", SimpleNamespace(time=clock))
        theirs, ours = SlidingWindowCounterRateLimiter(MemoryStorage()), LocalWindows(clock)
        for later, cost in hits:
            clock.now += later
            assert ours.hit("ada", TEN, cost).taken == theirs.hit(TEN, "ada", cost=cost)


@given(HITS)
def test_whoever_waits_as_told_is_let_in_and_no_second_sooner(hits):
    clock = Clock()
    windows = LocalWindows(clock)
    for later, cost in hits:
        clock.now += later
        count = windows.hit("ada", TEN, cost)
        if count.taken:
            assert count.wait_seconds == 0
            continue
        asked_at = clock.now
        clock.now = asked_at + count.wait_seconds
        assert windows.hit("ada", TEN, cost).taken


def test_the_whole_limit_may_be_spent_at_once_and_then_nothing_is_left():
    windows = LocalWindows(Clock(1_000_000_020.0))
    assert [windows.hit("ada", TEN, 4).remaining for _ in range(2)] == [6, 2]
    refused = windows.hit("ada", TEN, 4)
    assert (refused.taken, refused.remaining, refused.reset_seconds) == (False, 2, 60)
    assert windows.hit("ada", TEN, 2) == Count(True, 0, 60, 0)
    assert windows.hit("bob", TEN, 10).taken


def test_half_a_window_later_half_of_the_one_before_still_counts():
    clock = Clock(1_000_000_020.0)
    windows = LocalWindows(clock)
    windows.hit("ada", TEN, 10)
    clock.now += 90
    assert windows.hit("ada", TEN, 1) == Count(True, 4, 30, 0)
    assert windows.hit("ada", TEN, 5) == Count(False, 4, 30, 6)
    clock.now += 120
    assert windows.hit("ada", TEN, 1).remaining == 9


def test_callers_without_end_take_no_memory_without_end():
    windows = LocalWindows(Clock(), most_keys=100)
    for number in range(1000):
        windows.hit(f"address:{number}", TEN, 1)
    assert len(windows) == 100


def test_whoever_still_asks_is_not_forgotten_for_others_who_come():
    windows = LocalWindows(Clock(), most_keys=100)
    for number in range(1000):
        assert windows.hit("ada", TEN, 1).taken == (number < 10)
        windows.hit(f"address:{number}", TEN, 1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with redis_server(tmp_path_factory.mktemp("redis")) as one:
        yield one


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    client = redis_client(server.url)
    await client.flushall()
    yield client
    await client.aclose()


def failures() -> Counter:
    return Counter("rate_limit_store_failures", "")


async def counted(windows: SharedWindows, cost: int = 1, key: str = "ada") -> Count:
    found = windows.hit(key, TEN, cost)
    return found if isinstance(found, Count) else await found


@needs_redis
async def test_two_processes_that_share_redis_share_a_limit(redis: Redis):
    one, other = (SharedWindows(redis, failures(), LocalWindows()) for _ in range(2))
    assert (await counted(one, 6)).taken
    assert not (await counted(other, 5)).taken
    assert (await counted(other, 4)).remaining == 0
    assert 0 < await redis.pttl("rate:ada") <= 120_000


@needs_redis
async def test_a_hundred_at_once_get_no_more_than_the_limit(redis: Redis):
    windows = [SharedWindows(redis, failures(), LocalWindows()) for _ in range(2)]
    found = await asyncio.gather(*(counted(windows[number % 2]) for number in range(100)))
    assert sum(count.taken for count in found) == 10


@needs_redis
@pytest.mark.parametrize("key", ["ada", "a b\r\n{c}", "é"])
async def test_any_name_is_a_key(redis: Redis, key: str):
    windows = SharedWindows(redis, failures(), LocalWindows())
    assert [(await counted(windows, 5, key)).taken for _ in range(3)] == [True, True, False]


@needs_redis
async def test_while_redis_is_down_each_process_keeps_the_limit_alone_and_says_so_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    clock, failed = Clock(0.0), failures()
    with redis_server(tmp_path) as own:
        client = redis_client(own.url)
        windows = SharedWindows(client, failed, LocalWindows(), clock)
        assert (await counted(windows, 10)).taken
        own.stop()
        assert [(await counted(windows, 5)).taken for _ in range(3)] == [True, True, False]
        assert failed.value() == 1, "within a second it is not asked again"
        clock.now += 2
        assert not (await counted(windows, 5)).taken
        assert failed.value() == 2
        assert capsys.readouterr().out.count("Redis is down") == 1
        own.start()
        clock.now += 2
        assert (await counted(windows, 10)).taken, "it was started empty"
        await client.aclose()
