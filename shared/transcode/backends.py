"""Where calls go: a channel for each service behind this edge."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from shared.errors import NotFound, Unavailable
from shared.transcode.contract import Method

BY_SERVICE = "service"


class UnknownSystem(NotFound):
    """No system has that name."""

    reason = "UNKNOWN_SYSTEM"


class UnknownService(NotFound):
    """No service of this installation has that name."""

    reason = "UNKNOWN_SERVICE"


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
        metadata: Sequence[tuple[str, str]] = (),
    ) -> Any:
        """Return the answer. Raises PlatformError."""


class Backends:
    """The channels by service name, and the names of the systems that a call may be routed to by a field."""

    def __init__(self, channels: Mapping[str, Backend], systems: Collection[str] = ()) -> None:
        self._own, self._own_systems = dict(channels), frozenset(systems)
        self._channels, self._systems = self._own, self._own_systems

    def further(self, systems: Mapping[str, Backend]) -> None:
        """Send calls to these systems too, none of which is called as an own one is; those told before are gone."""
        self._channels = {**systems, **self._own}
        self._systems = self._own_systems | systems.keys()

    def service(self, method: Method) -> Callable[[Any], str]:
        """Return what names the service of a call, by its contract or by the field it is routed by.

        A field called `service` names any service that runs here, else UnknownService is raised; others name a system,
        else UnknownSystem is, whether or not a service is called so.
        """
        field, name = method.policy.route_by, method.backend
        known = self._running if field == BY_SERVICE else self._system
        return (lambda request: known(getattr(request, field))) if field else (lambda _: name)

    def running(self, name: str) -> Backend:
        """Return the channel of a service. Raises NotRunning when this installation has none."""
        found = self._channels.get(name)
        if found is None:
            raise NotRunning(f"the {name} service is not running here", metadata={"service": name})
        return found

    def _running(self, name: str) -> str:
        if name not in self._channels:
            raise UnknownService(f"no service {name[:64]!r} runs here")
        return name

    def _system(self, name: str) -> str:
        if name not in self._systems:
            names = ", ".join(sorted(self._systems))
            raise UnknownSystem(f"no system is called {name[:60]!r}; there are {names}")
        return name
