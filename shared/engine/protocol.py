"""What an engine does: runs Ibis expressions over files of the lake and tables in memory, and writes what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from shared.errors import FailedPrecondition

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from shared.engine.layout import Layout, WrittenFile
    from shared.lake.snapshot import Snapshot


class EngineMissing(FailedPrecondition):
    """The engine asked for is not to be had here, or cannot do what it was asked for."""

    reason = "ENGINE_MISSING"


class Engine(Protocol):
    """Runs Ibis expressions over lake snapshots, files and tables in memory."""

    def table(self, snapshot: Snapshot) -> ir.Table:
        """Return the rows of a snapshot, read when the expression runs."""

    def files(self, name: str, uris: Sequence[str]) -> ir.Table:
        """Return the rows of Parquet files, columns matched by name, null where a file lacks one.

        `name` is for people to recognise. Raises ValueError where there is no file: without one there are no columns.
        """

    def memory(self, name: str, data: pa.Table) -> ir.Table:
        """Return an Arrow table as an expression; `name` replaces an earlier one of that name."""

    def to_arrow(self, expression: ir.Table, schema: pa.Schema | None = None) -> pa.Table:
        """Return the rows of an expression, in the columns and types of `schema` where given."""

    def to_batches(self, expression: ir.Table, schema: pa.Schema | None = None) -> pa.RecordBatchReader:
        """Return the rows as a stream, in the columns and types of `schema` where given; close or exhaust it."""

    def write(self, expression: ir.Table, layout: Layout, schema: pa.Schema | None = None) -> list[WrittenFile]:
        """Return the Parquet files written into a table's folder, which no reader sees until the lake commits them.

        Memory stays within the engine's bound whatever the size. No rows make no file. Names are new each time, so
        nothing that is there is touched. With `schema` the columns are taken in its order and cast to its types.
        """

    def close(self) -> None:
        """Let go of memory and temporary files."""


@runtime_checkable
class Workers(Protocol):
    """An engine whose workers run Python, too."""

    @property
    def workers(self) -> int:
        """Return how many parts are worked on at once."""

    def over_parts(self, parts: Sequence[pa.Table], function: Callable[[pa.Table], pa.Table]) -> list[pa.Table]:
        """Return what the function makes of each part, in their order. Workers must be able to import it."""
