"""A POST with an Idempotency-Key is done once, and its repetitions are told the truth."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from gateway.idempotency import LONGEST_KEPT, LOST_AFTER_SECONDS, Idempotency
from gateway.store import MIGRATIONS
from gateway.tables import METADATA
from protos.auth.v1 import auth_pb2
from protos.common.v1 import operation_pb2
from protos.pipeline.v1 import pipeline_pb2
from shared.db import Database
from shared.errors import DeadlineExceeded, FailedPrecondition, Unavailable
from shared.migrate import run_migrations
from shared.principal import Principal
from shared.rpc.access import Door
from shared.rpc.status import ConnectionLost, Unreachable
from shared.telemetry_metrics import Counter
from shared.transcode.answer import Answer
from shared.transcode.contract import load_contracts
from shared.transcode.idempotency import creates
from shared.transcode.parts import Make, Question
from tests.contract.backend import Backend, gateway, settings_for
from tests.redis_server import free_port

RUNS, RUNS_RPC = "/api/v1/pipeline/runs", "/pipeline.v1.PipelineService/StartRun"
LOGOUT = "/api/v1/auth/logout"
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def run_called(name: str) -> pipeline_pb2.StartRunResponse:
    return pipeline_pb2.StartRunResponse(name=name, operation=operation_pb2.Operation(name=name))


@pytest.fixture
async def client(backend: Backend, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    calls: list[int] = []

    def started(request, context):
        calls.append(1)
        return run_called(f"pipeline/{len(calls)}")

    backend.answers[RUNS_RPC] = started
    async with gateway(settings_for(backend, var_dir=tmp_path)) as (one, _):
        yield one


async def start(client: httpx.AsyncClient, backend: Backend, key: str = KEY, who: str = "ada", **body: object):
    headers = {"Authorization": f"Bearer {backend.token('admin', subject=who)}", "Idempotency-Key": key}
    return await client.post(RUNS, json=body, headers=headers)


def reason(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["reason"]


async def test_the_same_request_again_gets_the_same_answer_and_is_not_done_again(client, backend):
    first, second = await start(client, backend), await start(client, backend)
    assert (first.status_code, first.json()["name"]) == (202, "pipeline/1")
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["content-type"] == first.headers["content-type"]
    assert second.headers["location"] == first.headers["location"] == "/api/v1/operations/pipeline/1"
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert sum(path == RUNS_RPC for path, _, _ in backend.asked) == 1


async def test_another_request_with_the_same_key_is_refused(client, backend):
    await start(client, backend)
    assert reason(await start(client, backend, only=["demand.rfm_scores"])) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_key_is_its_owners_alone(client, backend):
    names = [(await start(client, backend, who=who)).json()["name"] for who in ("ada", "bob", "ada")]
    assert names == ["pipeline/1", "pipeline/2", "pipeline/1"]


async def test_two_programs_of_one_owner_have_keys_of_their_own(client, backend):
    names = []
    for program in ("", "reports", "sync", "reports"):
        token = backend.token("admin", subject="ada", api_key=program)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": KEY}
        names.append((await client.post(RUNS, json={}, headers=headers)).json()["name"])
    assert names == ["pipeline/1", "pipeline/2", "pipeline/3", "pipeline/2"]


@pytest.mark.parametrize("changed", [{"permissions": ["pipeline:run"]}, {"regions": ["Westland"]}])
async def test_with_other_rights_an_answer_is_neither_given_again_nor_is_the_call_done_again(client, backend, changed):
    rights = {"permissions": ["pipeline:run", "pii:read"], "regions": None}
    for held, status in ((rights, 202), ({**rights, **changed}, 422), (rights, 202)):
        token = backend.token("admin", subject="ada", **held)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": KEY}
        assert (await client.post(RUNS, json={}, headers=headers)).status_code == status
    assert sum(path == RUNS_RPC for path, _, _ in backend.asked) == 1


async def test_without_a_key_each_request_is_done(client, backend):
    headers = backend.bearer("admin")
    names = [(await client.post(RUNS, json={}, headers=headers)).json()["name"] for _ in range(2)]
    assert names == ["pipeline/1", "pipeline/2"]


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256])
async def test_a_key_that_is_none_is_refused(client, backend, key):
    assert reason(await start(client, backend, key)) == (400, "IDEMPOTENCY_KEY_INVALID")


async def test_of_many_at_once_one_is_done_and_the_others_are_told_to_come_again(client, backend):
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(request, context):
        begun.set()
        await go.wait()
        return run_called("pipeline/1")

    backend.answers[RUNS_RPC] = slow
    first = asyncio.create_task(start(client, backend))
    async with asyncio.timeout(10):
        await begun.wait()
        for _ in range(3):
            other = await start(client, backend)
            assert reason(other) == (409, "IDEMPOTENCY_IN_PROGRESS")
            assert int(other.headers["retry-after"]) >= 1
        go.set()
        assert (await first).status_code == 202
    assert (await start(client, backend)).headers["idempotency-replayed"] == "true"


async def test_a_refusal_did_nothing_and_frees_the_key(client, backend):
    done = backend.answers[RUNS_RPC]

    def refused(request, context):
        raise FailedPrecondition("not yet", reason="PIPELINE_RUNNING")

    backend.answers[RUNS_RPC] = refused
    assert reason(await start(client, backend)) == (400, "PIPELINE_RUNNING")
    backend.answers[RUNS_RPC] = done
    assert "idempotency-replayed" not in (await start(client, backend)).headers


async def test_a_request_that_is_wrong_in_itself_takes_no_key(client, backend):
    assert (await start(client, backend, no_such_field=1)).status_code == 400
    assert (await start(client, backend)).status_code == 202


async def test_an_answer_that_may_not_be_kept_is_not_given_again(client, backend, tmp_path):
    headers = {**backend.bearer("viewer"), "Idempotency-Key": KEY, "X-Session": "cookie"}
    first = await client.post(LOGOUT, json={}, headers=headers)
    assert "set-cookie" in first.headers
    assert reason(await client.post(LOGOUT, json={}, headers=headers)) == (409, "IDEMPOTENCY_ANSWER_NOT_KEPT")


async def test_neither_key_nor_request_is_to_be_found_in_the_file(client, backend, tmp_path):
    await start(client, backend, only=["demand.rfm_scores"])
    kept = b"".join(file.read_bytes() for file in (tmp_path / "gateway").iterdir())
    assert b"pipeline/1" in kept
    assert KEY.encode() not in kept
    assert b"rfm_scores" not in kept
    assert (tmp_path / "gateway" / "gateway.db").stat().st_mode & 0o077 == 0


def test_logins_and_questions_take_no_key():
    taking = {one.full_name for one in load_contracts().published if creates(one)}
    assert "pipeline.v1.PipelineService.StartRun" in taking
    assert "auth.v1.AuthService.Login" not in taking
    assert not any(one.rule.verb != "POST" for one in load_contracts().published if one.full_name in taking)


async def test_the_document_says_which_operations_take_a_key(client):
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    named = [one["name"] for one in paths[RUNS]["post"]["parameters"]]
    assert "Idempotency-Key" in named
    assert "IDEMPOTENCY_KEY_REUSED" in paths[RUNS]["post"]["x-error-reasons"]
    assert "Idempotency-Key" not in str(paths["/api/v1/auth/login"]["post"])


# The part alone, with the clock in hand.

METHODS = {one.full_name: one for one in load_contracts().published}
START, LOGIN = METHODS["pipeline.v1.PipelineService.StartRun"], METHODS["auth.v1.AuthService.Login"]


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def part(folder: Path, clock: Clock) -> AsyncIterator[Idempotency]:
    one = Idempotency(f"sqlite+aiosqlite:///{folder}/gateway.db", Counter("keys", "", ("outcome",)), clock)
    try:
        yield one
    finally:
        await one.close()


def question(request: bytes = b"", method=START) -> Question:
    return Question(method, Door.PERMISSION, "pipeline", request, "application/json", Principal("ada"), 10.0)


def answering(body: bytes = b"1") -> Make:
    async def make() -> Answer:
        return Answer(200, body)

    return make


def failing(error: Exception) -> Make:
    async def make() -> Answer:
        raise error

    return make


async def test_after_a_day_a_key_is_new_again(tmp_path):
    clock = Clock()
    async with part(tmp_path, clock) as keys:
        for later, made, given in ((0, b"1", b"1"), (23, b"2", b"1"), (2, b"3", b"3")):
            clock.now += timedelta(hours=later)
            assert (await keys.answer(b"k", question(), answering(made))).body == given


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (Unreachable("no connection"), False),
        (FailedPrecondition("no"), False),
        (ConnectionLost("broke"), True),
        (Unavailable("the store of the service is down"), True),
        (DeadlineExceeded("late"), True),
        (RuntimeError("our mistake"), True),
    ],
    ids=lambda one: type(one).__name__,
)
async def test_a_call_that_may_have_been_done_is_not_made_again(tmp_path, error, known):
    async with part(tmp_path, Clock()) as keys:
        with pytest.raises(type(error)):
            await keys.answer(b"k", question(), failing(error))
        if not known:
            assert (await keys.answer(b"k", question(), answering())).body == b"1"
            return
        with pytest.raises(Exception, match="may or may not have been done") as told:
            await keys.answer(b"k", question(), answering())
        assert told.value.error_reason == "IDEMPOTENCY_OUTCOME_UNKNOWN"


async def test_a_caller_who_leaves_finds_the_answer_when_it_asks_again(tmp_path):
    begun, go = asyncio.Event(), asyncio.Event()

    async def make() -> Answer:
        begun.set()
        await go.wait()
        return Answer(200, b"done")

    async with part(tmp_path, Clock()) as keys:
        asking = asyncio.create_task(keys.answer(b"k", question(), make))
        async with asyncio.timeout(10):
            await begun.wait()
            asking.cancel()
            await asyncio.wait([asking])
            go.set()
            await asyncio.wait(tuple(keys._running))
        assert (await keys.answer(b"k", question(), answering(b"again"))).body == b"done"


async def test_what_a_secret_answer_says_is_stored_nowhere(tmp_path):
    async with part(tmp_path, Clock()) as keys:
        made = auth_pb2.LoginResponse(access_token="s3cret-token").SerializeToString()
        assert (await keys.answer(b"k", question(method=LOGIN), answering(made))).body == made
        with pytest.raises(Exception, match="told once"):
            await keys.answer(b"k", question(method=LOGIN), answering())
    assert not any(b"s3cret" in file.read_bytes() for file in tmp_path.iterdir())


async def test_a_call_whose_gateway_died_is_running_for_a_while_and_then_unknown(tmp_path):
    clock = Clock()
    never = asyncio.Event()

    async def lost() -> Answer:
        await never.wait()
        raise AssertionError

    async with part(tmp_path, clock) as keys:
        first = asyncio.create_task(keys.answer(b"k", question(), lost))
        async with asyncio.timeout(10):
            while not keys._running:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        async with part(tmp_path, clock) as after:
            with pytest.raises(Exception, match="still running"):
                await after.answer(b"k", question(), answering())
            clock.now += timedelta(seconds=LOST_AFTER_SECONDS)
            with pytest.raises(Exception, match="may or may not"):
                await after.answer(b"k", question(), answering())
        for task in (first, *keys._running):
            task.cancel()


async def test_a_gateway_killed_in_the_middle_leaves_a_record_that_the_next_one_reads(backend: Backend, tmp_path: Path):
    begun = asyncio.Event()

    async def never(request, context):
        begun.set()
        await asyncio.sleep(60)

    backend.answers[RUNS_RPC] = never
    port = free_port()
    names = sorted({method.backend for method in backend.contracts.methods} - {"common"})
    environment = {
        "PATH": os.environ["PATH"],
        "VAR_DIR": str(tmp_path),
        "HTTP_ADDRESS": f"127.0.0.1:{port}",
        "SERVICES": ",".join(f"{name}={backend.address}" for name in names),
        "ISSUER": "http://testserver",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", env=environment)
    try:
        async with asyncio.timeout(60), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            asking = asyncio.create_task(asked(client, backend))
            await begun.wait()
            process.send_signal(signal.SIGKILL)
            await process.wait()
            assert await asking is None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    async with gateway(settings_for(backend, var_dir=tmp_path)) as (client, _):
        assert reason(await start(client, backend)) == (409, "IDEMPOTENCY_IN_PROGRESS")
        assert reason(await start(client, backend, only=["x.y"])) == (422, "IDEMPOTENCY_KEY_REUSED")


async def asked(client: httpx.AsyncClient, backend: Backend) -> httpx.Response | None:
    """Return the answer to a start, None when the gateway died; asked again until the gateway is there at all."""
    while True:
        try:
            return await start(client, backend)
        except httpx.ConnectError:
            await asyncio.sleep(0.05)
        except httpx.TransportError:
            return None


async def test_migrations_go_up_down_and_up_again(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    for revision in ("head", "base", "head"):
        await run_migrations(url, MIGRATIONS, revision)
    database = Database(url)
    async with database.engine.connect() as connection:
        names = await connection.run_sync(lambda sync: sync.dialect.get_table_names(sync))
    await database.close()
    assert set(names) == {"alembic_version_gateway", *METADATA.tables}


async def test_a_long_answer_is_given_once_and_fills_no_disk(client, backend, tmp_path):
    backend.answers[RUNS_RPC] = lambda request, context: run_called("x" * (LONGEST_KEPT + 1))
    first = await start(client, backend)
    assert (first.status_code, len(first.content) > LONGEST_KEPT) == (202, True)
    assert reason(await start(client, backend)) == (409, "IDEMPOTENCY_ANSWER_NOT_KEPT")
    assert sum(file.stat().st_size for file in (tmp_path / "gateway").iterdir()) < LONGEST_KEPT
