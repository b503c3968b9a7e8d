"""Parts of one gateway that open its store at the same time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.store import MIGRATIONS
from gateway.tables import METADATA
from shared.migrate import drift, run_migrations


async def test_several_stores_are_migrated_at_once_in_one_process(tmp_path: Path) -> None:
    urls = [f"sqlite+aiosqlite:///{tmp_path}/{name}.db" for name in ("a", "b", "c", "a")]
    await asyncio.gather(*(run_migrations(url, MIGRATIONS) for url in urls))
    for url in urls:
        assert await drift(url, METADATA) == []
