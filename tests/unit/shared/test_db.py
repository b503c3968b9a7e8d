"""What a store does when its database does not answer. Moments and transactions are tested on both databases."""

from __future__ import annotations

import gc
import socket
from asyncio import CancelledError, all_tasks, create_task, current_task, gather, sleep, wait_for
from random import Random
from types import NoneType

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared import db
from shared.db import Database, StoreUnavailable


async def test_a_database_that_is_down_is_unavailable_and_not_our_mistake() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        database = Database(f"mysql+asyncmy://nobody:secret@127.0.0.1:{taken.getsockname()[1]}/none")
        with pytest.raises(StoreUnavailable) as refused:
            async with database.session() as session:
                await session.execute(text("SELECT 1"))
        await database.close()
    assert "secret" not in refused.value.detail


async def test_a_write_waits_for_another_write_instead_of_failing(tmp_path: object) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE counter (value INTEGER)"))
        await session.execute(text("INSERT INTO counter VALUES (0)"))

    async def add() -> None:
        async with database.transaction() as session:
            value = await session.scalar(text("SELECT value FROM counter"))
            await session.execute(text("UPDATE counter SET value = :next"), {"next": value + 1})

    await gather(*(add() for _ in range(20)))
    async with database.session() as session:
        assert await session.scalar(text("SELECT value FROM counter")) == 20
    await database.close()


async def test_what_a_database_refuses_is_not_told_with_its_values(tmp_path: object) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE people (id INTEGER UNIQUE, email TEXT)"))
    with pytest.raises(IntegrityError) as refused:
        async with database.transaction() as session:
            for _ in range(2):
                row = {"id": 1, "email": "ada@example.com"}
                await session.execute(text("INSERT INTO people VALUES (:id, :email)"), row)
    assert "ada@example.com" not in str(refused.value)
    await database.close()


@pytest.mark.parametrize("more", [0, 1, 3])
async def test_calls_cancelled_at_any_moment_hold_no_lock_and_leave_no_task(
    tmp_path: object, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "BUSY_SECONDS", 3)
    database, draw = Database(f"sqlite+aiosqlite:///{tmp_path}/store.db"), Random(more)
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE counter (value INTEGER)"))

    async def work() -> None:
        async with database.select() as session:
            await session.scalar(text("SELECT count(*) FROM counter"))
        async with database.transaction() as session:
            await session.scalar(text("SELECT count(*) FROM counter"))
            await session.execute(text("INSERT INTO counter VALUES (1)"))

    # Without it, what a cancelled call still refers to would be let go of now and then, and with it its lock.
    gc.disable()
    try:
        for _ in range(60):
            tasks = [create_task(work()) for _ in range(8)]
            for _ in range(more + 1):
                await sleep(draw.random() * 0.01)
                for task in tasks:
                    task.cancel()
            ended = await gather(*tasks, return_exceptions=True)
            assert {type(one) for one in ended} <= {NoneType, CancelledError}
        await wait_for(gather(*(work() for _ in range(20))), 30)
    finally:
        gc.enable()
    await sleep(0.1)
    assert all_tasks() == {current_task()}
    await database.close()
