"""How much each caller may ask: by API key, by user, and by address for whoever is nobody yet."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, parse
from starlette.types import Scope

from gateway.settings import GatewaySettings
from gateway.windows import Count, Windows
from shared.errors import ResourceExhausted
from shared.principal import Principal
from shared.telemetry_metrics import Counter
from shared.transcode.parts import Taken
from shared.transcode.problem import RETRY_AFTER

OFF = "off"
IPV6_NETWORK_BITS = 64
"""One subscriber of IPv6 has a whole /64, and may take a new address of it for each call."""


class RateLimited(ResourceExhausted):
    """The caller has used up what it may ask in this window."""

    reason = "RATE_LIMITED"


class Rate:
    """One limit under its public name."""

    def __init__(self, name: str, item: RateLimitItem) -> None:
        self.name, self.item = name, item
        self.policy = (b"ratelimit-policy", f'"{name}";q={item.amount};w={item.get_expiry()}'.encode())


def rate(name: str, text: str) -> Rate | None:
    """Return the limit in a text such as `600/minute`, None for `off`."""
    return None if text == OFF else Rate(name, parse(text))


class RateLimits:
    """Takes each call from the limit of its caller; a login is paid by the address it comes from."""

    def __init__(self, settings: GatewaySettings, windows: Windows, refused: Counter) -> None:
        self._windows = windows
        self._refused = refused
        self._user = rate("user", settings.rate_limit_user)
        self._api_key = rate("api-key", settings.rate_limit_api_key)
        self._address = rate("address", settings.rate_limit_address)
        self._roles: Mapping[str, Rate | None] = {
            role: rate(role, text) for role, text in settings.rate_limit_roles.items()
        }

    def take(self, cost: int, caller: Principal, scope: Scope) -> Taken | Awaitable[Taken]:
        """Return how the caller's limit stands after this call."""
        found, who = self._whose(caller, scope)
        if found is None:
            return Taken()
        # What costs more than the whole limit takes all of it, or it could never be called.
        hit = self._windows.hit(f"{found.name}:{who}", found.item, min(cost, found.item.amount))
        return self._told(found, hit) if isinstance(hit, Count) else self._awaited(found, hit)

    async def _awaited(self, found: Rate, hit: Awaitable[Count]) -> Taken:
        return self._told(found, await hit)

    def _whose(self, caller: Principal, scope: Scope) -> tuple[Rate | None, str]:
        if not caller.subject:
            return self._address, client_network(scope)
        if caller.client_id and caller.client_id == caller.session_id:  # an API key is its own session
            return self._api_key, caller.client_id
        return (self._of_roles(caller) if self._roles else self._user), caller.subject

    def _of_roles(self, caller: Principal) -> Rate | None:
        """Return the most generous limit of the caller's roles, the one of every user where no role has its own."""
        found = [self._roles[role] for role in caller.roles if role in self._roles]
        if not found:
            return self._user
        return None if None in found else max((one for one in found if one), key=per_second)

    def _told(self, found: Rate, count: Count) -> Taken:
        stands = f'"{found.name}";r={count.remaining};t={count.reset_seconds}'.encode()
        headers = (found.policy, (b"ratelimit", stands))
        return Taken(headers) if count.taken else Taken(headers, self._refusal(found, count))

    def _refusal(self, found: Rate, count: Count) -> RateLimited:
        self._refused.add(found.name)
        return RateLimited(
            f"this would be more than {found.item} for your {found.name}; try again in {count.wait_seconds} s",
            metadata={"limit": found.name, RETRY_AFTER: str(count.wait_seconds)},
        )


def per_second(one: Rate) -> float:
    """Return the calls a second that a limit comes to."""
    return float(one.item.amount / one.item.get_expiry())


def client_network(scope: Scope) -> str:
    """Return the address a request came from; of IPv6 the network of one subscriber."""
    client = scope.get("client")
    return network(client[0]) if client else "unknown"


@lru_cache(maxsize=4096)
def network(host: str) -> str:
    """Return an IPv4 address as it is and the /64 of an IPv6 one; `unknown` for what is neither."""
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), IPV6_NETWORK_BITS), strict=False))
