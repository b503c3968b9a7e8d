"""API keys at the edge: each is swapped for an access token, which is kept until shortly before it ends.

The services behind see ordinary tokens, whose session is the key; revoking the key ends them like any others.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from protos.auth.v1 import api_keys_pb2, api_keys_pb2_grpc
from shared.errors import Unauthenticated
from shared.rpc.channel import ServiceChannel

KEY = re.compile(r"si_(?P<prefix>[A-Za-z0-9]{8})_[A-Za-z0-9_-]{43}")
START = "si_"
HEADER = b"x-api-key"
BEFORE_END_SECONDS = 30.0
REFUSED_SECONDS = 5.0
MOST_KEPT = 10_000
TIMEOUT_SECONDS = 5.0


class ApiKeyInvalid(Unauthenticated):
    """The API key is none of ours, has ended or was revoked. Which is not told."""

    reason = "API_KEY_INVALID"

    def __init__(self) -> None:
        super().__init__("the API key does not hold: it may have ended or been revoked; make a new one")


class KeyTokens(Protocol):
    """What an edge asks for the token of a key."""

    async def token(self, key: str) -> str:
        """Return an access token for the key. Raises ApiKeyInvalid."""

    def forget(self, key: str) -> None:
        """Ask anew next time: the token kept for the key was refused."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A token for a key, empty for a key that was refused, and when to ask again on the monotonic clock."""

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
        self._asking: dict[bytes, asyncio.Task[str]] = {}

    async def token(self, key: str) -> str:
        """Return an access token for the key. Raises ApiKeyInvalid, or Unavailable when auth cannot be asked."""
        if KEY.fullmatch(key) is None:
            raise ApiKeyInvalid()
        name = hashlib.sha256(key.encode()).digest()
        kept = self._kept.get(name)
        if kept is None or kept.until <= self._monotonic():
            return await self._asked(name, key)
        if not kept.token:
            raise ApiKeyInvalid()
        return kept.token

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
            self._keep(name, Kept("", asked_at + REFUSED_SECONDS))
            raise ApiKeyInvalid() from None
        # A token shorter than the margin is used up in halves, never kept past its end.
        lasting = max(answer.expires_in - BEFORE_END_SECONDS, answer.expires_in / 2)
        self._keep(name, Kept(answer.access_token, asked_at + lasting))
        return str(answer.access_token)

    def _keep(self, name: bytes, kept: Kept) -> None:
        self._kept[name] = kept
        self._kept.move_to_end(name)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
