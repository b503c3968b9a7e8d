"""The lake in AWS Glue: a database a zone, a table a table, all of it derived from the contract.

Athena reads a Delta table's columns and files from its log; the catalogue tells it where that is, and tells people
what the columns mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shared.engine.placing import MONTH
from shared.errors import FailedPrecondition
from shared.tables import CONTRACT, Table
from shared.tables.derived import glue_columns

COMMENT_CHARACTERS = 255
"""Glue takes no longer comment on a column."""
OURS = ("Description", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")


class ZoneNotInStore(FailedPrecondition):
    """Athena reads S3 alone."""

    reason = "ZONE_NOT_IN_STORE"


@dataclass(frozen=True, slots=True)
class Entry:
    """One table as Glue takes it."""

    database: str
    table: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return `<database>.<table>`."""
        return f"{self.database}.{self.table['Name']}"


@dataclass(frozen=True, slots=True)
class Drift:
    """Where the catalogue differs from the contract: what is there and what should be."""

    name: str
    field: str
    there: object
    wanted: object

    def __str__(self) -> str:
        return f"{self.name}: {self.field} is {self.there!r}, should be {self.wanted!r}"


def entries(zones: Mapping[str, str], prefix: str = "") -> tuple[Entry, ...]:
    """Return what the catalogue should hold: every table that is made, in the zone it lies in.

    Args:
        zones: zone → s3:// URI.
        prefix: stands before the zone's name in the database's.

    Raises ZoneNotInStore.
    """
    made = [table for table in CONTRACT.values() if table.status == "live" and table.zone in zones]
    local = sorted({table.zone for table in made if not zones[table.zone].startswith("s3://")})
    if local:
        raise ZoneNotInStore(
            f"zone {local[0]} lies in {zones[local[0]]}: Athena reads S3 alone; set LAKE_URI to s3://bucket/prefix "
            f"(or {local[0].upper()}_URI)"
        )
    return tuple(entry(table, f"{zones[table.zone]}/{table.name}", prefix) for table in made)


def entry(table: Table, location: str, prefix: str = "") -> Entry:
    """Return what the catalogue should hold of one table. Raises ZoneNotInStore.

    Args:
        table: the table.
        location: its s3:// URI.
        prefix: stands before the zone's name in the database's.
    """
    if not location.startswith("s3://"):
        raise ZoneNotInStore(f"{table.full_name} lies in {location}: Athena reads S3 alone")
    return Entry(f"{prefix}{table.zone}", _input(table, location))


def drift(glue: Any, wanted: Iterable[Entry]) -> list[Drift]:
    """Return where the catalogue differs; empty: it is as the contract says. Tables of others are not looked at."""
    return [found for entry in wanted for found in _differences(_there(glue, entry), entry)]


def apply(glue: Any, wanted: Iterable[Entry]) -> list[Drift]:
    """Return what was put right. Databases and tables are made or brought up to date, none is deleted.

    What others keep with a table stays as they have it: parameters, an owner, notes on columns.
    """
    mended = []
    for entry in wanted:
        there = _there(glue, entry)
        found = _differences(there, entry)
        if found:
            _put(glue, entry, there)
        mended += found
    return mended


def _input(table: Table, location: str) -> dict[str, Any]:
    month = {"Name": MONTH, "Type": "string", "Comment": f"UTC month of {table.dated_by}"}
    return {
        "Name": table.name,
        "Description": table.description,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "classification": "delta",
            "table_type": "DELTA",
            "spark.sql.sources.provider": "delta",
        },
        "PartitionKeys": [month] if table.by_month else [],
        "StorageDescriptor": {
            "Columns": [{**c, "Comment": c["Comment"][:COMMENT_CHARACTERS]} for c in glue_columns(table)],
            "Location": location,
            # What Glue's own crawler writes for Delta; nobody reads by it.
            "InputFormat": "org.apache.hadoop.mapred.SequenceFileInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {"serialization.format": "1", "path": location},
            },
        },
    }


def _differences(there: Mapping[str, Any] | None, entry: Entry) -> list[Drift]:
    if there is None:
        return [Drift(entry.name, "table", None, entry.table["StorageDescriptor"]["Location"])]
    return [
        Drift(entry.name, name, has, wanted)
        for field in OURS
        for name, has, wanted in _unequal(field, there.get(field), entry.table[field])
    ]


def _unequal(field: str, has: Any, wanted: Any) -> list[tuple[str, Any, Any]]:
    """Return the leaves that differ; what Glue keeps beside ours is no difference."""
    if isinstance(wanted, Mapping):
        inside = has if isinstance(has, Mapping) else {}
        return [leaf for key, value in wanted.items() for leaf in _unequal(f"{field}.{key}", inside.get(key), value)]
    if _are_named(wanted):
        by_name = {column["Name"]: column for column in has or []}
        order = [(field, list(by_name), [each["Name"] for each in wanted])]
        leaves = [
            leaf for each in wanted for leaf in _unequal(f"{field}.{each['Name']}", by_name.get(each["Name"]), each)
        ]
        return [leaf for leaf in order if leaf[1] != leaf[2]] + leaves
    return [] if has == wanted else [(field, has, wanted)]


def _there(glue: Any, entry: Entry) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = glue.get_table(DatabaseName=entry.database, Name=entry.table["Name"])["Table"]
    except glue.exceptions.EntityNotFoundException:
        return None
    return found


def _put(glue: Any, entry: Entry, there: Mapping[str, Any] | None) -> None:
    if there is not None:
        glue.update_table(DatabaseName=entry.database, TableInput=_laid_over(_as_input(glue, there), entry.table))
        return
    with suppress(glue.exceptions.AlreadyExistsException):
        glue.create_database(DatabaseInput={"Name": entry.database, "Description": "Tables of the shop's lake"})
    glue.create_table(DatabaseName=entry.database, TableInput=dict(entry.table))


def _as_input(glue: Any, there: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a table as Glue answers it what Glue takes: it refuses its own times and versions."""
    taken = glue.meta.service_model.shape_for("TableInput").members
    return {name: value for name, value in there.items() if name in taken}


def _laid_over(has: Any, wanted: Any) -> Any:
    """Return what is wanted with all that is there beside it; an update replaces whatever it does not repeat."""
    if isinstance(wanted, Mapping):
        inside = has if isinstance(has, Mapping) else {}
        return {**inside, **{key: _laid_over(inside.get(key), value) for key, value in wanted.items()}}
    if _are_named(wanted):
        by_name = {column["Name"]: column for column in has or []}
        return [_laid_over(by_name.get(each["Name"]), each) for each in wanted]
    return wanted


def _are_named(wanted: Any) -> bool:
    """Return whether these are columns: told apart by their names."""
    return isinstance(wanted, list) and all(isinstance(each, Mapping) and "Name" in each for each in wanted)
