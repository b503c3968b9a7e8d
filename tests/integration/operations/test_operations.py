"""Long work in real processes: what comes of it, how it is told, ended and bounded."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.db import Database
from shared.migrate import drift, run_migrations
from shared.operations.operation import OperationNotFound, Place, State
from shared.operations.operations import ARGUMENT_BYTES, ArgumentsTooLarge, Operations
from shared.operations.process import Process
from shared.operations.settings import OperationSettings
from shared.operations.store import METADATA, MIGRATIONS, OperationRow, QueueFull, Store, TooMany
from shared.operations.work import NotWork
from tests.integration.operations import work
from tests.integration.operations.conftest import ADA, BOB, Open, begun, ended, is_alive, leave
from tests.waiting import until

FILE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


async def test_migrations_go_up_down_and_up_and_leave_nothing_to_change(settings: OperationSettings) -> None:
    url = settings.operations_url("demand")
    for revision in ("head", "base", "head"):
        await run_migrations(url, MIGRATIONS, revision)
    assert await drift(url, METADATA) == []


async def test_a_forecast_is_handed_in_as_a_plain_function(open_operations: Open) -> None:
    async with open_operations() as operations:
        first = await operations.begin("forecast", work.forecast, {"days": 3}, ADA)
        found = await ended(operations, first.id)
    assert (found.state, found.kind, found.progress_pct) == (State.SUCCEEDED, "forecast", 100.0)
    assert found.result == {"mean": [10.0, 10.0, 10.0], "caller": "ada"}


async def test_work_expected_soon_is_waited_for(open_operations: Open) -> None:
    async with open_operations() as operations:
        found = await operations.begin("doubling", work.doubled, {"number": 21}, ADA, expected_seconds=1)
        found = found if found.is_done else await ended(operations, found.id)
        assert found.result is not None and found.result["twice"] == 42


async def test_progress_is_told_to_watchers_as_it_comes(open_operations: Open, tmp_path: Path) -> None:
    seen = []
    async with open_operations() as operations:

        async def watch() -> None:
            async for one in operations.watch():
                seen.append((one.owner, one.state, one.phrase))

        watching = asyncio.create_task(watch())
        arguments = {"steps": 2, "folder": str(tmp_path)}
        operation = await operations.begin("steps", work.stepwise, arguments, ADA)
        for step in range(2):
            await until(lambda step=step: ("ada", State.RUNNING, f"step {step}") in seen)
            assert (await operations.get(operation.id)).progress_pct == 50 * step
            leave(tmp_path, f"step-{step}")
        await until(lambda: seen and seen[-1][1] is State.SUCCEEDED)
        watching.cancel()
    assert len(seen) == len(set(seen)), seen


@pytest.mark.parametrize("function", [work.with_a_child, work.deaf])
async def test_cancelling_ends_the_process_and_all_it_began(open_operations: Open, tmp_path: Path, function) -> None:
    async with open_operations() as operations:
        operation = await operations.begin("waiting", function, {"folder": str(tmp_path)}, ADA)
        await until(lambda: begun(tmp_path))
        pids = begun(tmp_path) + ([int((tmp_path / "child").read_text())] if function is work.with_a_child else [])
        assert all(map(is_alive, pids))
        found = await operations.cancel(operation.id)
        found = found if found.is_done else await ended(operations, operation.id)
        assert (found.state, found.reason) == (State.CANCELLED, "OPERATION_CANCELLED")
        await until(lambda: not any(map(is_alive, pids)))
        assert await operations.cancel(operation.id) == found


async def test_one_that_waits_is_cancelled_without_ever_beginning(open_operations: Open, tmp_path: Path) -> None:
    async with open_operations() as operations:
        for name in ("a", "b", "c"):
            (tmp_path / name).mkdir()
        made = [
            await operations.begin("waiting", work.waiting, {"folder": str(tmp_path / name)}, ADA)
            for name in ("a", "b", "c")
        ]
        await until(lambda: begun(tmp_path / "a") and begun(tmp_path / "b"))
        third = await operations.get(made[2].id)
        assert (third.state, third.phrase) == (State.QUEUED, "waiting for its turn")
        assert (await operations.cancel(third.id)).state is State.CANCELLED
        for name in ("a", "b"):
            leave(tmp_path / name, "go")
        assert [(await ended(operations, one.id)).state for one in made[:2]] == [State.SUCCEEDED] * 2
        assert begun(tmp_path / "c") == []


async def test_the_bound_on_memory_is_hit_and_said(open_operations: Open) -> None:
    async with open_operations() as operations:
        large, small = [await operations.begin("greed", work.greedy, {"mib": mib}, ADA) for mib in (400, 100)]
        assert (await ended(operations, small.id)).result == {"held": 100}
        found = await ended(operations, large.id)
        more = await operations.begin("greed", work.greedy, {"mib": 400}, ADA, memory_mb=600)
        assert (await ended(operations, more.id)).result == {"held": 400}
    assert (found.state, found.reason) == (State.FAILED, "OPERATION_OUT_OF_MEMORY")
    assert "256 MiB" in found.detail


FAILURES = [
    (work.refusing, "HORIZON_WRONG", "give 1 to 365"),
    (work.broken, "OPERATION_FAILED", "the log of the service has more"),
    (work.killed, "OPERATION_DIED", "killed"),
    (work.leaving, "OPERATION_DIED", "code 3"),
    (work.large, "OPERATION_RESULT_TOO_LARGE", "ask for less"),
    (work.unusable, "OPERATION_RESULT_UNUSABLE", "JSON cannot hold"),
]


@FILE
@pytest.mark.parametrize(("function", "reason", "detail"), FAILURES)
async def test_a_failure_has_a_reason_and_no_secret(open_operations: Open, function, reason: str, detail: str) -> None:
    async with open_operations() as operations:
        found = await ended(operations, (await operations.begin("failing", function, {}, ADA)).id)
    assert (found.state, found.reason) == (State.FAILED, reason)
    assert detail in found.detail and "hunter2" not in found.detail


@FILE
async def test_what_the_work_prints_is_not_its_answer(open_operations: Open) -> None:
    async with open_operations() as operations:
        found = await ended(operations, (await operations.begin("chat", work.chatty, {}, ADA)).id)
    assert found.result == {"nan": None}


async def test_a_result_of_the_largest_size_comes_whole(open_operations: Open) -> None:
    async with open_operations() as operations:
        found = await ended(operations, (await operations.begin("quotes", work.quoted, {}, ADA)).id)
    assert found.result == {"text": "é" * (2**19 - 100)}


@FILE
async def test_no_byte_of_a_result_is_too_long_in_its_json(open_operations: Open) -> None:
    async with open_operations() as operations:
        found = await ended(operations, (await operations.begin("bytes", work.unprintable, {}, ADA)).id)
    assert (found.state, found.detail) == (State.SUCCEEDED, "")
    assert found.result is not None and len(found.result["text"]) == 2**20 - 100


async def test_a_failure_that_says_too_much_is_kept_shortened(open_operations: Open) -> None:
    async with open_operations() as operations:
        found = await ended(operations, (await operations.begin("words", work.verbose, {}, ADA)).id)
    assert (found.state, found.reason, set(found.detail)) == (State.FAILED, "R" * 100, {"é"})
    assert len(found.detail) == 2000


async def test_a_claim_that_nobody_heard_of_is_not_held_by_the_work_on_others(settings: OperationSettings) -> None:
    """The database took the claim and went away before it said so."""
    await run_migrations(settings.operations_url("demand"), MIGRATIONS)
    database = Database(settings.operations_url("demand"))
    store, now, lease = Store(database, "demand"), datetime.now(UTC), timedelta(seconds=15)
    for name in ("unheard", "at-work"):
        row = OperationRow(
            id=name, service="demand", kind="k", function="f:f", owner="ada", caller="{}", arguments="{}"
        )
        row.memory_mb, row.state, row.created_at, row.changed_at = 64, State.QUEUED, now, now
        await store.add(row, 9, 9)
        await store.claim("runner", now, lease)
    assert await store.beat("runner", ["at-work"], now + lease, lease) == {"at-work": False}
    assert await store.take_back(now + 1.5 * lease) == 1
    assert [(await store.get(name)).state for name in ("unheard", "at-work")] == [State.QUEUED, State.RUNNING]  # type: ignore[union-attr]
    await database.close()


async def test_work_that_takes_too_long_is_ended(settings: OperationSettings, tmp_path: Path) -> None:
    short = settings.model_copy(update={"operations_seconds": 1.0})
    async with Operations("demand", short, packages={"tests"}) as operations:
        operation = await operations.begin("waiting", work.waiting, {"folder": str(tmp_path)}, ADA)
        found = await ended(operations, operation.id)
    assert (found.state, found.reason) == (State.FAILED, "OPERATION_TIMEOUT")
    assert not any(map(is_alive, begun(tmp_path)))


async def test_the_queue_is_bounded_for_all_and_for_each(settings: OperationSettings, tmp_path: Path) -> None:
    small = settings.model_copy(
        update={"operations_at_once": 1, "operations_queued": 2, "operations_queued_per_caller": 2}
    )
    arguments = {"folder": str(tmp_path)}
    async with Operations("demand", small, packages={"tests"}) as operations:
        await operations.begin("waiting", work.waiting, arguments, ADA)
        await until(lambda: begun(tmp_path))
        await operations.begin("waiting", work.waiting, arguments, ADA)
        with pytest.raises(TooMany):
            await operations.begin("waiting", work.waiting, arguments, ADA)
        await operations.begin("waiting", work.waiting, arguments, BOB)
        with pytest.raises(QueueFull):
            await operations.begin("waiting", work.waiting, arguments, BOB)
        leave(tmp_path, "go")


async def test_the_bounds_hold_for_several_replicas_that_add_at_once(url: str, tmp_path: Path) -> None:
    where = url or f"sqlite+aiosqlite:///{tmp_path}/operations.db"
    await run_migrations(where, MIGRATIONS)
    databases = [Database(where) for _ in range(4)]
    stores = [Store(database, "demand") for database in databases]

    def row(number: int, owner: str) -> OperationRow:
        told = {"service": "demand", "kind": "k", "function": "f", "caller": "{}", "arguments": "{}", "memory_mb": 1}
        at = datetime.now(UTC)
        return OperationRow(id=f"{owner}-{number}", owner=owner, state="queued", created_at=at, changed_at=at, **told)

    async def added(owner: str, most: int, each: int) -> list[str]:
        adding = [stores[number % 4].add(row(number, owner), most, each) for number in range(8)]
        return sorted(type(one).__name__ for one in await asyncio.gather(*adding, return_exceptions=True))

    assert await added("ada", 100, 3) == ["OperationRow"] * 3 + ["TooMany"] * 5
    assert await added("bob", 5, 100) == ["OperationRow"] * 2 + ["QueueFull"] * 6
    for database in databases:
        await database.close()


async def test_a_key_begins_one_operation_however_many_replicas_are_asked_at_once(
    open_operations: Open, tmp_path: Path
) -> None:
    arguments = {"folder": str(tmp_path)}
    async with open_operations() as first, open_operations() as second:
        asked = [one.begin("waiting", work.waiting, arguments, ADA, key="k") for one in (first, second) * 3]
        assert len({one.id for one in await asyncio.gather(*asked)}) == 1
        known = await first.begun(work.waiting, ADA, "k")
        assert known is not None and known.owner == "ada"
        others = [
            await first.begin("waiting", work.waiting, arguments, BOB, key="k"),
            await first.begin("doubling", work.doubled, {"number": 2}, ADA, key="k"),
            await first.begin("waiting", work.waiting, arguments, ADA, key="another"),
        ]
        assert known.id not in {one.id for one in others} and len({one.id for one in others}) == 3
        assert await first.begun(work.waiting, BOB, "another") is None
        leave(tmp_path, "go")
        done = await ended(first, known.id)
        assert (await second.begin("waiting", work.waiting, arguments, ADA, key="k")).result == done.result


@FILE
async def test_the_store_is_there_before_anybody_asks(open_operations: Open, tmp_path: Path) -> None:
    def newest() -> list[tuple[str]]:
        try:
            with sqlite3.connect(f"file:{tmp_path}/demand/operations.db?mode=ro", uri=True) as database:
                return database.execute("SELECT version_num FROM alembic_version_operations").fetchall()
        except sqlite3.OperationalError:
            return []

    async with open_operations():
        await until(lambda: newest() == [("0004",)])


@FILE
async def test_it_is_begun_before_there_is_a_process_for_it(
    open_operations: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_start, start = asyncio.Event(), Process.start

    async def late(job: Any) -> Process:
        await may_start.wait()
        return await start(job)

    monkeypatch.setattr(Process, "start", late)
    async with open_operations() as operations:
        begun_one = await operations.begin("doubling", work.doubled, {"number": 4}, ADA)
        assert not begun_one.is_done
        assert [one.id for one in (await operations.page("ada", None, 9))[0]] == [begun_one.id]
        may_start.set()
        assert (await ended(operations, begun_one.id)).state is State.SUCCEEDED


@FILE
async def test_work_sees_its_caller_without_the_token_and_what_it_was_asked_is_not_kept(
    open_operations: Open, tmp_path: Path
) -> None:
    async with open_operations() as operations:
        operation = await operations.begin("who", work.whoever, {"secret": "s3cret"}, ADA)
        found = await ended(operations, operation.id)
    assert found.result == {"subject": "ada", "permissions": ["demand:run"], "regions": None, "token": ""}
    with sqlite3.connect(tmp_path / "demand" / "operations.db") as database:
        (row,) = database.execute("SELECT * FROM operations").fetchall()
    assert "s3cret" not in str(row) and "not to be kept" not in str(row)


@FILE
async def test_only_plain_functions_of_ours_can_be_work(open_operations: Open) -> None:
    async with open_operations() as operations:
        for function in (lambda progress, arguments: {}, Path.exists, print):
            with pytest.raises(NotWork):
                await operations.begin("wrong", function, {}, ADA)
        with pytest.raises(ArgumentsTooLarge):
            await operations.begin("wrong", work.doubled, {"text": "x" * ARGUMENT_BYTES}, ADA)


async def test_pages_go_on_where_the_one_before_ended(settings: OperationSettings) -> None:
    wide = settings.model_copy(update={"operations_queued_per_caller": 100})
    async with Operations("demand", wide, packages={"tests"}) as operations:
        made = [await operations.begin("doubling", work.doubled, {"number": n}, ADA) for n in range(5)]
        await operations.begin("doubling", work.doubled, {"number": 5}, BOB)
        names, before = [], None
        while page := (await operations.page("ada", before, 2))[0]:
            names += [one.name for one in page]
            before = Place(page[-1].created_at, page[-1].name)
        assert names == [one.name for one in reversed(made)]
        assert (await operations.page("ada", None, 2))[1] == 5
        assert (await operations.page(None, None, 1))[1] == 6
        # One of another service at the same moment: all of ours there come before or after it, by name.
        at = made[2].created_at
        found = [(await operations.page("ada", Place(at, f"{service}/x"), 9))[0] for service in ("auth", "pipeline")]
        assert [len(one) for one in found] == [2, 3]


async def test_there_is_nothing_before_the_first(open_operations: Open) -> None:
    async with open_operations() as operations:
        found, total = await operations.page("ada", None, 10)
        assert (list(found), total) == ([], 0)
        with pytest.raises(OperationNotFound):
            await operations.get("20200101T000000000000Z-00000000")


async def test_what_ended_long_ago_is_forgotten(open_operations: Open, settings: OperationSettings) -> None:
    async with open_operations() as operations:
        operation = await operations.begin("doubling", work.doubled, {"number": 1}, ADA)
        await ended(operations, operation.id)
    short = settings.model_copy(update={"operations_kept_days": 1e-9})
    async with Operations("demand", short, packages={"tests"}) as operations, asyncio.timeout(10):
        while (await operations.page(None, None, 1))[1]:  # noqa: ASYNC110  it is done when the service starts
            await asyncio.sleep(0.02)
        with pytest.raises(OperationNotFound):
            await operations.get(operation.id)


async def test_two_services_share_a_database_and_nothing_else(url: str, settings: OperationSettings) -> None:
    async with (
        Operations("demand", settings, packages={"tests"}) as demand,
        Operations("compliance", settings, packages={"tests"}) as compliance,
    ):
        operation = await demand.begin("doubling", work.doubled, {"number": 1}, ADA)
        with pytest.raises(OperationNotFound):
            await compliance.get(operation.id)
        assert (await compliance.page(None, None, 10))[1] == 0
        await ended(demand, operation.id)


async def test_one_cancelled_while_its_process_is_being_made_does_not_go_on(
    open_operations: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go_on, start = asyncio.Event(), asyncio.Event(), Process.start

    async def slow(job: Any) -> Process:
        asked.set()
        await go_on.wait()
        return await start(job)

    monkeypatch.setattr(Process, "start", slow)
    async with open_operations() as operations:
        operation = await operations.begin("waiting", work.waiting, {"folder": str(tmp_path)}, ADA)
        await asked.wait()
        cancelling = asyncio.create_task(operations.cancel(operation.id))
        await until(lambda: any(turn.is_cancelled for turn in operations._opened._schedule._turns.values()))
        go_on.set()
        found = await cancelling
        found = found if found.is_done else await ended(operations, operation.id)
    assert (found.state, found.reason) == (State.CANCELLED, "OPERATION_CANCELLED")
