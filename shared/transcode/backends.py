"""Where calls go: a channel for each service behind this edge."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from shared.errors import NotFound, Unavailable
from shared.transcode.contract import Method


class UnknownSystem(NotFound):
    """No system has that name."""

    reason = "UNKNOWN_SYSTEM"


class NotRunning(Unavailable):
    """The system is known, but its service is not part of this installation yet."""

    reason = "SERVICE_UNAVAILABLE"


class Backend(Protocol):
    """A channel to one service, such as shared.rpc.channel.ServiceChannel."""

    async def call(
        self,
        method_path: str,
        request: Any,
        serializer: Callable[[Any], bytes],
        deserializer: Callable[[bytes], Any],
        *,
        timeout: float | None = None,  # noqa: ASYNC109  it travels as the call's deadline
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> Any:
        """Return the answer. Raises PlatformError."""


class Backends:
    """The channels by service name, and the names of systems that could have one."""

    def __init__(self, channels: Mapping[str, Backend], known: Collection[str] = ()) -> None:
        self._channels = dict(channels)
        self._known = frozenset(known)

    def named(self, name: str) -> Backend:
        """Return the channel of a service. Raises NotRunning or UnknownSystem when there is none."""
        found = self._channels.get(name)
        if found is not None:
            return found
        if name in self._known:
            raise NotRunning(f"the {name} service is not running here", metadata={"service": name})
        names = ", ".join(sorted(self._known or self._channels))
        raise UnknownSystem(f"no system is called {name[:60]!r}; there are {names}")

    def router(self, method: Method) -> Callable[[Any], Backend]:
        """Return what picks the channel of a call, by its contract or by the field it is routed by."""
        field = method.policy.route_by
        if field:
            return lambda request: self.named(getattr(request, field))
        name = method.backend
        channel = self._channels.get(name)
        if channel is None:
            self._known |= {name}
            return lambda _: self.named(name)
        return lambda _: channel
