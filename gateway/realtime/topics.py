"""Which topics there are, and who may listen to them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from gateway.realtime.listener import Key
from shared.errors import NotFound
from shared.principal import Principal
from shared.rpc.access import PermissionMissing

METRICS, ALERTS, OPERATIONS = "metrics.", "alerts", "operations"


class UnknownTopic(NotFound):
    """There is no such topic."""

    reason = "UNKNOWN_TOPIC"


class Topics:
    """Tells the stream of a topic for a caller."""

    def __init__(self, systems: Callable[[], Collection[str]]) -> None:
        self._systems = systems

    def stream(self, topic: str, caller: Principal) -> Key:
        """Return the stream of a topic for a caller. Raises UnknownTopic or PermissionMissing."""
        if topic in (ALERTS, OPERATIONS):
            return Key(topic, caller.subject)
        system = topic.removeprefix(METRICS)
        if not topic.startswith(METRICS) or system not in self._systems():
            raise UnknownTopic(f"there is no topic {topic!r}; there are metrics.<system>, alerts and operations")
        permission = f"{system}:read"
        if not caller.may(permission):
            raise PermissionMissing(
                f"this needs the permission {permission}, which you do not have; ask an administrator",
                metadata={"permission": permission},
            )
        return Key(topic, bound=caller.regions is not None)


def metrics_keys(system: str) -> tuple[Key, Key]:
    """Return the streams of a system's figures: for callers of every region, and for those bound to some."""
    return Key(METRICS + system), Key(METRICS + system, bound=True)
