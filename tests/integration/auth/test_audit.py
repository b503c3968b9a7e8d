"""The audit log over a real database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.auth import audit
from services.auth.accounts import InvalidCredentials
from services.auth.audit import canonical, hash_of
from services.auth.audit_log import Asked, AuditBroken, Chain
from services.auth.parts import Parts
from services.auth.store import AuditRow
from shared import client
from shared.client import Arrival
from shared.db import Database
from tests.integration.auth.conftest import PASSWORD, caller


async def run(database: Database, statement: str) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text(statement))


async def without_triggers(database: Database, statement: str) -> None:
    """Do what somebody can who owns the database."""
    for change in ("update", "delete"):
        await run(database, f"DROP TRIGGER IF EXISTS audit_log_no_{change}")
    await run(database, statement)


async def some_history(parts: Parts) -> Chain:
    ada = await caller(parts, "ada@example.com", "viewer")
    with pytest.raises(InvalidCredentials):
        await parts.accounts.authenticate("ada@example.com", "wrong")
    with pytest.raises(InvalidCredentials):
        await parts.accounts.authenticate("nobody@example.com", "wrong")
    await parts.sessions.end(ada)
    return await parts.audit_log.verify()


async def test_what_was_done_is_told_with_who_and_from_where(parts: Parts) -> None:
    client.arrived.set(Arrival("ipv4:10.0.0.7:1", "192.0.2.1 Firefox"))
    assert (await some_history(parts)).seq == 5
    rows = (await parts.audit_log.page(Asked())).rows
    ada = rows[0].actor
    assert [(row.seq, row.action, row.actor) for row in rows] == [
        (5, "logout", ada),
        (4, "login.failed", ""),
        (3, "login.failed", ada),
        (2, "login.succeeded", ada),
        (1, "user.created", "shell"),
    ]
    assert {row.address for row in rows} == {"192.0.2.1"}
    told = " ".join(str(row.model_dump()) for row in rows)
    assert "example.com" not in told
    assert PASSWORD not in told


async def test_entries_are_filtered_and_paged(parts: Parts) -> None:
    await some_history(parts)
    log = parts.audit_log

    async def seqs(asked: Asked) -> list[int]:
        found = await log.page(asked)
        assert found.total == len(found.rows)
        return [row.seq for row in found.rows]

    rows = (await log.page(Asked())).rows
    assert await seqs(Asked(actor=rows[0].actor)) == [5, 3, 2]
    assert await seqs(Asked(action="login.failed")) == [4, 3]
    assert await seqs(Asked(action="login.")) == [4, 3, 2]
    assert await seqs(Asked(action="login")) == []
    assert await seqs(Asked(target=rows[-1].target)) == [seq.seq for seq in rows if seq.target == rows[-1].target]
    assert await seqs(Asked(target="nobody")) == []
    assert await seqs(Asked(address=rows[0].address)) == [5, 4, 3, 2, 1]
    assert await seqs(Asked(address="192.0.2.99")) == []
    assert await seqs(Asked(since=rows[2].at, until=rows[0].at)) == [4, 3]
    assert await seqs(Asked(since=rows[0].at + timedelta(microseconds=1))) == []
    first = await log.page(Asked(size=2))
    assert ([row.seq for row in first.rows], first.total) == ([5, 4], 5)
    await caller(parts, "late@example.com", "viewer")
    second = await log.page(Asked(size=2, token=first.next_token))
    assert [row.seq for row in second.rows] == [3, 2]
    assert [row.seq for row in (await log.page(Asked(size=2, token=second.next_token))).rows] == [1]


async def test_each_row_holds_the_hash_of_the_one_before(parts: Parts) -> None:
    end = await some_history(parts)
    rows = (await parts.audit_log.page(Asked())).rows[::-1]
    assert [row.prev_hash for row in rows] == ["0" * 64, *(row.hash for row in rows[:-1])]
    assert end == Chain(5, rows[-1].hash)


def test_the_hash_is_of_all_that_is_told() -> None:
    at = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    row = AuditRow(seq=1, at=at, actor="a", action="b", target="c", address="d", details="{}", prev_hash="e", hash="")
    assert canonical(at) == "2026-11-21T12:00:00.000000Z"
    text = (
        '{"action":"b","actor":"a","address":"d","at":"2026-11-21T12:00:00.000000Z","details":"{}",'
        '"prev_hash":"e","seq":1,"target":"c"}'
    )
    assert hash_of(row) == sha256(text.encode()).hexdigest()
    changes = {"seq": 2, "actor": "x", "action": "x", "target": "x", "address": "x", "details": "x", "prev_hash": "x"}
    for name, value in changes.items():
        assert hash_of(AuditRow(**{**row.model_dump(), name: value})) != hash_of(row), name


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET actor = 'x' WHERE seq = 2", "DELETE FROM audit_log"])
async def test_the_database_refuses_to_change_what_was_written(parts: Parts, database: Database, statement: str):
    end = await some_history(parts)
    with pytest.raises(DBAPIError, match="only added to"):
        await run(database, statement)
    assert await parts.audit_log.verify() == end


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE audit_log SET actor = 'x' WHERE seq = 2", "row 2"),
        ("UPDATE audit_log SET at = '2020-01-01 00:00:00.000000' WHERE seq = 3", "row 3"),
        ("UPDATE audit_log SET address = '' WHERE seq = 5", "row 5"),
        ("DELETE FROM audit_log WHERE seq = 3", "row 3"),
        ("DELETE FROM audit_log WHERE seq = 1", "row 1"),
        ("DELETE FROM audit_log WHERE seq >= 4", "after 3"),
        ("DELETE FROM audit_log", "after 0"),
    ],
)
async def test_a_change_past_the_triggers_is_seen(parts: Parts, database: Database, statement: str, row: str) -> None:
    client.arrived.set(Arrival("ipv4:192.0.2.1:1"))
    await some_history(parts)
    await without_triggers(database, statement)
    with pytest.raises(AuditBroken, match=row):
        await parts.audit_log.verify()


async def test_missing_newest_rows_are_seen_by_who_noted_the_end(parts: Parts, database: Database) -> None:
    end = await some_history(parts)
    shorter = (await parts.audit_log.page(Asked())).rows[1]
    await without_triggers(database, "DELETE FROM audit_log WHERE seq = 5")
    await run(database, f"UPDATE audit_head SET seq = 4, hash = '{shorter.hash}'")
    assert (await parts.audit_log.verify()).seq == 4
    with pytest.raises(AuditBroken):
        await parts.audit_log.verify(end)


async def test_a_chain_written_anew_is_seen_by_who_noted_the_end(parts: Parts) -> None:
    end = await some_history(parts)
    with pytest.raises(AuditBroken):
        await parts.audit_log.verify(Chain(3, end.hash))
    assert (await parts.audit_log.verify(end)) == end


async def test_many_at_once_make_one_chain(parts: Parts) -> None:
    account = await parts.accounts.create("ada@example.com", PASSWORD, "Ada", ["viewer"])
    await asyncio.gather(*(parts.sessions.open(account) for _ in range(30)))
    assert (await parts.audit_log.verify()).seq == 31


async def test_what_is_undone_is_not_told(parts: Parts, database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            await audit.append(session, "nothing")
            raise RuntimeError
    assert (await parts.audit_log.verify()).seq == 0
