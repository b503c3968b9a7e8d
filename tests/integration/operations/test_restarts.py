"""A service killed or stopped while it is at work: nothing outlives it, and the next one goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.db import Database
from shared.operations.operation import Operation, State
from shared.operations.operations import Operations
from shared.operations.settings import OperationSettings
from shared.operations.store import Store, operation_of
from tests.integration.operations import work
from tests.integration.operations.conftest import ADA, Open, begun, ended, is_alive, leave
from tests.waiting import until

SERVICE = "tests.integration.operations.service"
ROOT = Path(__file__).resolve().parents[3]


@asynccontextmanager
async def running(settings: OperationSettings, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Yield a service of its own, killed at the end if it is still there."""
    environment = {
        "VAR_DIR": str(settings.var_dir),
        "SERVICES": "auth=127.0.0.1:1",
        "OPERATIONS_DATABASE_URL": settings.operations_database_url,
        "OPERATIONS_QUEUED_PER_CALLER": "9",
        # So that nothing is left asleep when the tests themselves are killed from outside.
        "SUPERVISOR_PID": str(os.getpid()),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", SERVICE, *arguments, env={**os.environ, **environment}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def killed_at_work(settings: OperationSettings, times: int, *arguments: str) -> None:
    """Kill a service once its work has begun so many times in all; the work must be gone with it."""
    folder = settings.var_dir
    async with running(settings, *arguments) as service:
        await until(lambda: len(begun(folder)) == times, 60)
        os.kill(service.pid, signal.SIGKILL)
        await service.wait()
    await until(lambda: not is_alive(begun(folder)[-1]))
    await until(lambda: not is_alive(int((folder / "child").read_text())))


@pytest.mark.slow
async def test_a_service_killed_in_the_middle_goes_on_and_what_it_did_is_kept(
    settings: OperationSettings, tmp_path: Path
) -> None:
    await killed_at_work(settings, 1, "begin")
    async with running(settings) as service:
        await until(lambda: len(begun(tmp_path)) == 2, 60)
        leave(tmp_path, "go")
        async with asyncio.timeout(60):
            while not (await kept(settings)).is_done:  # noqa: ASYNC110  another process ends it
                await asyncio.sleep(0.1)
        service.terminate()
        await service.wait()
    found = await kept(settings)
    assert (found.state, found.result) == (State.SUCCEEDED, {"went": True})
    assert not any(map(is_alive, begun(tmp_path)))


@pytest.mark.slow
async def test_what_is_interrupted_twice_fails(settings: OperationSettings, tmp_path: Path) -> None:
    await killed_at_work(settings, 1, "begin")
    await killed_at_work(settings, 2)
    async with running(settings):
        async with asyncio.timeout(60):
            while not (found := await kept(settings)).is_done:  # noqa: ASYNC110  another process ends it
                await asyncio.sleep(0.1)
    assert (found.state, found.reason) == (State.FAILED, "OPERATION_INTERRUPTED")
    assert len(begun(tmp_path)) == 2


@asynccontextmanager
async def store(settings: OperationSettings) -> AsyncIterator[Store]:
    """Yield the store of a service as another process sees it."""
    database = Database(settings.operations_url("demand"))
    yield Store(database, "demand")
    await database.close()


async def kept(settings: OperationSettings) -> Operation:
    """Return the one operation there is."""
    async with store(settings) as one:
        ((row,), _) = await one.page("ada", None, 10)
        whole = await one.get(row.id)
        assert whole is not None
        return operation_of(whole, with_result=True)


async def test_a_clean_stop_ends_the_work_and_the_next_start_does_it(open_operations: Open, tmp_path: Path) -> None:
    async with open_operations() as operations:
        operation = await operations.begin("waiting", work.waiting, {"folder": str(tmp_path)}, ADA)
        await until(lambda: begun(tmp_path))
    assert not is_alive(begun(tmp_path)[0])
    leave(tmp_path, "go")
    async with open_operations() as operations:
        found = await ended(operations, operation.id)
    assert (found.state, len(begun(tmp_path))) == (State.SUCCEEDED, 2)


@pytest.mark.parametrize("url", ["mariadb"], indirect=True)
async def test_a_replica_cancels_what_another_works_on_and_hears_of_its_end(
    open_operations: Open, tmp_path: Path
) -> None:
    async with open_operations() as one, open_operations() as other:
        operation = await one.begin("waiting", work.waiting, {"folder": str(tmp_path)}, ADA)
        await until(lambda: begun(tmp_path))
        seen: list[State] = []

        async def watch(operations: Operations) -> None:
            async for found in operations.watch():
                seen.append(found.state)

        watching = [asyncio.create_task(watch(each)) for each in (one, other)]
        await until(lambda: seen.count(State.RUNNING) >= 2)
        first, second = await asyncio.gather(*(each.cancel(operation.id) for each in (one, other)))
        assert {first.state, second.state} == {State.CANCELLED}
        await until(lambda: seen.count(State.CANCELLED) == 2)
        for task in watching:
            task.cancel()
    assert len(begun(tmp_path)) == 1


async def test_whoever_was_taken_for_dead_ends_its_work_and_tells_nothing_of_it(
    settings: OperationSettings, open_operations: Open, tmp_path: Path
) -> None:
    async with open_operations() as operations:
        operation = await operations.begin("waiting", work.waiting, {"folder": str(tmp_path)}, ADA)
        await until(lambda: begun(tmp_path))
        async with store(settings) as another:
            assert await another.take_back(datetime.now(UTC), others_than="another") == 1
        await until(lambda: len(begun(tmp_path)) == 2, 30)
        assert not is_alive(begun(tmp_path)[0])
        leave(tmp_path, "go")
        found = await ended(operations, operation.id)
    assert (found.state, found.result) == (State.SUCCEEDED, {"went": True})


@pytest.mark.slow
async def test_a_service_of_these_tests_and_its_work_go_when_the_tests_are_killed(tmp_path: Path) -> None:
    killed = f"import asyncio, sys; from {__name__} import at_work; asyncio.run(at_work(sys.argv[1]))"
    tests = await asyncio.create_subprocess_exec(sys.executable, "-c", killed, str(tmp_path), cwd=ROOT)
    await until(
        lambda: len(begun(tmp_path)) == 1 and (tmp_path / "child").exists() and (tmp_path / "service").exists(), 60
    )
    tests.kill()
    await tests.wait()
    left = [begun(tmp_path)[0], *(int((tmp_path / name).read_text()) for name in ("child", "service"))]
    await until(lambda: not any(map(is_alive, left)), 30)


async def at_work(folder: str) -> None:
    """Be a test whose service is at work."""
    settings = OperationSettings(var_dir=Path(folder), services={"auth": "127.0.0.1:1"})
    async with running(settings, "begin") as service:
        (Path(folder) / "service.new").write_text(str(service.pid))
        (Path(folder) / "service.new").rename(Path(folder) / "service")
        await service.wait()
