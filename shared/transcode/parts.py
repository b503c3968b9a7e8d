"""What an edge may have around its calls; the gateway makes them, a service's own edge goes without."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import NamedTuple, Protocol

from starlette.types import Scope

from shared.errors import PlatformError
from shared.principal import Principal
from shared.transcode.problem import Header

Headers = Mapping[bytes, bytes]
ANSWER_HEADERS = "shop.answer_headers"
"""Key of the scope below which headers lie for whatever is answered, be it a failure."""


class Taken(NamedTuple):
    """What a rate limit says to one call: headers for its answer, and the refusal if there is one."""

    headers: Sequence[Header] = ()
    refusal: PlatformError | None = None


class Limiter(Protocol):
    """Takes what a call costs from what its caller may use."""

    def take(self, cost: int, caller: Principal, scope: Scope, headers: Headers) -> Taken | Awaitable[Taken]:
        """Return how the caller's limit stands; awaited only where that is not known in this process."""
