"""Webhooks: only to addresses of the public internet over TLS, or to hosts that the settings name; signed.

A rule's owner chooses the address, so a gateway that follows it blindly could be made to reach what only it can
reach (server-side request forgery). The name is resolved here, every address looked at, and the connection made to
the very address that was looked at; redirects are not followed.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
import time
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from gateway.registered.address import METADATA
from shared.errors import InvalidArgument, PlatformError, Unavailable

SIGNATURE, DELIVERY = "X-Shop-Signature", "X-Shop-Delivery"
TIMEOUT_SECONDS = 8.0
RESOLVE_SECONDS = 3.0
TRY_AGAIN = (408, 425, 429)
NAT64 = ip_network("64:ff9b::/96")
RESOLVERS = ThreadPoolExecutor(4, thread_name_prefix="webhook-dns")
"""Threads of their own: whoever has names that are never resolved takes none from the rest of the process."""
Resolve = Callable[[str, int], Awaitable[list[str]]]


class WebhookRefused(InvalidArgument):
    """The address of a webhook is one the gateway does not call."""

    reason = "WEBHOOK_ADDRESS_REFUSED"


class WebhookFailed(Unavailable):
    """The other end did not take the message; it may later."""

    reason = "WEBHOOK_FAILED"


class WebhookRejected(PlatformError):
    """The other end said no; saying it again would not help."""

    reason = "WEBHOOK_REJECTED"


async def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host. Raises OSError, or UnicodeError for a name that none can have."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(RESOLVERS, ask)
    return [str(one[4][0]) for one in found]


def is_public(text: str) -> bool:
    """Return whether an address is on the public internet, whatever it is wrapped in."""
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in NAT64:
            inside = IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
        if address.is_site_local:
            return False
    special = address.is_multicast or address.is_reserved or address in METADATA
    return address.is_global and not special


def signature(secret: str, body: bytes, at: int) -> str:
    """Return the signature of a body: HMAC-SHA-256 over the moment, a point and the body."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Webhooks:
    """Posts to addresses that callers chose."""

    def __init__(self, client: httpx.AsyncClient, named: Collection[str], resolve: Resolve = resolved) -> None:
        self._client, self._resolve = client, resolve
        self._named = frozenset(one.lower() for one in named)

    async def check(self, url: str) -> str | None:
        """Return the address to connect to, None where the host is named in the settings.

        Raises WebhookRefused, or WebhookFailed for a name that cannot be resolved.
        """
        try:
            parts = httpx.URL(url)
            host = parts.host.lower()
        except (httpx.InvalidURL, ValueError):
            raise WebhookRefused("the address is no URL; write https://host/path") from None
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        if parts.scheme not in ("http", "https") or not host or parts.userinfo:
            raise WebhookRefused("the address must be https://host/path, without a user name")
        if {host, f"{host}:{port}"} & self._named:
            return None
        if parts.scheme != "https":
            raise WebhookRefused("the address must begin with https://; ALERT_WEBHOOK_HOSTS names hosts that need not")
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                addresses = await self._resolve(host, port)
        except UnicodeError:
            raise WebhookRefused("the host of the address is no name; its parts have 1 to 63 characters") from None
        except (OSError, TimeoutError):
            raise WebhookFailed("the host of the address is not known") from None
        if not addresses or not all(map(is_public, addresses)):
            raise WebhookRefused("the host is not on the public internet; ALERT_WEBHOOK_HOSTS names hosts that are let")
        return addresses[0]

    async def post(self, url: str, body: bytes, secret: str, delivery: str) -> None:
        """Return once the other end has taken a body of JSON. Raises WebhookRefused, -Rejected or -Failed.

        Args:
            url: where to.
            body: what is sent.
            secret: what it is signed with; empty: it is not.
            delivery: id by which the other end knows a repetition.
        """
        headers = {"Content-Type": "application/json", "User-Agent": "shop-insight", DELIVERY: delivery}
        if secret:
            headers[SIGNATURE] = signature(secret, body, int(time.time()))
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                status = await self._sent(url, await self.check(url), body, headers)
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            # What the library says may hold the address, and that its secret.
            raise WebhookFailed(f"the webhook was not taken ({type(error).__name__})") from None
        if status in TRY_AGAIN or status >= 500:
            raise WebhookFailed(f"the webhook answered {status}")
        if not 200 <= status < 300:
            raise WebhookRejected(f"the webhook answered {status}")

    async def _sent(self, url: str, address: str | None, body: bytes, headers: dict[str, str]) -> int:
        """Return the status of the answer; its body is not read."""
        target, extensions = httpx.URL(url), {}
        if address is not None:
            headers = {**headers, "Host": target.netloc.decode("ascii")}
            extensions = {"sni_hostname": target.host}
            target = target.copy_with(host=address)
        async with self._client.stream("POST", target, content=body, headers=headers, extensions=extensions) as answer:
            return answer.status_code


def webhook_client() -> httpx.AsyncClient:
    """Return a client that follows nothing and believes no proxy of the environment."""
    return httpx.AsyncClient(
        follow_redirects=False,
        trust_env=False,
        timeout=TIMEOUT_SECONDS,
        # None is kept: the next host at the same address has to prove itself too.
        limits=httpx.Limits(max_connections=32, max_keepalive_connections=0),
    )
