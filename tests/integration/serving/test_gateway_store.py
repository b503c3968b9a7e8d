"""The gateway's own store on MariaDB as on SQLite: its migrations, and one call between two gateways."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from gateway.alerts.book import Book
from gateway.alerts.store import AlertRule
from gateway.idempotency import Idempotency
from gateway.opening import Store
from gateway.registered.batches import BatchStore
from gateway.registered.store import RegisteredSystem, SystemExists, SystemStore
from gateway.store import MIGRATIONS
from gateway.tables import METADATA
from shared.collation import exact_collation
from shared.db import open_engine
from shared.migrate import drift, run_migrations
from shared.principal import Principal
from shared.rpc.access import Door
from shared.telemetry_metrics import Counter
from shared.transcode.answer import Answer
from shared.transcode.contract import load_contracts
from shared.transcode.parts import Question
from tests.integration.auth import mariadb

METHOD = next(one for one in load_contracts().published if one.full_name == "pipeline.v1.PipelineService.StartRun")


@pytest.fixture(scope="module")
def mariadb_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with mariadb.running(tmp_path_factory.mktemp("mariadb")) as port:
        yield port


@pytest.fixture(params=["sqlite", "mariadb"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
        return
    server = f"mysql+asyncmy://root@127.0.0.1:{request.getfixturevalue('mariadb_port')}/"
    name, engine = f"gateway_{uuid.uuid4().hex[:8]}", open_engine(server)
    async with engine.begin() as connection:
        await connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    await engine.dispose()
    yield f"{server}{name}?charset=utf8mb4"


async def test_migrations_go_up_down_and_up_and_leave_nothing_to_change(url: str) -> None:
    for revision in ("head", "base", "head"):
        await run_migrations(url, MIGRATIONS, revision)
    assert await drift(url, METADATA) == []


@pytest.mark.parametrize("url", ["mariadb"], indirect=True)
async def test_keys_are_compared_exactly(url: str) -> None:
    await run_migrations(url, MIGRATIONS)
    engine = open_engine(url)
    async with engine.connect() as connection:
        for table in METADATA.tables:
            found = (await connection.execute(text(f"SHOW FULL COLUMNS FROM {table}"))).mappings()
            collations = {column["Collation"] for column in found} - {None}
            assert collations == {await connection.run_sync(exact_collation)}, table
    await engine.dispose()


async def test_two_gateways_with_one_store_make_a_call_once(url: str) -> None:
    body = bytes(range(256)) * 1000
    question = Question(METHOD, Door.PERMISSION, "pipeline", b"q", "application/json", Principal("ada"), 10.0)
    made = []

    async def make() -> Answer:
        made.append(1)
        return Answer(202, body, b"application/json", [(b"x-name", b"caf\xe9")])

    one, other = (Idempotency(url, Counter("keys", "", ("outcome",))) for _ in range(2))
    first = await one.answer(b"k", question, make)
    second = await other.answer(b"k", question, make)
    assert len(made) == 1
    assert (second.status, second.body, second.headers[0]) == (first.status, body, first.headers[0])
    await one.close()
    await other.close()


def weather(**changes: str) -> RegisteredSystem:
    known = {"name": "weather", "registration_id": "one", "title": "Weather", "prefix": "weather"}
    rest = {"address": "127.0.0.1:1", "description": "", "registered_by": "ada"}
    return RegisteredSystem(
        **{**known, **rest, **changes}, tls=False, descriptors=bytes(range(256)) * 4000, registered_at=datetime.now(UTC)
    )


async def test_a_registration_reaches_another_gateway_whole_and_once(url: str) -> None:
    stores = [Store(url), Store(url)]
    one, other = (SystemStore(store, url) for store in stores)
    if url.startswith("sqlite"):
        assert await other.registrations() == {}
        assert not list(Path(url.partition("///")[2]).parent.glob("*.db")), "a look made the file"
    await one.add(weather())
    assert await other.registrations() == {"weather": "one"}
    found = await other.get("weather")
    assert found is not None
    assert (found.descriptors, found.tls) == (weather().descriptors, False)
    for taken in (weather(), weather(name="climate"), weather(prefix="other")):
        with pytest.raises(SystemExists):
            await other.add(taken)
    assert [await store.remove("weather") for store in (other, one)] == [True, False]
    assert await one.registrations() == {}
    assert await one.get("weather") is None
    for store in stores:
        await store.close()


def rule(owner: str, name: str) -> AlertRule:
    at = datetime.now(UTC)
    told = {"system": "demand", "tile": "revenue", "operator": ">", "threshold": 1.0, "for_minutes": 0}
    return AlertRule(
        owner=owner, name=name, channels="[]", enabled=True, state_since=at, created_at=at, updated_at=at, **told
    )


async def test_of_rules_added_at_once_by_several_gateways_each_name_is_there_once_and_no_more_than_may_be(
    url: str,
) -> None:
    stores = [Store(url) for _ in range(4)]
    books = [Book(store) for store in stores]
    same = await asyncio.gather(*(book.add(rule("ada", "Same"), 10) for book in books), return_exceptions=True)
    assert sorted(type(one).__name__ for one in same) == ["NoneType", *["RuleExists"] * 3]
    many = [books[number % 4].add(rule("bob", f"Rule {number}"), 3) for number in range(8)]
    found = await asyncio.gather(*many, return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == [*["NoneType"] * 3, *["TooManyRules"] * 5]
    assert len(await books[0].rules("bob")) == 3
    mine = await books[0].rules("bob")
    renamed = await asyncio.gather(
        *(book.change(one, {"name": "One"}, "One") for book, one in zip(books, mine, strict=False)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in renamed) == ["AlertRule", "RuleExists", "RuleExists"]
    for store in stores:
        await store.close()


async def test_rules_that_had_one_name_before_keep_each_their_own(url: str) -> None:
    await run_migrations(url, MIGRATIONS, "0006")
    engine = open_engine(url)
    async with engine.begin() as connection:
        for made in (rule("ada", "Same"), rule("ada", "Same"), rule("eve", "Same")):
            await connection.execute(insert(AlertRule).values(**made.model_dump()))
    await engine.dispose()
    store = Store(url)
    assert sorted(one.name[:5] for one in await Book(store).rules("ada")) == ["Same", "Same "]
    assert [one.name for one in await Book(store).rules("eve")] == ["Same"]
    await store.close()


async def test_of_several_gateways_one_tells_a_system_of_its_day(url: str) -> None:
    stores = [Store(url) for _ in range(4)]
    at = datetime.now(UTC)
    for attempt in (1, 2):
        claims = [BatchStore(store).claim("weather", "one", "2026-11-21", at) for store in stores]
        claimed = [one for one in await asyncio.gather(*claims) if one is not None]
        assert [one.attempts for one in claimed] == [attempt]
        at += timedelta(hours=1)
    for store in stores:
        await store.close()
