"""Answers kept in Redis, for several gateways together."""

from __future__ import annotations

from gateway.cache.answers import AnswerCache
from gateway.cache.shared_store import SharedStore
from gateway.cache.versions import LakeVersions
from gateway.redis_client import redis_client
from shared.telemetry_metrics import Counter, Meters
from tests.redis_server import needs_redis, redis_server
from tests.unit.gateway.cache_alone import LIST_SEGMENTS, asked, making, question
from tests.unit.gateway.cache_shop import CACHE, STATS, number, shop

JSON = "application/json"


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


@needs_redis
async def test_what_is_kept_in_redis_is_told_without_fetching_it(tmp_path):
    with redis_server(tmp_path) as redis:
        client = redis_client(redis.url)
        store = SharedStore(client, Counter("f", ""))
        cache = AnswerCache(store, LakeVersions({}), Meters())
        bodies = [b"x" * 500_000, b"y" * 7]
        for number, body in enumerate(bodies):
            await asked(cache, question(bytes([number])), making(body)[0])
        await client.set("answer:rubbish:1", b"no answer of ours")
        sent = int((await client.info("stats"))["total_net_output_bytes"])
        found = await store.contents(10)
        told = int((await client.info("stats"))["total_net_output_bytes"]) - sent
        assert (found.entries, sorted(one.bytes for one in found.listed)) == (3, [7, 500_000])
        assert {(one.method, one.media_type, one.seconds) for one in found.listed} == {(LIST_SEGMENTS, JSON, 60)}
        assert found.size > 500_000
        assert told < 50_000, "the body itself did not travel"
        assert len((await store.contents(1)).listed) == 1
        await client.aclose()


@needs_redis
async def test_looking_and_forgetting_while_redis_is_down_is_refused_and_says_why(tmp_path):
    with redis_server(tmp_path) as redis:
        async with shop(1, redis_url=redis.url) as one:
            redis.stop()
            headers = {"Authorization": f"Bearer {one.backend.token('admin')}"}
            for verb, path in (("GET", CACHE), ("GET", STATS), ("DELETE", CACHE)):
                found = await one.gateways[0].request(verb, path, headers=headers)
                assert (found.status_code, found.json()["reason"]) == (503, "CACHE_STORE_DOWN")


@needs_redis
async def test_only_what_is_named_is_forgotten_whatever_it_is_called(tmp_path):
    with redis_server(tmp_path) as redis:
        client = redis_client(redis.url)
        store = SharedStore(client, Counter("f", ""))
        await asked(AnswerCache(store, LakeVersions({}), Meters()), question(), making(b"1")[0])
        assert [await store.clear(name) for name in ("*", "demand.v1.*", "[a-z]*", "\\*", "?" * 37)] == [0] * 5
        assert await store.clear(LIST_SEGMENTS) == 1
        await client.aclose()
