"""A list as one file, however many pages it has: `?export=csv` on what is answered in pages of rows.

Nothing is put together here: the service is asked for page after page, each of some megabytes, and what a page makes of
the file is sent before the next is asked for, at the pace of whoever reads. So an export takes the same memory whatever
its length, every page passes the same policy as any other call, and a caller who hangs up stops the query behind.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from starlette.types import Scope, Send

from protos.common.v1 import table_pb2
from shared.errors import DeadlineExceeded, InvalidArgument, PlatformError, ResourceExhausted, Unavailable
from shared.page import EXPORT_SIZE, MAX_SIZE
from shared.principal import Principal
from shared.transcode import workbook
from shared.transcode.export_files import writer
from shared.transcode.tables import CSV, CSV_TYPE, SUFFIXES, XLSX, file_headers

PAGE_BYTES = 16 * 1024 * 1024
"""About what a page of an export holds."""
COST = 10
"""Times the cost of a page."""

log = structlog.stdlib.get_logger("shared.transcode")


class ExportTooLarge(InvalidArgument):
    """The list is longer than what is answered as one file."""

    reason = "EXPORT_TOO_LARGE"


class ExportsBusy(ResourceExhausted):
    """As many exports as may be are under way, of this caller or of all."""

    reason = "EXPORTS_BUSY"


class ExportTooSlow(DeadlineExceeded):
    """The file was not made in the time that exports have."""

    reason = "EXPORT_TOO_SLOW"


class PagesDoNotEnd(Unavailable):
    """The service names a next page and answers nothing on it."""

    reason = "SERVICE_UNAVAILABLE"


REASONS = (ExportTooLarge.reason, ExportsBusy.reason, ExportTooSlow.reason)

Ask = Callable[[str, int], Awaitable[table_pb2.Table]]
"""Returns the page with that token, of about so many rows, as Arrow."""


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported for whom."""

    method: str
    media_type: str
    name: str
    """Of the file, without its ending."""
    caller: Principal
    token: str
    """Of the page that the file begins with, empty for the first."""
    ask: Ask


class Exports:
    """The bounds of all exports of a process, and how many are under way."""

    def __init__(self, most_rows: int = 1_000_000, at_once: int = 4, each: int = 2, seconds: float = 600.0) -> None:
        self.most_rows, self.seconds = most_rows, seconds
        self._at_once, self._each = at_once, each
        self._under_way: Counter[str] = Counter()

    def rows(self, media_type: str) -> int:
        """Return how many rows a file of that type may have."""
        return min(self.most_rows, workbook.MOST_ROWS) if media_type == XLSX else self.most_rows

    @contextmanager
    def place(self, caller: Principal) -> Iterator[None]:
        """Count one export of the caller's while inside. Raises ExportsBusy."""
        who = caller.subject
        if self._under_way[who] >= self._each:
            raise ExportsBusy(f"{self._each} exports of yours are under way; wait until one has ended")
        if self._under_way.total() >= self._at_once:
            raise ExportsBusy("as many exports as this process makes at once are under way; try again in a while")
        self._under_way[who] += 1
        try:
            yield
        finally:
            self._under_way[who] -= 1
            if not self._under_way[who]:
                del self._under_way[who]

    async def pages(self, export: Export) -> AsyncIterator[table_pb2.Table]:
        """Yield the pages of a list. Raises ExportTooLarge, and what asking raises."""
        token, rows, size, most = export.token, 0, MAX_SIZE, self.rows(export.media_type)
        while True:
            page = await export.ask(token, size)
            rows += page.row_count
            if max(rows, page.total_size) > most:
                raise self._too_large(max(rows, page.total_size), export.media_type)
            yield page
            token = page.next_page_token
            if not token:
                return
            if not page.row_count:
                raise PagesDoNotEnd("the service names a next page but no rows; ask for pages one by one")
            each = max(1, len(page.arrow_stream) // page.row_count)
            size = max(MAX_SIZE, min(EXPORT_SIZE, PAGE_BYTES // each))

    def _too_large(self, rows: int, media_type: str) -> ExportTooLarge:
        most = self.rows(media_type)
        form = SUFFIXES[media_type]
        wider = f" (as csv or arrow {self.most_rows:,})" if most < rows <= self.most_rows else ""
        return ExportTooLarge(
            f"the list has {rows:,} rows or more, and an export as {form} has up to {most:,}{wider}; narrow it by its "
            "filters or days, or read it in pages (`page_size`, `page_token`)",
            metadata={"rows": str(rows), "limit": str(most)},
        )


class Sending:
    """The answer while it is made: begun with the first bytes of the file."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.begun = False
        self.is_head = scope["method"] == "HEAD"
        self._send = send

    async def part(self, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        """Send some bytes; returns when there is room for more."""
        if body and not self.begun:
            self.begun = True
            await self._send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
        if body and not self.is_head:
            await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self) -> None:
        """Say that the file is whole."""
        await self._send({"type": "http.response.body", "body": b""})


async def send_export(exports: Exports, export: Export, scope: Scope, send: Send) -> None:
    """Answer with the file. Raises PlatformError before anything is sent.

    After that a failure leaves the answer without an end, so that the connection is broken off and nobody takes a part
    for the whole.
    """
    sending = Sending(scope, send)
    try:
        with exports.place(export.caller):
            async with asyncio.timeout(exports.seconds):
                rows = await _send_rows(exports, export, sending)
    except TimeoutError:
        _cut(export, sending, ExportTooSlow(f"not made within {exports.seconds:g} seconds; narrow it, or read pages"))
    except PlatformError as error:
        _cut(export, sending, error)
    else:
        await sending.end()
        by, form = export.caller.subject, SUFFIXES[export.media_type]
        log.info("rows were exported", method=export.method, form=form, by=by, rows=rows)


async def _send_rows(exports: Exports, export: Export, sending: Sending) -> int:
    rows, headers = 0, list[tuple[bytes, bytes]]()
    async with writer(export.media_type) as file:
        async for page in exports.pages(export):
            headers = headers or _headers(export, page)
            if sending.is_head:
                await sending.part(b"-", headers)
                return 0
            rows += page.row_count
            async for part in file.page(page):
                await sending.part(part, headers)
        async for part in file.rest():
            await sending.part(part, headers)
    return rows


def _headers(export: Export, first: table_pb2.Table) -> list[tuple[bytes, bytes]]:
    """Return the headers of the file, whose rows are of the version that its first page was read from."""
    about = file_headers(first, export.media_type, export.name)
    media_type = CSV_TYPE if export.media_type == CSV else export.media_type.encode()
    kept = [(name, value) for name, value in about if name != b"x-next-page-token"]
    return [*kept, (b"content-type", media_type), (b"cache-control", b"no-store")]


def _cut(export: Export, sending: Sending, error: PlatformError) -> None:
    """Raise the error while it can still be told."""
    if not sending.begun:
        raise error
    log.warning("an export was cut off", method=export.method, reason=error.error_reason, detail=error.detail)
