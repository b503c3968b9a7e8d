"""The source: its files found and read, its lines told apart, cancellations brought together with sales."""

# ruff: noqa: S608  the SQL is our own; no value of a row is put into it

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.sources.files import FileFormat, FileSource, load
from pipeline.sources.files.formats import kind_of
from pipeline.sources.online_retail import lines, tables
from pipeline.sources.online_retail.control import CONTROL, recount
from pipeline.sources.online_retail.countries import ISO, REGIONS
from pipeline.sources.online_retail.matching import Taken, taken_back
from pipeline.sources.source import SourceUnreadable
from shared.quoting import quoted

NAME = "online-retail"
# Data set 352 and data set 502 name three of the columns differently.
COLUMNS = {
    "invoice": ("invoiceno", "invoice"),
    "stock_code": ("stockcode",),
    "description": ("description",),
    "quantity": ("quantity",),
    "invoice_date": ("invoicedate",),
    "unit_price": ("unitprice", "price"),
    "customer_id": ("customerid", "customer id"),
    "country": ("country",),
}
MOMENTS = (
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%y %H:%M",
)


class ColumnsUnknown(SourceUnreadable):
    """A file has not the columns of either data set."""

    reason = "SOURCE_COLUMNS_UNKNOWN"


def online_retail(folder: Path | None = None) -> FileSource:
    """Return the source over a folder with the workbook, CSV files or Parquet copy. Raises SourceUnreadable."""
    if folder is None:
        raise SourceUnreadable(f"source {NAME} comes with no data of its own; give its folder with --source-dir")
    files = _files(folder)

    def fill(connection: duckdb.DuckDBPyConnection) -> None:
        _fill(connection, files)

    return FileSource(
        name=NAME,
        folder=folder,
        files=tuple(path.name for path in files),
        prepare=(lines.PARTS, lines.ORDERS),
        tables=tables.TABLES,
        fill=fill,
        control=CONTROL,
        recount=recount(files),
    )


def _files(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        raise SourceUnreadable(f"source {NAME}: there is no folder {folder}; give another with --source-dir")
    found = sorted(path for path in folder.iterdir() if path.suffix != ".txt" and kind_of(path) is not None)
    kinds = {kind_of(path) for path in found}
    if len(kinds) != 1:
        there = ", ".join(path.name for path in found) or "none"
        raise SourceUnreadable(
            f"source {NAME}: {folder} should hold the data once, as .xlsx, .csv or .parquet; files there: {there}"
        )
    return tuple(found)


def _fill(connection: duckdb.DuckDBPyConnection, files: tuple[Path, ...]) -> None:
    loaded = load(connection, "given", files, FileFormat(), rename=_renamed)
    _register(connection, "countries", {"name": list(ISO), "code": list(ISO.values())})
    _register(connection, "regions", {"name": list(REGIONS), "region": list(REGIONS.values())})
    _register(
        connection,
        "unread",
        {
            "_file": [each.file for each in loaded.rejected],
            "_row": [each.line for each in loaded.rejected],
            "reason": [each.reason for each in loaded.rejected],
        },
    )
    connection.execute(lines.typed(_moment(connection)))
    connection.execute(lines.LINES)
    connection.execute("DROP TABLE given; DROP TABLE typed")
    taken = list(taken_back(connection.execute(lines.EVENTS).fetchall()))
    connection.register("found", _as_arrow(taken))
    connection.execute("CREATE TEMP TABLE taken AS FROM found")
    connection.unregister("found")


def _renamed(file: str, header: tuple[str, ...]) -> tuple[str, ...]:
    known = {other: name for name, others in COLUMNS.items() for other in others}
    names = tuple(known.get(name.strip().lower(), name) for name in header)
    missing = [COLUMNS[name][0] for name in COLUMNS if name not in names]
    if missing or len(names) > len(COLUMNS):
        raise ColumnsUnknown(
            f"{file} should have the columns of UCI data set 352 (InvoiceNo, StockCode, Description, Quantity,"
            f" InvoiceDate, UnitPrice, CustomerID, Country) or 502 (Invoice, Price, Customer ID); it has"
            f" {', '.join(header)}. For another layout write a mapping: --source csv --mapping FILE"
        )
    return names


def _moment(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the format that most of the moments are written in: 12/1/2010 is of December only by those after it."""
    tried = ", ".join(f"count(try_strptime(invoice_date, {quoted(form)}))" for form in MOMENTS)
    counts = connection.execute(f"SELECT {tried} FROM given").fetchone() or ()
    best = max(range(len(MOMENTS)), key=lambda nth: (counts[nth], -nth))
    return MOMENTS[best]


def _register(connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, list[str] | list[int]]) -> None:
    kinds = {"_row": pa.int64()}
    table = pa.table({key: pa.array(values, kinds.get(key, pa.string())) for key, values in columns.items()})
    connection.register("made", table)
    connection.execute(f"CREATE TEMP TABLE {name} AS FROM made")
    connection.unregister("made")


def _as_arrow(taken: list[Taken]) -> pa.Table:
    return pa.table(
        {
            "sale": pa.array([each.sale for each in taken], pa.int64()),
            "cancellation": pa.array([each.cancellation for each in taken], pa.int64()),
            "units": pa.array([each.units for each in taken], pa.int32()),
        }
    )
