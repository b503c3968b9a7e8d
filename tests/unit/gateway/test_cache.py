"""Answers given again: to whom, until when, and never what must not be."""

from __future__ import annotations

import asyncio

import pytest

from shared.errors import Unavailable
from shared.transcode.answer import may_be_kept
from shared.transcode.contract import load_contracts
from tests.contract.backend import gateway, serving, settings_for
from tests.unit.gateway.cache_shop import CACHE, JWKS, LIST_SEGMENTS, SEGMENTS, SEGMENTS_RPC, STATS, Shop, number, shop


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
