"""Where a request comes from: the address and the program of whoever asks, as the edge saw them.

The edge tells it in the metadata of its calls; a service believes that only of our own processes and otherwise takes
the peer itself for the client.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

HEADER = "x-forwarded-client"
MOST_AGENT = 256
MOST_ADDRESS = 64


@dataclass(frozen=True, slots=True)
class Client:
    """An IP address and a User-Agent, each empty where it is not known."""

    address: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a call arrived: from which gRPC peer, and what an inner process told of the client."""

    peer: str = ""
    told: str = ""


UNKNOWN = Arrival()
arrived: ContextVar[Arrival] = ContextVar("arrived", default=UNKNOWN)
"""Set by the interceptor for each call; read only where somebody asks, so it is not parsed before."""


def current() -> Client:
    """Return the client of the request being served."""
    arrival = arrived.get()
    if not arrival.told:
        return Client(peer_address(arrival.peer))
    address, _, agent = arrival.told.partition(" ")
    return Client(unquote(address)[:MOST_ADDRESS], printable(unquote(agent))[:MOST_AGENT])


def told(scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> str:
    """Return what an edge tells the services behind of the request's client, as plain ASCII."""
    address = (scope.get("client") or ("", 0))[0]
    agent = headers.get(b"user-agent", b"")[:MOST_AGENT].decode("latin-1")
    return f"{quote(str(address), safe=':')} {quote(agent)}"


def peer_address(peer: str) -> str:
    """Return the IP address in a gRPC peer such as `ipv4:10.0.0.7:53422` or `ipv6:%5B::1%5D:53422`."""
    family, _, rest = peer.partition(":")
    if family not in ("ipv4", "ipv6"):
        return ""
    return unquote(rest).rpartition(":")[0].strip("[]")[:MOST_ADDRESS]


def printable(text: str) -> str:
    """Return the text without control characters."""
    return "".join(letter for letter in text if letter.isprintable())
