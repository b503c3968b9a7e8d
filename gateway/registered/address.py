"""Where a registered system may be: no address that the gateway alone can reach and nobody meant it to (SSRF)."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from shared.errors import FieldError, InvalidArgument

ADDRESS = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):(?P<port>[0-9]{1,5})"
)
METADATA = frozenset(
    ip_address(text)
    for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd20:ce::254")
)
"""Where clouds tell a machine its credentials; most are link-local, these are refused whatever they are."""
NAT64 = ip_network("64:ff9b::/96")
RESOLVE_SECONDS = 3.0

Ip = IPv4Address | IPv6Address


class AddressRefused(InvalidArgument):
    """The address is no `host:port`, or one where no system may be."""

    reason = "SYSTEM_ADDRESS_REFUSED"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, errors=[FieldError("address", detail)])


class AddressUnknown(InvalidArgument):
    """The host's name has no address."""

    reason = "SYSTEM_UNREACHABLE"


@dataclass(frozen=True)
class Places:
    """Where systems may be.

    Args:
        networks: CIDRs they must be in; none: anywhere but where nobody may be.
        plain_anywhere: whether calls without TLS may leave this machine.
    """

    networks: Sequence[str] = ()
    plain_anywhere: bool = False

    async def check(self, address: str, tls: bool) -> None:
        """Return if a system may be at the address. Raises AddressRefused or AddressUnknown.

        Every address of a name is looked at: a name with one good and one bad address is refused.
        """
        host, port = parts(address)
        for found in [effective(one) for one in await resolved(host, port)]:
            self._check(host, found, tls)

    def _check(self, host: str, found: Ip, tls: bool) -> None:
        nowhere = found.is_link_local or found.is_multicast or found.is_unspecified
        if nowhere or found in METADATA or (found.is_reserved and not found.is_loopback):
            raise AddressRefused(
                f"{host} is link-local, reserved or a cloud's metadata address; no system may be there"
            )
        if self.networks and not any(found in ip_network(one) for one in self.networks):
            raise AddressRefused(f"{host} is in none of the networks of SYSTEM_NETWORKS; an operator may add its own")
        if not (tls or found.is_loopback or self.plain_anywhere):
            raise AddressRefused(
                f"{host} is not on this machine, so its calls must be encrypted: say tls, or set TRUST_NETWORK where "
                "nobody else is on the network"
            )


def parts(address: str) -> tuple[str, int]:
    """Return host and port. Raises AddressRefused: sockets, schemes and paths are no addresses here."""
    found = ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found["port"]) < 65536:
        raise AddressRefused(f"{address[:80]!r} is not host:port; write for example weather.internal:5001")
    return found["host"].strip("[]"), int(found["port"])


def target(address: str) -> str:
    """Return the address as gRPC takes it: by DNS in so many words, as a host called `unix` would be a socket."""
    return f"dns:///{address}"


async def resolved(host: str, port: int) -> list[Ip]:
    """Return the addresses of a host. Raises AddressUnknown."""
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    except (OSError, TimeoutError, UnicodeError, ValueError):
        detail = f"{host} has no address here; is the name right?"
        raise AddressUnknown(detail, errors=[FieldError("address", detail)]) from None


def effective(found: Ip) -> Ip:
    """Return the IPv4 address that an IPv6 one stands for, itself otherwise."""
    if isinstance(found, IPv4Address):
        return found
    if found in NAT64:
        return IPv4Address(int(found) & 0xFFFFFFFF)
    return found.ipv4_mapped or found.sixtofour or found
