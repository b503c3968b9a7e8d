"""Who did what, when and from where, in a chain that no one can change without its being seen.

Every row holds the hash of the row before and its own, SHA-256 over its canonical JSON. It is written in the
transaction of what it tells, so neither is there without the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth.store import AuditHeadRow, AuditRow, now
from shared import client
from shared.principal import current

HEAD = 1
START = "0" * 64
NOBODY = ""

log = structlog.get_logger(__name__)


async def append(
    session: AsyncSession,
    action: str,
    *,
    target: str = "",
    actor: str | None = None,
    details: Mapping[str, str] | None = None,
) -> None:
    """Add one row at the end of the chain, as the last thing a transaction does: the end is locked from here on.

    Args:
        session: the transaction of what is told.
        action: what was done, such as `login.succeeded`.
        target: id of whom or what it was done to.
        actor: id of who did it; the caller of the request when not given.
        details: what else matters; never a secret, nothing personal.
    """
    head = await session.get_one(AuditHeadRow, HEAD, with_for_update=True)
    row = AuditRow(
        seq=head.seq + 1,
        at=now(),
        actor=current.get().subject if actor is None else actor,
        action=action,
        target=target,
        address=client.current().address,
        details=orjson.dumps(details or {}, option=orjson.OPT_SORT_KEYS).decode(),
        prev_hash=head.hash,
        hash="",
    )
    row.hash = hash_of(row)
    head.seq, head.hash = row.seq, row.hash
    session.add(row)
    await session.flush()
    _log_once_committed(session, {"seq": row.seq, "action": action, "user_id": row.actor, "sha256": row.hash})


def hash_of(row: AuditRow) -> str:
    """Return the hash of a row: all its columns but the hash, names sorted, no spaces, the moment in microseconds."""
    content = {
        "seq": row.seq,
        "at": canonical(row.at),
        "actor": row.actor,
        "action": row.action,
        "target": row.target,
        "address": row.address,
        "details": row.details,
        "prev_hash": row.prev_hash,
    }
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def canonical(moment: datetime) -> str:
    """Return a moment as text, always to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _log_once_committed(session: AsyncSession, told: dict[str, Any]) -> None:
    """Log the end of the chain: kept elsewhere, it shows when the newest rows of the table are missing."""
    event.listen(session.sync_session, "after_commit", lambda _: log.info("auth.audit", **told), once=True)
