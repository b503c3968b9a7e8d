"""Several processes of the auth service over one database: what one ends, the others refuse."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from services.auth.broadcast import RedisBroadcast
from services.auth.revocations import LocalRevocations, Update, following, revoke_subject
from services.auth.store import MIGRATIONS, new_id
from shared.db import Database
from shared.migrate import run_migrations
from shared.revocation import RemoteRevocations
from shared.rpc.channel import channel
from shared.settings import ProcessSettings
from shared.tokens import RemoteKeys, TokenRevoked, TokenVerifier
from tests.integration.auth.conftest import PASSWORD
from tests.integration.auth.test_commands import create_user
from tests.redis_server import RedisServer, needs_redis, redis_server

ADMIN = {"email": "demo@example.com", "password": PASSWORD}
SERVING = re.compile(r"serving .*grpc=(\S+) http=(\S+)")
PATIENCE_SECONDS = 30


@asynccontextmanager
async def replica(var_dir: Path, **environment: str) -> AsyncIterator[tuple[str, httpx.AsyncClient]]:
    """Yield the gRPC address of a process of its own, and a client of its REST side."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.auth"),
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"VAR_DIR": str(var_dir), "GRPC_ADDRESS": "127.0.0.1:0", "NO_COLOR": "1", **environment},
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := SERVING.search((await process.stderr.readline()).decode())):
                assert process.returncode is None
        drain = asyncio.create_task(process.stderr.read())
        async with httpx.AsyncClient(base_url=f"http://{found[2]}/api/v1/auth", timeout=60) as client:
            yield found[1], client
    finally:
        process.terminate()
        await process.wait()
    await drain


async def refused(client: httpx.AsyncClient, token: str) -> str:
    """Return why a token is refused, once it is."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer = await client.get("/me", headers={"Authorization": f"Bearer {token}"})
            if answer.status_code != 200:
                return str(answer.json()["reason"])


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.mark.parametrize("shared", ["", pytest.param("redis", marks=needs_redis)])
async def test_what_one_process_ends_every_other_refuses(
    tmp_path: Path, request: pytest.FixtureRequest, shared: str
) -> None:
    environment = {"REDIS_URL": request.getfixturevalue("redis").url} if shared else {}
    await create_user(tmp_path, PASSWORD, "--role", "admin")
    async with AsyncExitStack() as stack:
        _, first = await stack.enter_async_context(replica(tmp_path, **environment))
        address, second = await stack.enter_async_context(replica(tmp_path, **environment))
        # A third process, as any other service: it follows the second replica.
        settings = ProcessSettings()
        connected = await stack.enter_async_context(channel("auth", address, settings))
        followed = await stack.enter_async_context(RemoteRevocations(connected))
        other = TokenVerifier(RemoteKeys(connected), settings.issuer, settings.audience, followed)

        answers = [await first.post("/login", json=ADMIN) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
        tokens = [answer.json()["access_token"] for answer in answers]
        for token in tokens:
            assert (await second.get("/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200
            await other.verify(token)
        bearer = {"Authorization": f"Bearer {tokens[0]}"}
        assert (await first.post("/logout?all=true", headers=bearer)).json() == {"sessions_ended": 2}
        for token in tokens:
            assert await refused(second, token) == "TOKEN_REVOKED"
            async with asyncio.timeout(PATIENCE_SECONDS):
                with pytest.raises(TokenRevoked):
                    while True:
                        await other.verify(token)
                        await asyncio.sleep(0)


@needs_redis
async def test_a_replica_is_told_through_redis_and_need_not_wait_for_its_turn(
    tmp_path: Path, redis: RedisServer
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/auth.db"
    await run_migrations(url, MIGRATIONS)
    mine, theirs = Database(url), Database(url)
    never = 3600.0
    async with AsyncExitStack() as stack:
        told = RedisBroadcast(redis.url, "revocations")
        one = await stack.enter_async_context(following(mine, RedisBroadcast(redis.url, "revocations"), never))
        two = await stack.enter_async_context(following(theirs, told, never))
        watch = two.watch()
        assert (await anext(watch)).revocations == ()
        await revoke(one)
        assert await news(watch) == 1
        # Redis forgets everything and comes back: what was revoked meanwhile is read when it is there again.
        redis.stop()
        await revoke(one)
        redis.start()
        assert await news(watch) == 1
        await watch.aclose()
    await mine.close()
    await theirs.close()


async def revoke(replica: LocalRevocations) -> None:
    async with replica.transaction() as (session, revoked):
        revoked.append(revoke_subject(session, new_id()))


async def news(watch: AsyncIterator[Update]) -> int:
    """Return how many revocations come next, heartbeats left out."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            update = await anext(watch)
            if update.revocations:
                return len(update.revocations)


async def test_replicas_are_told_of_what_was_revoked_and_of_nothing_else(tmp_path: Path) -> None:
    url, told = f"sqlite+aiosqlite:///{tmp_path}/auth.db", []

    class Counting:
        def tell(self) -> None:
            told.append(1)

        async def run(self, heard: object) -> None:
            return

    await run_migrations(url, MIGRATIONS)
    database = Database(url)
    async with following(database, Counting()) as revocations:
        async with revocations.transaction():
            pass
        await revoke(revocations)
    assert told == [1]
    await database.close()
