"""A common.v1.Table at the edge: laid flat into JSON, or answered whole as CSV or Arrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor

from protos.common.v1 import table_pb2
from shared.table_message import to_csv, to_items
from shared.transcode import fields as f
from shared.transcode.workbook import to_xlsx

JSON = "application/json"
CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
COLUMNS = "application/vnd.shop.columns+json"
"""JSON whose rows are `data`, column → values: each name stands there once."""
FILES = (CSV, ARROW, XLSX)
CSV_TYPE = b"text/csv; charset=utf-8; header=present"
SUFFIXES = {CSV: "csv", ARROW: "arrow", XLSX: "xlsx"}
FORMATS = {"json": JSON, "columns": COLUMNS, "csv": CSV, "arrow": ARROW, "xlsx": XLSX}
"""What `?format=` may say, for people who cannot set headers."""

Encode = Callable[[Any], Any]
Flatten = Callable[[table_pb2.Table, dict[str, Any]], None]


def flat_table(encoder: Callable[[Descriptor], Encode], columnar: bool = False) -> Flatten:
    """Return what writes a table's parts into the answer that holds it: `items`, or `data` by column.

    `encoder` tells how a message within it is written.
    """
    parts: dict[str, Any] = f.parts_of(table_pb2.Table)
    column = encoder(parts["columns"].message_type)
    lineage = encoder(parts["lineage"].message_type)

    def write(table: table_pb2.Table, out: dict[str, Any]) -> None:
        if columnar:
            # Columns came as JSON and go as they came.
            out["data"] = orjson.Fragment(table.json_columns or b"{}")
        else:
            out["items"] = to_items(table) if table.WhichOneof("rows") else []
        out["columns"] = [column(one) for one in table.columns]
        if table.next_page_token:
            out["next_page_token"] = table.next_page_token
        out["total_size"] = table.total_size
        if table.HasField("lineage"):
            out["lineage"] = lineage(table.lineage)

    return write


def file_body(table: table_pb2.Table, media_type: str) -> bytes:
    """Return the rows as a CSV file, a workbook or an Arrow stream; the table came as Arrow."""
    if media_type == XLSX:
        return to_xlsx(table)
    return table.arrow_stream if media_type == ARROW else to_csv(table.arrow_stream)


def file_headers(table: table_pb2.Table, media_type: str, name: str) -> list[tuple[bytes, bytes]]:
    """Return what a file cannot hold itself: its name, where the next page is, what it was made from."""
    suffix = SUFFIXES[media_type]
    found = {
        "content-disposition": f'attachment; filename="{name}.{suffix}"',
        "x-next-page-token": table.next_page_token,
        "x-total-count": str(table.total_size),
        "x-lake-version": str(table.lineage.version) if table.HasField("lineage") else "",
        "x-data-through-on": table.lineage.data_through_on,
        "x-lake-degraded": table.lineage.degraded,
    }
    return [(key.encode(), printable(value)) for key, value in found.items() if value]


def printable(value: str) -> bytes:
    """Return a header value without what would break the header."""
    return "".join(c if " " <= c <= "~" else "?" for c in value).encode("ascii")
