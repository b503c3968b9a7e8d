"""What everything in a gateway stands on: its contracts, the channels to the services, who callers are, the stores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway import identity
from gateway.cache.answers import AnswerCache
from gateway.cache.versions import LakeVersions
from gateway.idempotency import Idempotency
from gateway.opening import Store
from gateway.parts import answer_cache, rate_limits
from gateway.rate_limits import RateLimits
from gateway.redis_client import redis_client
from gateway.settings import GatewaySettings
from shared.api_keys import RemoteKeyTokens
from shared.revocation import RemoteRevocations
from shared.rpc.channel import ServiceChannel, channel
from shared.systems import SYSTEMS
from shared.telemetry_metrics import Meters
from shared.tokens import TokenVerifier
from shared.transcode.contract import Contracts, load_contracts


@dataclass(frozen=True)
class Base:
    """The common ground of a gateway's parts."""

    settings: GatewaySettings
    meters: Meters
    contracts: Contracts
    channels: Mapping[str, ServiceChannel]
    signer: ServiceChannel
    """The channel to the service that signs tokens."""
    verifier: TokenVerifier
    revocations: RemoteRevocations
    api_keys: RemoteKeyTokens
    redis: Redis | None
    store: Store
    limits: RateLimits
    versions: LakeVersions
    cache: AnswerCache | None
    replier: Idempotency

    @classmethod
    def of(cls, settings: GatewaySettings, meters: Meters) -> Base:
        """Return what these settings say. To be called in the event loop that serves: the channels belong to it."""
        contracts = load_contracts()
        channels = {name: channel(name, address, settings, meters) for name, address in settings.services.items()}
        verifier, revocations, api_keys = identity.verifier(settings, contracts, channels)
        redis = redis_client(settings.redis_url) if settings.redis_url else None
        versions = LakeVersions({system.name: channels[system.name] for system in SYSTEMS if system.name in channels})
        keys = meters.counter("idempotency_keys", "Calls with an Idempotency-Key.", ("outcome",))
        return cls(
            settings,
            meters,
            contracts,
            channels,
            channels[identity.identity_service(settings, contracts)],
            verifier,
            revocations,
            api_keys,
            redis,
            Store(settings.store_url),
            rate_limits(settings, redis, meters),
            versions,
            answer_cache(settings, redis, versions, meters),
            Idempotency(settings.store_url, keys),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the channels open and follow the revocations until left; then close the store."""
        async with AsyncExitStack() as stack:
            for one in self.channels.values():
                await stack.enter_async_context(one)
            await stack.enter_async_context(self.revocations)
            if self.redis is not None:
                stack.push_async_callback(self.redis.aclose)
            stack.push_async_callback(self.store.close)
            yield
