"""What engines that read files have in common: how a snapshot is read, and by what name files go."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from shared.engine.protocol import Engine
    from shared.lake.snapshot import Snapshot


def snapshot_rows(engine: Engine, snapshot: Snapshot) -> ir.Table:
    """Return the rows of a snapshot by its files, or none in its columns where it has no file."""
    name = f"{snapshot.table}@{snapshot.version}"
    if not snapshot.files:
        return engine.memory(name, snapshot.schema.empty_table())
    return engine.files(name, snapshot.files)


def content_name(name: str, uris: Sequence[str]) -> str:
    """Return a name that tells what it holds: an expression made earlier goes on meaning the files it was made of.

    Raises ValueError where there is no file: without one there are no columns.
    """
    if not uris:
        raise ValueError(f"{name}: no files, so no columns")
    return f"{name}#{hashlib.sha256(chr(10).join(uris).encode()).hexdigest()[:12]}"
