"""API keys at the edge: each is swapped for an access token, which is kept until shortly before it ends.

The services behind see ordinary tokens, whose session is the key; revoking the key ends them like any others.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from protos.auth.v1 import api_keys_pb2, api_keys_pb2_grpc
from shared.errors import Unauthenticated
from shared.rpc.channel import ServiceChannel

KEY = re.compile(r"si_(?P<prefix>[A-Za-z0-9]{8})_[A-Za-z0-9_-]{43}")
START = "si_"
HEADER = b"x-api-key"
BEFORE_END_SECONDS = 30.0
REFUSED_SECONDS = 5.0
MOST_KEPT = 10_000
MOST_REFUSED = 10_000
TIMEOUT_SECONDS = 5.0

Pay = Callable[[], Awaitable[None]]
"""Takes what asking the auth service costs from whoever makes it necessary; what it raises is the answer."""

T = TypeVar("T")


class ApiKeyInvalid(Unauthenticated):
    """The API key is none of ours, has ended or was revoked. Which is not told."""

    reason = "API_KEY_INVALID"

    def __init__(self) -> None:
        super().__init__("the API key does not hold: it may have ended or been revoked; make a new one")


class KeyTokens(Protocol):
    """What an edge asks for the token of a key."""

    async def token(self, key: str, pay: Pay | None = None) -> str:
        """Return an access token for the key; `pay` is awaited before auth is asked. Raises ApiKeyInvalid."""

    def forget(self, key: str) -> None:
        """Ask anew next time: the token kept for the key was refused."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A token for a key, and when to ask again on the monotonic clock."""

    token: str
    until: float


def key_in(headers: Mapping[bytes, bytes], bearer: str) -> str:
    """Return the API key of a request, empty where there is none."""
    sent = headers.get(HEADER)
    if sent is not None:
        return sent.decode("latin-1").strip()
    return bearer if bearer.startswith(START) else ""


class RemoteKeyTokens:
    """Asks the auth service, once at a time for each key, and keeps what it said."""

    def __init__(self, channel: ServiceChannel, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._exchange = api_keys_pb2_grpc.ApiKeyServiceStub(channel).Exchange  # type: ignore[no-untyped-call]
        self._monotonic = monotonic
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        # Apart from the good ones: whoever makes keys up pushes out other made-up keys, and no token that is in use.
        self._refused: OrderedDict[bytes, float] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[str]] = {}

    async def token(self, key: str, pay: Pay | None = None) -> str:
        """Return an access token for the key; `pay` is awaited before auth is asked.

        Raises ApiKeyInvalid, Unavailable when auth cannot be asked, and what `pay` raises.
        """
        if KEY.fullmatch(key) is None:
            raise ApiKeyInvalid()
        name, moment = hashlib.sha256(key.encode()).digest(), self._monotonic()
        kept = self._kept.get(name)
        if kept is not None and kept.until > moment:
            self._kept.move_to_end(name)
            return kept.token
        if self._refused.get(name, moment) > moment:
            raise ApiKeyInvalid()
        if pay is not None and name not in self._asking:
            await pay()
        return await self._asked(name, key)

    def forget(self, key: str) -> None:
        """Ask anew next time: the token kept for the key was refused."""
        self._kept.pop(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest(), None)

    async def _asked(self, name: bytes, key: str) -> str:
        task = self._asking.get(name)
        if task is None:
            task = self._asking[name] = asyncio.create_task(self._ask(name, key))
            task.add_done_callback(lambda _: self._asking.pop(name, None))
        # One caller that goes away must not take the answer from the others.
        return await asyncio.shield(task)

    async def _ask(self, name: bytes, key: str) -> str:
        asked_at = self._monotonic()
        try:
            answer = await self._exchange(api_keys_pb2.ExchangeRequest(key=key), timeout=TIMEOUT_SECONDS)
        except Unauthenticated:
            keep(self._refused, name, asked_at + REFUSED_SECONDS, MOST_REFUSED)
            raise ApiKeyInvalid() from None
        # A token shorter than the margin is used up in halves, never kept past its end.
        lasting = max(answer.expires_in - BEFORE_END_SECONDS, answer.expires_in / 2)
        keep(self._kept, name, Kept(answer.access_token, asked_at + lasting), MOST_KEPT)
        return str(answer.access_token)


def keep(among: OrderedDict[bytes, T], name: bytes, value: T, most: int) -> None:
    """Keep a value as the newest; the one used longest ago makes room."""
    among[name] = value
    among.move_to_end(name)
    if len(among) > most:
        among.popitem(last=False)
