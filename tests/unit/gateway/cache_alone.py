"""The cache without a gateway, with the clock in hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.cache.answers import AnswerCache
from gateway.cache.memory import MemoryStore
from gateway.cache.versions import LakeVersions
from shared.principal import Principal
from shared.rpc.access import Door
from shared.telemetry_metrics import Meters
from shared.transcode.answer import Answer
from shared.transcode.contract import load_contracts
from shared.transcode.parts import Question

LIST_SEGMENTS = "demand.v1.DemandService.ListSegments"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


METHOD = next(method for method in load_contracts().published if method.full_name == LIST_SEGMENTS)
ADA = Principal("ada", permissions=frozenset({"demand:read"}))


def question(
    request: bytes = b"", timeout: float = 10.0, door: Door = Door.PERMISSION, who: Principal = ADA
) -> Question:
    return Question(METHOD, door, "auth", request, "application/json", who, timeout)


def cache_of(clock: Clock, room: int = 1_000_000) -> AnswerCache:
    return AnswerCache(MemoryStore(room, clock), LakeVersions({}), Meters(), clock)


def making(*bodies: bytes) -> tuple[Callable[[], Awaitable[Answer]], list[bytes]]:
    left = list(bodies)

    async def make() -> Answer:
        return Answer(200, left.pop(0))

    return make, left


async def asked(cache: AnswerCache, what: Question, make: Callable[[], Awaitable[Answer]]) -> Answer:
    found = cache.answer(what, make)
    return found if isinstance(found, Answer) else await found
