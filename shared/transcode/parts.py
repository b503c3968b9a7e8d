"""What an edge may have around its calls; the gateway makes them, a service's own edge goes without."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from starlette.types import Scope

from shared.errors import PlatformError
from shared.principal import Principal
from shared.rpc.access import Door
from shared.transcode.answer import Answer
from shared.transcode.contract import Method
from shared.transcode.problem import Header

ANSWER_HEADERS = "shop.answer_headers"
"""Key of the scope below which headers lie for whatever is answered, be it a failure."""


Make = Callable[[], Awaitable[Answer]]
"""Makes an answer by calling the service."""


class Question(NamedTuple):
    """What a kept answer must be the answer to."""

    method: Method
    door: Door
    service: str
    """Name of the service that is asked."""
    request: bytes
    """The request message; equal ones have equal bytes."""
    media_type: str
    caller: Principal
    timeout: float
    """Seconds that this caller waits."""

    @property
    def seconds(self) -> int:
        """Return how long an answer may be given again."""
        return self.method.policy.cache_seconds


class Keeper(Protocol):
    """Gives answers again."""

    def answer(self, question: Question, make: Make) -> Answer | Awaitable[Answer]:
        """Return the answer, kept or made; awaited only where it is not in this process already."""


class Replier(Protocol):
    """Makes a call with an Idempotency-Key once, and answers repetitions of it."""

    async def answer(self, key: bytes, question: Question, make: Make) -> Answer:
        """Return the answer of the one call that is made. Raises PlatformError where it cannot be given again."""


class Taken(NamedTuple):
    """What a rate limit says to one call: headers for its answer, and the refusal if there is one."""

    headers: Sequence[Header] = ()
    refusal: PlatformError | None = None


class Limiter(Protocol):
    """Takes what a call costs from what its caller may use."""

    def take(self, cost: int, caller: Principal, scope: Scope) -> Taken | Awaitable[Taken]:
        """Return how the caller's limit stands; awaited only where that is not known in this process."""
