"""The cache alone: time, company, room."""

from __future__ import annotations

import asyncio

import pytest

from gateway.cache.answers import key_of
from gateway.cache.entry import Entry, packed, unpacked
from gateway.cache.versions import digest
from shared.errors import Unauthenticated
from shared.principal import Principal
from shared.rpc.access import Door
from shared.transcode.answer import Answer
from tests.unit.gateway.cache_alone import ADA, Clock, asked, cache_of, making, question


async def test_an_answer_ends_with_its_time_and_tells_its_age():
    clock, (make, left) = Clock(), making(b"1", b"2")
    cache = cache_of(clock)
    await asked(cache, question(), make)
    clock.now += 40
    assert dict((await asked(cache, question(), make)).headers)[b"age"] == b"40"
    clock.now += 20
    assert (await asked(cache, question(), make)).body == b"2"
    assert left == []


async def test_near_its_end_an_answer_is_made_anew_while_the_old_one_is_given():
    clock, (make, _) = Clock(), making(b"1", b"2")
    cache = cache_of(clock)
    await asked(cache, question(), make)
    clock.now += 49
    found = cache.answer(question(), make)
    assert isinstance(found, Answer)
    assert found.body == b"1"
    async with asyncio.timeout(10):
        while (await asked(cache, question(), make)).body != b"2":  # noqa: ASYNC110
            await asyncio.sleep(0)
    clock.now += 40
    assert (await asked(cache, question(), make)).body == b"2", "its time began anew"


async def test_whoever_leaves_harms_nobody_else_who_waits_for_the_same():
    cache, go, calls = cache_of(Clock()), asyncio.Event(), []

    async def make() -> Answer:
        calls.append(1)
        await go.wait()
        return Answer(200, b"1")

    waiting = [asyncio.create_task(asked(cache, question(), make)) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    go.set()
    assert [(await task).body for task in waiting[1:]] == [b"1", b"1"]
    assert len(calls) == 1


async def test_when_all_have_left_the_call_behind_is_cancelled_and_the_next_begins_its_own():
    cache, cancelled, begun = cache_of(Clock()), asyncio.Event(), asyncio.Event()

    async def never() -> Answer:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    waiting = [asyncio.create_task(asked(cache, question(), never)) for _ in range(2)]
    async with asyncio.timeout(10):
        await begun.wait()
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        make, _ = making(b"2")
        assert (await asked(cache, question(), make)).body == b"2"
        await cancelled.wait()


async def test_a_refusal_of_the_first_is_not_a_refusal_of_those_who_joined():
    cache, go = cache_of(Clock()), asyncio.Event()

    async def refused() -> Answer:
        await go.wait()
        raise Unauthenticated("revoked")

    first = asyncio.create_task(asked(cache, question(), refused))
    await asyncio.sleep(0)
    make, _ = making(b"2")
    second = asyncio.create_task(asked(cache, question(), make))
    await asyncio.sleep(0)
    go.set()
    assert (await second).body == b"2"
    with pytest.raises(Unauthenticated):
        await first


async def test_an_answer_about_the_caller_is_the_callers_alone():
    cache, (make, _) = cache_of(Clock()), making(b"ada's", b"bob's")
    bob = Principal("bob", permissions=ADA.permissions)
    for who, body in ((ADA, b"ada's"), (bob, b"bob's"), (ADA, b"ada's")):
        assert (await asked(cache, question(door=Door.AUTHENTICATED, who=who), make)).body == body


async def test_room_is_bounded_and_what_was_used_longest_ago_goes_first():
    cache, (make, _) = cache_of(Clock(), room=12_000), making(*(bytes([n]) * 400 for n in range(20)))
    for n in range(8):
        await asked(cache, question(bytes([n])), make)
    assert isinstance(cache.answer(question(bytes([3])), make), Answer), "used again"
    for n in range(8, 14):
        await asked(cache, question(bytes([n])), make)
    contents = await cache.store.contents(100)
    assert contents.size <= 12_000
    kept = [cache.store.get(key_of(question(bytes([n])), "")) is not None for n in (5, 3, 13)]
    assert kept == [False, True, True]


async def test_an_answer_too_large_for_the_room_is_given_and_not_kept():
    cache, (make, _) = cache_of(Clock(), room=10_000), making(b"x" * 5000, b"y" * 5000)
    for body in (b"x" * 5000, b"y" * 5000):
        assert (await asked(cache, question(), make)).body == body
    assert (await cache.store.contents(1)).entries == 0


async def test_a_question_takes_room_too():
    cache, (make, _) = cache_of(Clock(), room=50_000), making(*[b"1"] * 40)
    for number in range(20):
        await asked(cache, question(bytes([number]) * 5000), make)
    contents = await cache.store.contents(0)
    assert contents.entries < 10
    assert 5000 * contents.entries < contents.size <= 50_000


def test_an_entry_is_the_same_after_a_journey():
    entry = Entry(Answer(200, b"\n{}\xff", b"text/csv", [(b"etag", b'W/"1"'), (b"x", b"\xe9")]), "a.b.C", 12.5, 60)
    assert unpacked(packed(entry)) == entry


def test_versions_have_the_same_name_in_every_process_and_another_when_one_moves():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})
