"""The published keys as another process keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from protos.auth.v1 import auth_pb2, auth_pb2_grpc
from shared.tokens import KeysUnavailable, RemoteKeys, keys
from tests.unit.shared.forge import Clock
from tests.waiting import free_port


class Auth(auth_pb2_grpc.AuthServiceServicer):
    def __init__(self) -> None:
        self.kids = ["k1"]
        self.asked = 0

    async def GetJwks(self, request: Any, context: Any) -> auth_pb2.GetJwksResponse:  # noqa: N802
        self.asked += 1
        return auth_pb2.GetJwksResponse(keys=[auth_pb2.Jwk(kid=kid, n="AQAB", e="AQAB") for kid in self.kids])


class Rig:
    def __init__(self) -> None:
        self.auth, self.ticks, self.server = Auth(), Clock(100.0), grpc.aio.server()
        auth_pb2_grpc.add_AuthServiceServicer_to_server(self.auth, self.server)
        self.address = f"127.0.0.1:{free_port()}"
        self.channel = grpc.aio.insecure_channel(self.address)
        self.keys = RemoteKeys(self.channel, self.ticks)

    async def start(self) -> None:
        assert self.server.add_insecure_port(self.address)
        await self.server.start()

    async def refused(self) -> None:
        """Return once a connection was tried in vain."""
        state = self.channel.get_state(try_to_connect=True)
        while state is not grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            await self.channel.wait_for_state_change(state)
            state = self.channel.get_state()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    yield rig
    await rig.channel.close()
    await rig.server.stop(None)


async def test_a_key_is_fetched_once(rig: Rig) -> None:
    await rig.start()
    for _ in range(3):
        assert await rig.keys.key("k1") is not None
    assert rig.auth.asked == 1


async def test_a_new_key_is_found_and_made_up_ones_are_asked_for_at_most_every_two_seconds(rig: Rig) -> None:
    await rig.start()
    await rig.keys.key("k1")
    rig.auth.kids.append("k2")
    assert await rig.keys.key("k2") is None
    rig.ticks.now += 2
    assert await rig.keys.key("k2") is not None
    for number in range(20):
        assert await rig.keys.key(f"made-up-{number}") is None
    assert rig.auth.asked == 2


async def test_a_withdrawn_key_is_forgotten_within_five_minutes(rig: Rig) -> None:
    await rig.start()
    await rig.keys.key("k1")
    rig.auth.kids = ["k2"]
    rig.ticks.now += 299
    assert await rig.keys.key("k1") is not None
    rig.ticks.now += 1
    assert await rig.keys.key("k1") is None


async def test_without_auth_known_keys_are_kept_and_unknown_ones_unavailable(rig: Rig) -> None:
    await rig.start()
    await rig.keys.key("k1")
    await rig.server.stop(None)
    rig.ticks.now += 600
    assert await rig.keys.key("k1") is not None
    with pytest.raises(KeysUnavailable):
        await rig.keys.key("k2")


async def test_the_first_callers_wait_for_auth_to_listen(rig: Rig) -> None:
    asked = asyncio.create_task(rig.keys.key("k1"))
    await rig.refused()
    assert not asked.done()
    await rig.start()
    assert await asked is not None


async def test_of_many_first_callers_one_finds_out_that_auth_is_down(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "KEYS_TIMEOUT_SECONDS", 0.1)
    fetches, fetch = 0, rig.keys._fetch

    def counted(*words: Any, **more: Any) -> Any:
        nonlocal fetches
        fetches += 1
        return fetch(*words, **more)

    monkeypatch.setattr(rig.keys, "_fetch", counted)
    found = await asyncio.gather(*(rig.keys.key("k1") for _ in range(20)), return_exceptions=True)
    assert {type(one) for one in found} == {KeysUnavailable}
    assert fetches == 1
