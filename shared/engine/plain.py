"""Answers in plain types: whatever an engine makes of a sum or a literal, the same comes out."""

from __future__ import annotations

import pyarrow as pa

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")


def shaped(schema: pa.Schema | None, inferred: pa.Schema, answered: pa.Schema) -> pa.Schema:
    """Return the schema an answer is given in: `schema`, or else the columns as answered in plain types."""
    return schema if schema is not None else plain(answered, inferred)


def plain(answered: pa.Schema, inferred: pa.Schema) -> pa.Schema:
    """Return the schema with UTC microsecond timestamps, plain strings, and whole numbers and floats as inferred.

    DuckDB sums integers to 128 bits and reads the literal 1.0 as a DECIMAL; decimals themselves stay as they came.
    """
    return pa.schema([pa.field(f.name, _plain(f.type, inferred.field(f.name).type)) for f in answered])


def conformed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return the batch in the columns and types of `schema`."""
    return batch.select(schema.names).cast(schema)


def stream(reader: pa.RecordBatchReader, schema: pa.Schema) -> pa.RecordBatchReader:
    """Return the stream in the columns and types of `schema`; nothing is read ahead."""
    return pa.RecordBatchReader.from_batches(schema, (conformed(batch, schema) for batch in reader))


def _plain(kind: pa.DataType, inferred: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return UTC_MICROSECONDS
    if pa.types.is_integer(inferred) or pa.types.is_floating(inferred) or pa.types.is_string(inferred):
        return inferred
    return kind
