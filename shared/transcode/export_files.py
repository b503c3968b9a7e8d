"""Files made of pages of rows as they come: CSV and Arrow at once, a workbook in a process of its own."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from protos.common.v1 import table_pb2
from shared.errors import Internal
from shared.table_message import to_csv
from shared.transcode.tables import ARROW, CSV
from shared.transcode.workbook_process import LENGTH, MODULE

if TYPE_CHECKING:
    import pyarrow as pa

NONE: tuple[bytes, ...] = ()
LINES = 10_000
"""Lines of CSV written at a time."""
READ_BYTES = 256 * 1024
ROOT = Path(__file__).parents[2]
PASSED_ON = ("PATH", "PYTHONPATH", "LANG", "LD_LIBRARY_PATH")
"""What of our environment the workbook's process sees: it holds no secret of ours."""


class Writer(Protocol):
    """Makes one file of the pages it is given."""

    def page(self, page: table_pb2.Table) -> AsyncIterator[bytes]:
        """Take in the next page; yield what can be sent already."""

    def rest(self) -> AsyncIterator[bytes]:
        """Yield what comes after the last page."""


class CsvWriter:
    """One line of names, then every page's rows."""

    def __init__(self) -> None:
        self._begun = False

    async def page(self, page: table_pb2.Table) -> AsyncIterator[bytes]:
        """Yield the page's lines, some thousands at a time: as Python's values they take many times the room."""
        for part in parts_of(page.arrow_stream):
            header, self._begun = not self._begun, True
            yield await asyncio.to_thread(to_csv, part, header)

    async def rest(self) -> AsyncIterator[bytes]:
        """Yield nothing more."""
        for part in NONE:
            yield part


def parts_of(arrow_stream: bytes) -> Iterator[bytes]:
    """Yield a stream as shorter ones; one without rows as it is."""
    import pyarrow as pa  # noqa: PLC0415

    with pa.ipc.open_stream(arrow_stream) as stream:
        rows = stream.read_all()
    for begin in range(0, max(1, rows.num_rows), LINES):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as made:
            made.write_table(rows.slice(begin, LINES))
        yield bytes(sink.getvalue())


class ArrowWriter:
    """One stream: the schema of the first page, then every page's batches."""

    def __init__(self) -> None:
        self._sink = Sink()
        self._stream: pa.ipc.RecordBatchStreamWriter | None = None
        self._schema: pa.Schema | None = None

    async def page(self, page: table_pb2.Table) -> AsyncIterator[bytes]:
        """Yield the page's batches."""
        yield await asyncio.to_thread(self._page, page.arrow_stream)

    def _page(self, arrow_stream: bytes) -> bytes:
        import pyarrow as pa  # noqa: PLC0415  only who exports pays for it

        with pa.ipc.open_stream(arrow_stream) as stream:
            rows = stream.read_all()
        if self._stream is None:
            self._schema = rows.schema
            self._stream = pa.ipc.new_stream(self._sink, rows.schema)
        self._stream.write_table(rows if rows.schema == self._schema else rows.cast(self._schema))
        return self._sink.taken()

    async def rest(self) -> AsyncIterator[bytes]:
        """Yield the end of the stream."""
        if self._stream is not None:
            self._stream.close()
            yield self._sink.taken()


class Sink(io.RawIOBase):
    """Gathers what is written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """Return that it takes bytes."""
        return True

    def write(self, data: object) -> int:
        """Keep a copy of the bytes."""
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def taken(self) -> bytes:
        """Return what came since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


class WorkbookWriter:
    """Hands the pages to the process that writes the workbook; the file is sent when it is whole."""

    def __init__(self, process: asyncio.subprocess.Process, made: Path) -> None:
        self._process, self._made = process, made

    async def page(self, page: table_pb2.Table) -> AsyncIterator[bytes]:
        """Send a page on, at the pace at which it is written; yield nothing yet."""
        content = page.SerializeToString()
        await self._told(LENGTH.pack(len(content)) + content)
        for part in NONE:
            yield part

    async def rest(self) -> AsyncIterator[bytes]:
        """Yield the workbook."""
        await self._told(LENGTH.pack(0))
        code = await self._process.wait()
        if code:
            raise Internal(f"the workbook could not be written (the process ended with {code}); ask for csv")
        with await asyncio.to_thread(self._made.open, "rb") as file:
            while part := await asyncio.to_thread(file.read, READ_BYTES):
                yield part

    async def _told(self, data: bytes) -> None:
        pipe = self._process.stdin
        try:
            if pipe is not None:
                pipe.write(data)
                await pipe.drain()
        except (BrokenPipeError, ConnectionResetError):
            raise Internal("the process that writes the workbook has ended; ask for csv") from None


@asynccontextmanager
async def workbook_writer() -> AsyncIterator[WorkbookWriter]:
    """Give what writes a workbook: a process, so that no request waits for it, and a folder that goes with it."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        made = Path(folder) / "rows.xlsx"
        environment["TMPDIR"] = folder
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", MODULE, str(made), stdin=asyncio.subprocess.PIPE, env=environment
        )
        try:
            yield WorkbookWriter(process, made)
        finally:
            if process.returncode is None:
                process.kill()
            await asyncio.shield(process.wait())


@asynccontextmanager
async def plain(made: Writer) -> AsyncIterator[Writer]:
    """Give a writer that holds nothing that must be given back."""
    yield made


def writer(media_type: str) -> AbstractAsyncContextManager[Writer]:
    """Return what makes a file of that type."""
    if media_type == CSV:
        return plain(CsvWriter())
    return plain(ArrowWriter()) if media_type == ARROW else workbook_writer()
