"""The list of revocations, and how a process far from auth keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from protos.auth.v1 import auth_pb2, auth_pb2_grpc
from shared.errors import Unavailable
from shared.revocation import RemoteRevocations, Revocation, RevocationList, from_message, to_message
from tests.unit.shared.forge import NOW, Clock
from tests.waiting import until


def of_session(name: str, until: float = NOW + 900) -> Revocation:
    return Revocation(name, "user-1", NOW, until)


def test_a_revoked_session_covers_its_tokens_whenever_they_were_issued() -> None:
    book = RevocationList(Clock())
    book.add([of_session("s1")])
    assert book.covers("s1", "user-1", NOW - 10)
    assert book.covers("s1", "user-1", NOW + 10)
    assert not book.covers("s2", "user-1", NOW - 10)


def test_a_revoked_subject_covers_tokens_issued_up_to_that_moment() -> None:
    book = RevocationList(Clock())
    book.add([Revocation("", "user-1", NOW, NOW + 900)])
    assert book.covers("any", "user-1", NOW)
    assert not book.covers("any", "user-1", NOW + 0.000001)
    assert not book.covers("any", "user-2", NOW)


def test_the_epoch_moves_only_with_news() -> None:
    book = RevocationList(Clock())
    epochs = [book.epoch]
    for one in (of_session("s1"), of_session("s1"), of_session("gone", until=NOW)):
        book.add([one])
        epochs.append(book.epoch)
    assert epochs == [0, 1, 1, 1]


def test_a_later_revocation_of_a_subject_replaces_an_earlier_one() -> None:
    book = RevocationList(Clock())
    book.add([Revocation("", "u", NOW + 5, NOW + 900), Revocation("", "u", NOW, NOW + 900)])
    assert book.covers("s", "u", NOW + 5)
    assert len(book) == 1


def test_a_purge_forgets_the_expired_and_keeps_the_rest() -> None:
    clock = Clock()
    book = RevocationList(clock)
    book.add([of_session("s1", NOW + 10), of_session("s2", NOW + 20)])
    clock.now = NOW + 10
    book.purge()
    assert [one.session_id for one in book.entries()] == ["s2"]


def test_a_revocation_travels_to_the_microsecond() -> None:
    one = Revocation("s1", "u1", NOW + 0.123456, NOW + 900.654321)
    assert from_message(auth_pb2.Revocation.FromString(to_message(one).SerializeToString())) == one


class Auth(auth_pb2_grpc.AuthServiceServicer):
    """The revocation part of the auth service, as a test directs it."""

    def __init__(self) -> None:
        self.updates: asyncio.Queue[auth_pb2.WatchRevocationsResponse | None] = asyncio.Queue()
        self.revoked: set[str] = set()
        self.asked = 0
        self.watched = 0

    async def WatchRevocations(self, request: Any, context: Any) -> AsyncIterator[auth_pb2.WatchRevocationsResponse]:  # noqa: N802
        self.watched += 1
        while (update := await self.updates.get()) is not None:
            yield update

    async def CheckRevocation(self, request: Any, context: Any) -> auth_pb2.CheckRevocationResponse:  # noqa: N802
        self.asked += 1
        return auth_pb2.CheckRevocationResponse(revoked=request.session_id in self.revoked)

    def tell(self, *sessions: str, synced: bool = True) -> None:
        messages = [to_message(of_session(name)) for name in sessions]
        self.updates.put_nowait(auth_pb2.WatchRevocationsResponse(revocations=messages, synced=synced))


class Rig:
    """A server, a channel to it and a list that follows it, on clocks that a test turns."""

    def __init__(self) -> None:
        self.auth, self.ticks = Auth(), Clock(100.0)

    async def __aenter__(self) -> Rig:
        self.server = grpc.aio.server()
        auth_pb2_grpc.add_AuthServiceServicer_to_server(self.auth, self.server)
        port = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.remote = RemoteRevocations(self.channel, Clock(), self.ticks)
        self.remote.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.remote.close()
        await self.channel.close()
        await self.server.stop(None)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with Rig() as rig:
        yield rig


async def test_before_the_snapshot_is_whole_every_token_is_asked_for(rig: Rig) -> None:
    rig.auth.tell("s1", synced=False)
    await until(lambda: rig.auth.watched)
    assert rig.remote.epoch is None
    assert not await rig.remote.is_revoked("s2", "u", NOW)
    assert rig.auth.asked == 1


async def test_with_the_snapshot_nothing_is_asked_any_more(rig: Rig) -> None:
    rig.auth.tell("s1", synced=False)
    rig.auth.tell("s2")
    await until(lambda: rig.remote.fresh)
    answers = [await rig.remote.is_revoked(name, "u", NOW) for name in ("s1", "s2", "s3")]
    assert (answers, rig.auth.asked) == ([True, True, False], 0)


async def test_a_new_revocation_moves_the_epoch_and_a_heartbeat_does_not(rig: Rig) -> None:
    rig.auth.tell()
    await until(lambda: rig.remote.fresh)
    before = rig.remote.epoch
    rig.auth.tell()
    rig.auth.tell("s1")
    await until(lambda: rig.remote.epoch != before)
    after = rig.remote.epoch
    assert await rig.remote.is_revoked("s1", "u", NOW)
    rig.ticks.now += 4
    rig.auth.tell()
    rig.ticks.now += 4
    await until(lambda: rig.remote.fresh)
    assert rig.remote.epoch == after


async def test_five_seconds_of_silence_and_every_token_is_asked_for(rig: Rig) -> None:
    rig.auth.tell()
    await until(lambda: rig.remote.fresh)
    rig.ticks.now += 4.9
    assert rig.remote.epoch is not None
    rig.ticks.now += 0.2
    assert rig.remote.epoch is None
    rig.auth.revoked.add("s1")
    assert await rig.remote.is_revoked("s1", "u", NOW)
    assert not await rig.remote.is_revoked("s2", "u", NOW)
    assert rig.auth.asked == 2


async def test_a_token_that_cannot_be_shown_good_is_not_let_in(rig: Rig) -> None:
    rig.auth.tell("s1")
    await until(lambda: rig.remote.fresh)
    await rig.server.stop(None)
    assert not await rig.remote.is_revoked("s2", "u", NOW)
    rig.ticks.now += 6
    with pytest.raises(Unavailable) as refused:
        await rig.remote.is_revoked("s2", "u", NOW)
    assert refused.value.metadata == {"service": "auth"}
    assert await rig.remote.is_revoked("s1", "u", NOW)


async def test_a_stream_that_ends_is_followed_again_and_its_snapshot_replaces_the_list(rig: Rig) -> None:
    rig.auth.tell("s1")
    await until(lambda: rig.remote.fresh)
    before = rig.remote.epoch
    rig.auth.updates.put_nowait(None)
    rig.auth.tell("s2", synced=False)
    await until(lambda: rig.auth.watched == 2)
    assert await rig.remote.is_revoked("s1", "u", NOW)
    rig.auth.tell()
    await until(lambda: rig.remote.epoch != before)
    assert [await rig.remote.is_revoked(name, "u", NOW) for name in ("s1", "s2")] == [False, True]


async def test_before_it_is_started_every_token_is_asked_for(rig: Rig) -> None:
    remote = RemoteRevocations(rig.channel)
    assert remote.epoch is None
    assert not await remote.is_revoked("s1", "u", NOW)
    assert rig.auth.asked == 1
