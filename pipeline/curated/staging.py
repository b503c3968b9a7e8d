"""Intermediate rows on disk: an expression computed once, read as often as needed, in bounded memory on any engine."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import ibis.expr.types as ir

from shared.engine import Engine
from shared.engine.layout import Layout


@dataclass(frozen=True, slots=True)
class Staged:
    """Rows that were computed: how many, where they lie, and as an expression."""

    rows: int
    uris: tuple[str, ...]
    table: ir.Table


class Staging(AbstractContextManager["Staging"]):
    """A scratch folder that goes when the block ends."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(prefix="curated-", dir=folder)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._folder.cleanup()

    @property
    def path(self) -> Path:
        """Return the folder, for files of other kinds."""
        return Path(self._folder.name)

    def keep(self, name: str, rows: ir.Table) -> Staged:
        """Return the rows of an expression, computed now."""
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder.name))
        written = self.engine.write(rows, Layout(str(folder)))
        uris = tuple(str(folder / file.path) for file in written)
        if not uris:
            empty = rows.schema().to_pyarrow().empty_table()
            return Staged(0, (), self.engine.memory(folder.name, empty))
        return Staged(sum(file.rows for file in written), uris, self.engine.files(folder.name, uris))
