"""The gateway's own store on MariaDB as on SQLite: its migrations, and one call between two gateways."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.idempotency import Idempotency
from gateway.opening import Store
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
