"""Where the files of a table are written to, and what is said of each: what an engine and the lake tell each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Layout:
    """How the files of one table lie."""

    folder: str
    """URI of the table: a folder, or `s3://bucket/key`."""
    by_month: str = ""
    """Column whose UTC month a row's file is chosen by; empty: the table is not kept by month."""
    sort: tuple[str, ...] = ()
    """Columns that the rows of a file are sorted by."""
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """How an object store is reached, in delta-rs's words."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A Parquet file that stands in a table's folder and that no commit names yet."""

    path: str
    """Relative to the table: `_month=2017-03/part-….parquet`."""
    bytes: int
    rows: int
    month: str | None
    """`2017-03`; None for rows without a date and for tables not kept by month."""
