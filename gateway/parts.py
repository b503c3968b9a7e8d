"""The parts that the gateway puts around its calls, made as its settings say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from redis.asyncio import Redis

from gateway.cache.answers import AnswerCache
from gateway.cache.memory import MemoryStore
from gateway.cache.shared_store import SharedStore
from gateway.cache.versions import LakeVersions
from gateway.rate_limits import RateLimits
from gateway.settings import GatewaySettings
from gateway.windows import LocalWindows, SharedWindows
from shared.rpc.breaker import State
from shared.rpc.channel import ServiceChannel
from shared.rpc.resilience import Resilience, ResilientChannel
from shared.telemetry_metrics import Meters
from shared.transcode.contract import Contracts


def resilient(
    settings: GatewaySettings, contracts: Contracts, channels: Mapping[str, ServiceChannel], meters: Meters
) -> dict[str, ResilientChannel]:
    """Return the channels with what the settings switch on around their calls."""
    asking, how = repeatable(contracts), resilience(settings)
    made = {name: ResilientChannel(one, asking, how) for name, one in channels.items()}
    figures: dict[str, tuple[str, Callable[[ResilientChannel], float]]] = {
        "rpc_client_active_calls": ("Calls under way.", lambda one: one.under_way),
        "rpc_client_circuit_open": (
            "1 while a service is left alone.",
            lambda one: one.breaker.state is not State.CLOSED,
        ),
        "rpc_client_retries": ("Calls made again since the start.", lambda one: one.retried),
        "rpc_client_hedges": ("Second calls begun before the first was answered.", lambda one: one.hedged),
        "rpc_client_shed": ("Calls not begun because too many were under way.", lambda one: one.shed),
    }
    for name, (text, read) in figures.items():
        meters.gauge(name, text, ("peer_service",), partial(by_service, made, read))
    return made


def resilience(settings: GatewaySettings) -> Resilience:
    """Return what the settings switch on around calls."""
    return Resilience(
        settings.circuit_breaker,
        settings.retries,
        settings.hedging,
        # A little less than what a caller who names no time is given, up to five seconds.
        slow_seconds=0.9 * min(5.0, settings.timeout_seconds),
        most_calls=settings.most_calls,
    )


def repeatable(contracts: Contracts) -> list[str]:
    """Return the paths of methods that are questions: asking again changes nothing."""
    return [one.rpc_path for one in contracts.published if one.rule.verb == "GET" or one.policy.cache_seconds]


def by_service(
    channels: Mapping[str, ResilientChannel], read: Callable[[ResilientChannel], float]
) -> dict[tuple[str, ...], float]:
    """Return one figure of every channel."""
    return {(name,): float(read(one)) for name, one in channels.items()}


def rate_limits(settings: GatewaySettings, redis: Redis | None, meters: Meters) -> RateLimits:
    """Return the limits of the settings, counted in Redis where there is one."""
    refused = meters.counter("rate_limit_refused", "Calls refused for a rate limit.", ("limit",))
    failures = meters.counter("rate_limit_store_failures", "Times Redis did not count; each process counted alone.")
    local = LocalWindows()
    meters.gauge("rate_limit_keys", "Callers counted in this process.", (), lambda: {(): float(len(local))})
    return RateLimits(settings, SharedWindows(redis, failures, local) if redis else local, refused)


def answer_cache(
    settings: GatewaySettings, redis: Redis | None, versions: LakeVersions, meters: Meters
) -> AnswerCache | None:
    """Return what keeps answers, in Redis where there is one; None where the settings give it no room."""
    if not settings.cache_bytes:
        return None
    failures = meters.counter("cache_store_failures", "Times Redis did not keep or give an answer.")
    if redis is not None:
        return AnswerCache(SharedStore(redis, failures), versions, meters)
    store = MemoryStore(settings.cache_bytes)
    meters.gauge("cache_bytes", "Room that kept answers take.", (), lambda: {(): float(store.size)})
    return AnswerCache(store, versions, meters)
