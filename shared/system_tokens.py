"""Tokens for registered systems, asked of the service that signs them and kept until shortly before they end."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from protos.auth.v1 import system_tokens_pb2, system_tokens_pb2_grpc
from shared.principal import Principal
from shared.rpc.channel import ServiceChannel

MOST_KEPT = 10_000
BEFORE_END = 0.5
"""Share of its life after which a token is not shown any more: what it starts may take a while."""
TIMEOUT_SECONDS = 5.0
Name = tuple[bytes, str]
SCHEDULE = Principal("schedule")
"""In whose name registered systems are told to do their daily work."""


class SystemTokens:
    """Swaps callers' tokens for those of systems, once at a time for each."""

    def __init__(self, signer: ServiceChannel, monotonic: Callable[[], float] = time.monotonic) -> None:
        stub: Any = system_tokens_pb2_grpc.SystemTokenServiceStub
        self._exchange, self._schedule = stub(signer).ExchangeToken, stub(signer).IssueScheduleToken
        self._monotonic = monotonic
        self._kept: OrderedDict[Name, tuple[str, float]] = OrderedDict()
        self._asking: dict[Name, asyncio.Task[str]] = {}

    async def token(self, token: str, system: str) -> str:
        """Return what that system is shown in place of a verified token. Raises PlatformError."""
        name = (hashlib.sha256(token.encode()).digest(), system)
        kept = self._kept.get(name)
        if kept is not None and kept[1] > self._monotonic():
            return kept[0]
        task = self._asking.get(name)
        if task is None:
            # It runs in a copy of the caller's context, from which the channel takes the token to swap.
            task = self._asking[name] = asyncio.create_task(self._ask(name, system))
            task.add_done_callback(lambda _: self._asking.pop(name, None))
        # One caller that goes away must not take the answer from the others.
        return await asyncio.shield(task)

    async def of_schedule(self, system: str) -> str:
        """Return what that system is shown by the schedule. Raises PlatformError."""
        request = system_tokens_pb2.IssueScheduleTokenRequest(system=system)
        return str((await self._schedule(request, timeout=TIMEOUT_SECONDS)).access_token)

    async def _ask(self, name: Name, system: str) -> str:
        asked_at = self._monotonic()
        answer = await self._exchange(system_tokens_pb2.ExchangeTokenRequest(system=system), timeout=TIMEOUT_SECONDS)
        self._kept[name] = str(answer.access_token), asked_at + BEFORE_END * answer.expires_in
        self._kept.move_to_end(name)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return str(answer.access_token)
