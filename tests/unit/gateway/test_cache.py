"""Answers given again: to whom, until when, and never what must not be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gateway.cache.answers import AnswerCache, key_of
from gateway.cache.entry import Entry, packed, unpacked
from gateway.cache.memory import MemoryStore
from gateway.cache.shared_store import SharedStore
from gateway.cache.versions import LakeVersions, digest
from gateway.redis_client import redis_client
from protos.common.v1 import table_pb2
from protos.demand.v1 import demand_pb2
from shared.errors import Unauthenticated, Unavailable
from shared.principal import Principal
from shared.rpc.access import Door
from shared.telemetry_metrics import Counter, Meters
from shared.transcode.answer import Answer, may_be_kept
from shared.transcode.contract import load_contracts
from shared.transcode.parts import Question
from tests.contract.backend import Backend, gateway, serving, settings_for
from tests.redis_server import needs_redis, redis_server

SEGMENTS = "/api/v1/demand-insights/segments"
SEGMENTS_RPC = "/demand.v1.DemandService/ListSegments"
LIST_SEGMENTS = "demand.v1.DemandService.ListSegments"
STATS, CACHE = "/api/v1/cache/stats", "/api/v1/cache"
JWKS = "/.well-known/jwks.json"


@dataclass
class Shop:
    """A backend whose answers say how often it was asked, and gateways before it."""

    backend: Backend
    gateways: list[httpx.AsyncClient]
    calls: int = 0

    def segments(self, request: Any, context: Any) -> demand_pb2.ListSegmentsResponse:
        self.calls += 1
        columns = [table_pb2.Column(name="segment", type="VARCHAR")]
        rows = b'{"segment":["%s %d"]}' % (b"Champions " * 300, self.calls)
        return demand_pb2.ListSegmentsResponse(
            table=table_pb2.Table(columns=columns, row_count=1, total_size=1, json_columns=rows),
        )

    async def get(self, door: int = 0, path: str = SEGMENTS, as_who: Any = None, **headers: str) -> httpx.Response:
        token = as_who or self.backend.token("viewer")
        sent = {"Authorization": f"Bearer {token}", **{name.replace("_", "-"): to for name, to in headers.items()}}
        return await self.gateways[door].get(path, headers=sent)

    async def stats(self, door: int = 0) -> dict[str, Any]:
        found = await self.get(door, STATS, self.backend.token("admin"))
        assert found.status_code == 200
        return dict(found.json())

    async def known(self, door: int = 0, but: str | None = None) -> str:
        """Wait until the gateway knows where the lake stands, and not at `but` any more."""
        async with asyncio.timeout(10):
            while (found := (await self.stats(door))["versions"]["demand"]) in (None, but):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return str(found)


def number(response: httpx.Response) -> int:
    """Return which of the backend's answers this is."""
    assert response.status_code == 200, response.text
    return int(response.json()["items"][0]["segment"].split()[-1])


@asynccontextmanager
async def shop(gateways: int = 1, **changes: Any) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        backend = await stack.enter_async_context(serving())
        backend.tables["demand.customer_segments"] = 1
        settings = settings_for(backend, rate_limit_user="off", **changes)
        made = [(await stack.enter_async_context(gateway(settings)))[0] for _ in range(gateways)]
        one = Shop(backend, made)
        backend.answers[SEGMENTS_RPC] = one.segments
        for door in range(gateways):
            if changes.get("cache_bytes") != 0:
                await one.known(door)
        yield one


async def test_the_second_of_equal_questions_is_answered_without_asking():
    async with shop() as one:
        first, second = await one.get(), await one.get()
        assert (number(first), number(second), one.calls) == (1, 1, 1)
        assert "age" not in first.headers
        assert second.headers["age"] == "0"
        assert second.content == first.content
        assert second.headers["etag"] == first.headers["etag"]
        assert second.headers["cache-control"] == "private, max-age=60"


async def test_who_holds_the_kept_answer_is_told_so_without_a_body():
    async with shop() as one:
        tag = (await one.get()).headers["etag"]
        again = await one.get(If_None_Match=tag)
        assert (again.status_code, again.content, again.headers["etag"], one.calls) == (304, b"", tag, 1)
        assert again.headers["age"] == "0"
        assert number(await one.get(If_None_Match='"other"')) == 1


async def test_a_kept_answer_is_compressed_once_for_each_coding():
    async with shop() as one:
        found = [await one.get(Accept_Encoding=coding) for coding in ("br", "gzip", "br", "identity")]
        codings = [response.headers.get("content-encoding") for response in found]
        assert codings == ["br", "gzip", "br", None]
        assert len({response.content for response in found}) == 1
        assert one.calls == 1


@pytest.mark.parametrize(
    ("path", "accept"),
    [(f"{SEGMENTS}?method=kmeans", "*/*"), (f"{SEGMENTS}?page_size=7", "*/*"), (f"{SEGMENTS}?as_of=1", "*/*")],
)
async def test_another_question_has_another_answer(path, accept):
    async with shop() as one:
        assert number(await one.get()) == 1
        assert number(await one.get(0, path, Accept=accept)) == 2


async def test_the_same_question_in_other_words_has_the_same_answer():
    async with shop() as one:
        for path in (f"{SEGMENTS}?method=rfm&page_size=50", f"{SEGMENTS}?page_size=50&method=rfm"):
            assert number(await one.get(0, path)) == 1


async def test_callers_who_see_the_same_share_an_answer_and_others_do_not():
    async with shop() as one:
        token = one.backend.token
        assert number(await one.get(as_who=token("viewer", subject="ada"))) == 1
        assert number(await one.get(as_who=token("viewer", subject="bob"))) == 1
        assert number(await one.get(as_who=token("viewer", permissions=["demand:read", "pii:read"]))) == 2
        assert number(await one.get(as_who=token("viewer", permissions=["demand:read"]))) == 3
        assert number(await one.get(as_who=token("viewer", regions=["north"]))) == 4
        assert number(await one.get(as_who=token("viewer", regions=["south"]))) == 5
        assert number(await one.get(as_who=token("viewer", regions=[]))) == 6


async def test_who_may_not_ask_is_not_given_what_is_kept():
    async with shop() as one:
        await one.get()
        assert (await one.get(as_who=one.backend.token("investigator", permissions=[]))).status_code == 403
        assert (await one.gateways[0].get(SEGMENTS)).status_code == 401


async def test_when_the_lake_moves_on_the_answer_is_asked_for_anew():
    async with shop() as one:
        assert number(await one.get()) == 1
        at = await one.known()
        one.backend.move("demand.customer_segments", 2)
        moved = await one.known(but=at)
        assert number(await one.get()) == 2
        one.backend.move("demand.customer_segments", 1)
        assert await one.known(but=moved) == at
        assert number(await one.get()) == 1, "back at the version before, its answer holds again"


async def test_while_nobody_tells_where_the_lake_stands_nothing_is_kept():
    async with serving() as backend, gateway(settings_for(backend)) as (client, _):
        one = Shop(backend, [client])
        backend.answers[SEGMENTS_RPC] = one.segments
        assert [number(await one.get()) for _ in range(3)] == [1, 2, 3]
        assert (await one.stats())["bypass"] == 3


async def test_what_needs_no_lake_is_kept_by_its_time_alone():
    async with shop() as one:
        client = one.gateways[0]
        found = [await client.get(JWKS) for _ in range(2)]
        assert found[0].json() == found[1].json()
        assert [response.headers.get("age") for response in found] == [None, "0"]


async def test_a_failure_is_never_kept():
    async with shop() as one:

        def failing(request, context):
            one.calls += 1
            raise Unavailable("down")

        one.backend.answers[SEGMENTS_RPC] = failing
        assert [(await one.get()).status_code for _ in range(2)] == [503, 503]
        one.backend.answers[SEGMENTS_RPC] = one.segments
        assert number(await one.get()) == 3


async def test_many_who_ask_at_once_make_one_call():
    async with shop() as one:
        begun, go = asyncio.Event(), asyncio.Event()

        async def slow(request, context):
            begun.set()
            await go.wait()
            return one.segments(request, context)

        one.backend.answers[SEGMENTS_RPC] = slow
        asking = [asyncio.create_task(one.get()) for _ in range(20)]
        async with asyncio.timeout(10):
            await begun.wait()
            while (await one.stats())["join"] < 19:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            go.set()
            assert {number(response) for response in await asyncio.gather(*asking)} == {1}


async def test_with_no_room_at_all_every_question_is_asked():
    async with shop(cache_bytes=0) as one:
        assert [number(await one.get()) for _ in range(2)] == [1, 2]
        off = await one.get(0, STATS, one.backend.token("admin"))
        assert (off.status_code, off.json()["reason"]) == (404, "CACHE_OFF")


async def test_an_administrator_sees_and_clears_what_is_kept():
    async with shop() as one:
        admin = one.backend.token("admin")
        await one.get()
        await one.get()
        await one.get(0, JWKS)
        listed = (await one.get(0, CACHE, admin)).json()
        assert listed["total_size"] == 2
        kept = next(item for item in listed["items"] if item["method"] == LIST_SEGMENTS)
        assert (kept["media_type"], kept["hits"]) == ("application/json", 1)
        assert kept["age_seconds"] + kept["expires_in_seconds"] == pytest.approx(60, abs=0.01)
        stats = await one.stats()
        assert (stats["store"], stats["entries"], stats["hit"], stats["miss"]) == ("memory", 2, 1, 2)
        headers = {"Authorization": f"Bearer {admin}"}
        client = one.gateways[0]
        assert (await client.delete(f"{CACHE}?method=no.such.Method", headers=headers)).json() == {"deleted": 0}
        assert (await client.delete(f"{CACHE}?method={LIST_SEGMENTS}", headers=headers)).json() == {"deleted": 1}
        assert number(await one.get()) == 2
        assert (await client.delete(CACHE, headers=headers)).json() == {"deleted": 2}
        assert (await client.delete(f"{CACHE}?metod=x", headers=headers)).status_code == 400


@pytest.mark.parametrize(("verb", "path"), [("GET", CACHE), ("GET", STATS), ("DELETE", CACHE)])
async def test_nobody_but_an_administrator_may_look_at_what_is_kept(backend, client, verb, path):
    assert (await client.request(verb, path)).status_code == 401
    for role in ("viewer", "analyst", "investigator", "api_user"):
        refused = await client.request(verb, path, headers=backend.bearer(role))
        assert (refused.status_code, refused.json()["reason"]) == (403, "PERMISSION_MISSING")


def test_what_holds_secrets_sets_cookies_or_changes_something_is_never_kept():
    kept = {method.full_name for method in load_contracts().published if may_be_kept(method)}
    assert LIST_SEGMENTS in kept
    assert not any(name.startswith("auth.v1") and "Get" not in name for name in kept)


# The cache alone, with the clock in hand.


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


METHOD = next(method for method in load_contracts().published if method.full_name == LIST_SEGMENTS)
ADA = Principal("ada", permissions=frozenset({"demand:read"}))


def question(
    request: bytes = b"", timeout: float = 10.0, door: Door = Door.PERMISSION, who: Principal = ADA
) -> Question:
    return Question(METHOD, door, "auth", request, "application/json", who, timeout)


def cache_of(clock: Clock, room: int = 1_000_000) -> AnswerCache:
    return AnswerCache(MemoryStore(room, clock), LakeVersions({}), Meters(), clock)


def making(*bodies: bytes) -> tuple[Callable[[], Awaitable[Answer]], list[bytes]]:
    left = list(bodies)

    async def make() -> Answer:
        return Answer(200, left.pop(0))

    return make, left


async def asked(cache: AnswerCache, what: Question, make: Callable[[], Awaitable[Answer]]) -> Answer:
    found = cache.answer(what, make)
    return found if isinstance(found, Answer) else await found


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


def test_an_entry_is_the_same_after_a_journey():
    entry = Entry(Answer(200, b"\n{}\xff", b"text/csv", [(b"etag", b'W/"1"'), (b"x", b"\xe9")]), "a.b.C", 12.5, 60)
    assert unpacked(packed(entry)) == entry


def test_versions_have_the_same_name_in_every_process_and_another_when_one_moves():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})


@needs_redis
async def test_two_gateways_share_answers_through_redis(tmp_path):
    with redis_server(tmp_path) as redis:
        async with shop(2, redis_url=redis.url) as one:
            assert [number(await one.get(door)) for door in (0, 1, 0)] == [1, 1, 1]
            stats = await one.stats(1)
            assert (stats["store"], stats["entries"], stats["hit"]) == ("redis", 1, 1)
            listed = (await one.get(1, CACHE, one.backend.token("admin"))).json()
            assert [item["method"] for item in listed["items"]] == [LIST_SEGMENTS]
            headers = {"Authorization": f"Bearer {one.backend.token('admin')}"}
            deleted = await one.gateways[1].delete(CACHE, headers=headers)
            assert deleted.json() == {"deleted": 1}
            assert number(await one.get(0)) == 2
            redis.stop()
            assert [number(await one.get(door)) for door in (0, 1)] == [3, 4], "down means asked, not failed"


@needs_redis
async def test_what_is_no_answer_of_ours_in_redis_is_asked_for_anew(tmp_path):
    with redis_server(tmp_path) as redis:
        client = redis_client(redis.url)
        failures = Counter("f", "")
        cache = AnswerCache(SharedStore(client, failures), LakeVersions({}), Meters())
        make, _ = making(b"1", b"2")
        await asked(cache, question(), make)
        (name,) = [one async for one in client.scan_iter("answer:*")]
        for rubbish in (b"", b"\x80rubbish", b"[]\n", b"{}\nx"):
            await client.set(name, rubbish)
            make, _ = making(b"again")
            assert (await asked(cache, question(), make)).body == b"again"
        assert failures.value() == 0
        await client.aclose()
