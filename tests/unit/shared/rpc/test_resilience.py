"""What surrounds calls to a service that is slow, broken or gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Cancelled, DeadlineExceeded, NotFound, PlatformError, Unavailable
from shared.rpc.breaker import LEAST_CALLS, PAUSE_SECONDS, Breaker, State
from shared.rpc.resilience import (
    BUDGET_MOST,
    LATENCIES,
    CircuitOpen,
    Latencies,
    Overloaded,
    Resilience,
    ResilientChannel,
    RetryBudget,
)
from shared.rpc.status import ConnectionLost, Unreachable

READ, WRITE = "/a.B/Get", "/a.B/Create"
Answer = Callable[[], Awaitable[Any]]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Service:
    """Stands in for a channel; each call does what is next in `plan`, the last one for ever."""

    name = "demand"

    def __init__(self, *plan: Answer) -> None:
        self.plan, self.calls, self.timeouts = list(plan), 0, []

    async def call(self, *_: Any, timeout: float, metadata: Any) -> Any:  # noqa: ASYNC109
        self.calls += 1
        self.timeouts.append(timeout)
        return await (self.plan.pop(0) if len(self.plan) > 1 else self.plan[0])()


def raising(error: PlatformError) -> Answer:
    async def answer() -> Any:
        raise error

    return answer


async def fine() -> str:
    return "fine"


LOST, GONE = raising(ConnectionLost("broke")), raising(Unreachable("nobody there"))


def channel(service: Service, clock: Clock | None = None, **settings: Any) -> ResilientChannel:
    return ResilientChannel(service, [READ], Resilience(**settings), clock or Clock())  # type: ignore[arg-type]


async def call(one: ResilientChannel, path: str = READ, timeout: float = 10.0) -> Any:  # noqa: ASYNC109
    return await one.call(path, b"", bytes, bytes, timeout=timeout)


@pytest.mark.parametrize("failure", [LOST, GONE], ids=["lost", "gone"])
async def test_a_question_whose_connection_failed_is_asked_again(failure: Answer):
    service = Service(failure, failure, fine)
    assert await call(channel(service)) == "fine"
    assert service.calls == 3


@pytest.mark.parametrize(
    ("path", "settings", "failure"),
    [
        (WRITE, {}, LOST),
        (WRITE, {}, GONE),
        (READ, {"retries": False}, LOST),
        (READ, {}, raising(Unavailable("the service says that its store is down"))),
        (READ, {}, raising(DeadlineExceeded("late"))),
        (READ, {}, raising(NotFound("no"))),
    ],
    ids=["a change", "a change not sent", "switched off", "its own word", "late", "refused"],
)
async def test_nothing_else_is(path: str, settings: dict[str, Any], failure: Answer):
    service = Service(failure, fine)
    with pytest.raises(PlatformError):
        await call(channel(service, **settings), path)
    assert service.calls == 1


async def test_retries_are_a_tenth_of_all_calls_and_a_few():
    service = Service(LOST)
    one = channel(service, breaker=False)
    for _ in range(100):
        with pytest.raises(ConnectionLost):
            await call(one)
    assert 100 + BUDGET_MOST <= service.calls <= 100 + BUDGET_MOST + 100 * 0.1


@given(st.lists(st.booleans(), max_size=300))
def test_the_budget_never_lets_more_than_its_share_through(asked: list[bool]):
    budget, earned, spent = RetryBudget(), 0, 0
    for retry in asked:
        if retry:
            spent += budget.spend()
        else:
            budget.earn()
            earned += 1
    assert spent <= BUDGET_MOST + earned * 0.1 + 1e-6


async def test_a_retry_has_what_is_left_of_the_time():
    clock = Clock()

    async def slowly_lost() -> Any:
        clock.now += 4
        raise ConnectionLost("broke")

    service = Service(slowly_lost, fine)
    await call(channel(service, clock), timeout=10)
    assert service.timeouts == [10, 6]


async def test_a_service_that_is_gone_is_left_alone_and_found_again():
    clock, service = Clock(), Service(GONE)
    one = channel(service, clock, retries=False)
    for _ in range(LEAST_CALLS):
        with pytest.raises(Unreachable):
            await call(one)
    assert one.breaker.state is State.OPEN
    with pytest.raises(CircuitOpen) as told:
        await call(one)
    assert (service.calls, told.value.metadata) == (LEAST_CALLS, {"service": "demand"})
    assert told.value.error_reason == "SERVICE_UNAVAILABLE"
    service.plan = [fine]
    clock.now += PAUSE_SECONDS[0]
    assert await call(one) == "fine"
    assert one.breaker.state is State.CLOSED


async def test_half_open_only_one_call_finds_out():
    clock, go = Clock(), asyncio.Event()
    service = Service(GONE)
    one = channel(service, clock, retries=False)
    for _ in range(LEAST_CALLS):
        with pytest.raises(Unreachable):
            await call(one)

    async def slow() -> str:
        await go.wait()
        return "fine"

    service.plan = [slow]
    clock.now += PAUSE_SECONDS[0]
    probe = asyncio.create_task(call(one))
    await asyncio.sleep(0)
    with pytest.raises(CircuitOpen):
        await call(one)
    go.set()
    assert await probe == "fine"
    assert service.calls == LEAST_CALLS + 1


def test_each_failed_probe_doubles_the_pause_up_to_its_longest():
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(LEAST_CALLS):
        breaker.admits()
        breaker.failed()
    for pause in (0.5, 1.0, 2.0, 4.0, 4.0):
        assert breaker.wait_seconds == pytest.approx(pause)
        clock.now += pause - 0.01
        assert not breaker.admits()
        clock.now += 0.02
        assert breaker.admits()
        breaker.failed()


def test_a_probe_whose_caller_left_says_nothing_and_the_next_finds_out():
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(LEAST_CALLS):
        breaker.failed()
    clock.now += PAUSE_SECONDS[0]
    assert breaker.admits()
    breaker.left()
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize(
    "failure",
    [
        raising(NotFound("no")),
        raising(Unavailable("a table of it cannot be read")),
        raising(DeadlineExceeded("the caller was in a hurry")),
        raising(Cancelled("the caller left")),
    ],
    ids=["refused", "its own word", "in a hurry", "left"],
)
async def test_what_is_not_the_services_failure_never_opens_the_circuit(failure: Answer):
    one = channel(Service(failure))
    for _ in range(5 * LEAST_CALLS):
        with pytest.raises(PlatformError):
            await call(one)
    assert one.breaker.state is State.CLOSED


async def test_a_service_that_hangs_opens_the_circuit():
    clock = Clock()

    async def hangs() -> Any:
        clock.now += 5
        raise DeadlineExceeded("late")

    one = channel(Service(hangs), clock)
    for _ in range(LEAST_CALLS):
        with pytest.raises(DeadlineExceeded):
            await call(one)
    assert one.breaker.state is State.OPEN


async def test_now_and_then_a_failure_opens_nothing():
    plan = [GONE, fine, fine] * 20
    one = channel(Service(*plan), retries=False)
    for _ in range(60):
        with contextlib.suppress(Unreachable):
            await call(one)
    assert one.breaker.opened == 0


async def test_calls_beyond_the_bound_are_not_begun():
    go = asyncio.Event()

    async def slow() -> str:
        await go.wait()
        return "fine"

    service = Service(slow)
    one = channel(service, most_calls=3)
    under_way = [asyncio.create_task(call(one)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await call(one)
    go.set()
    assert await asyncio.gather(*under_way) == ["fine"] * 3
    assert await call(one) == "fine"
    assert (service.calls, one.under_way) == (4, 0)


async def hedged(*plan: Answer) -> tuple[ResilientChannel, Service]:
    """Return a channel that knows its latencies, with hedging on."""
    service = Service(*plan)
    one = channel(service, hedging=True)
    one._latencies.p95 = 0.0
    return one, service


async def test_an_answer_later_than_most_is_asked_for_twice_and_the_first_is_taken():
    cancelled = asyncio.Event()

    async def stalled() -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    one, service = await hedged(stalled, fine)
    async with asyncio.timeout(10):
        assert await call(one) == "fine"
        await cancelled.wait()
    assert (service.calls, one.hedged) == (2, 1)


async def test_a_change_is_never_hedged():
    go = asyncio.Event()

    async def slow() -> str:
        await go.wait()
        return "slow"

    one, service = await hedged(slow, fine)
    asking = asyncio.create_task(call(one, WRITE))
    for _ in range(10):
        await asyncio.sleep(0)
    go.set()
    assert await asking == "slow"
    assert (service.calls, one.hedged) == (1, 0)


async def test_of_two_the_one_that_fails_does_not_hide_the_one_that_answers():
    go = asyncio.Event()

    async def slow() -> str:
        await go.wait()
        return "slow"

    async def refuses() -> Any:
        go.set()
        raise NotFound("no")

    one, _ = await hedged(slow, refuses)
    async with asyncio.timeout(10):
        assert await call(one) == "slow"


def test_the_latency_that_most_stay_below_is_known_once_there_are_enough():
    latencies = Latencies()
    for number in range(LATENCIES):
        if number < LATENCIES // 2 - 1:
            assert latencies.p95 is None
        latencies.note(number / 1000)
    assert latencies.p95 == pytest.approx(0.95 * LATENCIES / 1000, abs=0.002)
