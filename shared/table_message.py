"""Rows as `common.v1.Table` messages, and back as items or CSV.

The gateway imports only the way back, so Arrow is imported where it is used.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import orjson

from protos.common.v1 import table_pb2
from shared.page import Page
from shared.tables import Column
from shared.work import check

if TYPE_CHECKING:
    import pyarrow as pa

    from shared.lake.snapshot import Snapshot

Encoding = Literal["json", "arrow"]
ENCODING_KEY = "table-encoding"
"""gRPC metadata key; the value `arrow` asks for Arrow, anything else for JSON columns."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def encoding_of(metadata: Mapping[str, str]) -> Encoding:
    """Return the encoding that a call's metadata asks for."""
    return "arrow" if metadata.get(ENCODING_KEY) == "arrow" else "json"


def table_message(
    rows: pa.Table,
    columns: Sequence[Column],
    lineage: table_pb2.Lineage,
    page: Page,
    encoding: Encoding = "json",
) -> table_pb2.Table:
    """Return one page of rows that are already chosen and ordered, with the columns named in `columns`."""
    part = rows.select([column.name for column in columns]).slice(page.offset, page.size)
    following = page.next_token(lineage.version, rows.num_rows)
    return part_message(part, columns, lineage, rows.num_rows, following, encoding)


def part_message(  # noqa: PLR0917  what a message holds
    part: pa.Table,
    columns: Sequence[Column],
    lineage: table_pb2.Lineage,
    total: int,
    next_token: str,
    encoding: Encoding = "json",
) -> table_pb2.Table:
    """Return the rows of one page of `total`."""
    encoded = {"arrow_stream": _arrow(part)} if encoding == "arrow" else {"json_columns": _json(part)}
    return table_pb2.Table(
        columns=[_column(column) for column in columns],
        row_count=part.num_rows,
        total_size=total,
        next_page_token=next_token,
        lineage=lineage,
        **encoded,
    )


def lineage_of(snapshot: Snapshot, rows: pa.Table) -> table_pb2.Lineage:
    """Return what these rows of a snapshot were made from, read off their common tail."""
    lineage = table_pb2.Lineage(table=snapshot.table, version=snapshot.version, degraded=snapshot.degraded)
    for name in ("data_through_on", "model_name", "model_version"):
        setattr(lineage, name, str(_newest(rows, name) or ""))
    computed_at = _newest(rows, "computed_at") or snapshot.committed_at
    lineage.computed_at.FromDatetime(computed_at.astimezone(UTC))
    return lineage


def to_items(message: table_pb2.Table) -> list[dict[str, Any]]:
    """Return the rows as JSON objects."""
    columns = (
        orjson.loads(message.json_columns) if message.json_columns else _columns_of(message.arrow_stream, json_value)
    )
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def to_csv(arrow_stream: bytes, header: bool = True) -> bytes:
    """Return the rows of an Arrow stream as CSV (RFC 4180, UTF-8, header first where it is wanted).

    Text that a spreadsheet would run as a formula gets a leading apostrophe.
    """
    columns = _columns_of(arrow_stream, _cell)
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    if header:
        writer.writerow(_cell(name) for name in columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return lines.getvalue().encode()


def columns_of(arrow_stream: bytes) -> dict[str, list[Any]]:
    """Return the values of an Arrow stream by column, as Python has them; moments in UTC."""
    return _columns_of(arrow_stream, lambda value: value)


def json_value(value: Any) -> Any:
    """Return a value of the lake in the platform's JSON form."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def rfc3339(moment: datetime) -> str:
    """Return a moment in UTC with `Z` and as many of 0, 3 or 6 decimals as it needs, as protobuf writes it."""
    moment = moment.astimezone(UTC)
    exact = "seconds" if not moment.microsecond else "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=exact) + "Z"


def _column(column: Column) -> table_pb2.Column:
    return table_pb2.Column(name=column.name, type=column.type, unit=column.unit, description=column.description)


def _json(rows: pa.Table) -> bytes:
    return orjson.dumps(_plain(rows, json_value))


def _arrow(rows: pa.Table) -> bytes:
    import pyarrow as pa  # noqa: PLC0415

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows.combine_chunks())
    return bytes(sink.getvalue())


def _columns_of(arrow_stream: bytes, form: Callable[[Any], Any]) -> dict[str, list[Any]]:
    import pyarrow as pa  # noqa: PLC0415

    with pa.ipc.open_stream(arrow_stream) as stream:
        return _plain(stream.read_all(), form)


def _plain(rows: pa.Table, form: Callable[[Any], Any]) -> dict[str, list[Any]]:
    return {name: [form(value) for value in _asked(rows, name)] for name in rows.column_names}


def _asked(rows: pa.Table, name: str) -> list[Any]:
    """Return the values of a column, if they are still asked for: a column of many rows takes a while."""
    check()
    return _values(rows[name])


def _values(column: pa.ChunkedArray) -> list[Any]:
    import pyarrow as pa  # noqa: PLC0415

    if not pa.types.is_timestamp(column.type):
        return column.to_pylist()  # type: ignore[no-any-return]
    # Not to_pylist: for timestamps it imports pandas, which costs a process 0.2 s and 40 MB.
    ticks = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()
    return [None if tick is None else EPOCH + timedelta(microseconds=tick) for tick in ticks]


def _cell(value: Any) -> Any:
    """Return a value as CSV holds it: decimals to their last place, truth in lower case, no text that is a formula."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, Decimal) else json_value(value)


def _newest(rows: pa.Table, name: str) -> Any:
    if name not in rows.column_names:
        return None
    return max((value for value in _values(rows[name].unique()) if value is not None), default=None)
