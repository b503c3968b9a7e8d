"""Tokens for registered systems, asked for over gRPC as the gateway does."""

from __future__ import annotations

from typing import Any

import pytest

from protos.auth.v1 import system_tokens_pb2, system_tokens_pb2_grpc
from shared.errors import Unauthenticated
from shared.revocation import NothingRevoked
from shared.tokens import RemoteKeys, TokenVerifier, system_audience
from tests.integration.auth.test_service import Stack, bearing, stack

__all__ = ["stack"]
WEATHER = system_tokens_pb2.ExchangeTokenRequest(system="weather")


def exchange(stack: Stack) -> Any:
    return system_tokens_pb2_grpc.SystemTokenServiceStub(stack.channel).ExchangeToken


async def test_a_token_is_swapped_for_one_of_the_system(stack: Stack) -> None:
    login = await stack.register_and_log_in()
    answer = await exchange(stack)(WEATHER, metadata=bearing(login.access_token))
    audience = system_audience(stack.settings.audience, "weather")
    own = TokenVerifier(RemoteKeys(stack.channel), stack.settings.issuer, audience, NothingRevoked())
    found = await own.verify(answer.access_token)
    assert (found.subject, found.permissions) == (login.user.id, {"weather:read"})
    with pytest.raises(Unauthenticated):
        await stack.verifier.verify(answer.access_token)


async def test_nothing_is_swapped_for_no_token_a_forged_one_a_spent_one_or_a_systems_own(stack: Stack) -> None:
    login = await stack.register_and_log_in()
    own = await exchange(stack)(WEATHER, metadata=bearing(login.access_token))
    for token in ("", "x.y.z", own.access_token):
        with pytest.raises(Unauthenticated):
            await exchange(stack)(WEATHER, metadata=bearing(token))
    await stack.parts.sessions.end(await stack.parts.verifier.verify(login.access_token), everywhere=True)
    with pytest.raises(Unauthenticated):
        await exchange(stack)(WEATHER, metadata=bearing(login.access_token))


async def test_the_schedule_is_shown_to_a_system_as_itself(stack: Stack) -> None:
    issue = system_tokens_pb2_grpc.SystemTokenServiceStub(stack.channel).IssueScheduleToken
    answer = await issue(system_tokens_pb2.IssueScheduleTokenRequest(system="weather"))
    audience = system_audience(stack.settings.audience, "weather")
    own = TokenVerifier(RemoteKeys(stack.channel), stack.settings.issuer, audience, NothingRevoked())
    assert (await own.verify(answer.access_token)).permissions == {"weather:run"}
    with pytest.raises(Unauthenticated):
        await stack.verifier.verify(answer.access_token)
