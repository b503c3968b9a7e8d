"""Arrow's types as Spark's, and frames of different schemas put into one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812  the name everybody knows it by
from pyspark.sql import types as t
from pyspark.sql.pandas.types import from_arrow_type

from shared.quoting import backticked

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_WHOLE = (t.ByteType, t.ShortType, t.IntegerType, t.LongType)
_WHOLE_DIGITS = 20


def spark_schema(schema: pa.Schema) -> t.StructType:
    """Return an Arrow schema as Spark's; every column may be null, as Parquet files are read."""
    return t.StructType([t.StructField(field.name, spark_type(field.type)) for field in schema])


def spark_type(kind: pa.DataType) -> t.DataType:
    """Return an Arrow type as Spark's: timestamps are moments, whatever their zone."""
    if pa.types.is_timestamp(kind):
        return t.TimestampType()
    if pa.types.is_dictionary(kind):
        return spark_type(kind.value_type)
    if pa.types.is_null(kind):
        return t.StringType()
    if pa.types.is_list(kind):
        return t.ArrayType(spark_type(kind.value_type))
    return from_arrow_type(kind)


def unified(frames: Sequence[DataFrame]) -> DataFrame:
    """Return the rows of all frames, columns matched by name and widened to a type that holds them all."""
    kinds: dict[str, t.DataType] = {}
    for frame in frames:
        for field in frame.schema:
            kinds[field.name] = wider(kinds.get(field.name, field.dataType), field.dataType)
    return reduce(lambda a, b: a.unionByName(b), (_in_shape(frame, kinds) for frame in frames))


def wider(left: t.DataType, right: t.DataType) -> t.DataType:
    """Return a type that holds both, text where there is no other."""
    if left == right:
        return left
    numbers = {type(left), type(right)}
    if numbers <= set(_WHOLE):
        return max(left, right, key=lambda kind: _WHOLE.index(type(kind)))
    if numbers <= {*_WHOLE, t.DecimalType}:
        return _wider_decimal(_decimal(left), _decimal(right))
    if numbers <= {*_WHOLE, t.DecimalType, t.FloatType, t.DoubleType}:
        return t.DoubleType()
    if numbers == {t.DateType, t.TimestampType}:
        return t.TimestampType()
    return t.StringType()


def _decimal(kind: t.DataType) -> t.DecimalType:
    return kind if isinstance(kind, t.DecimalType) else t.DecimalType(_WHOLE_DIGITS, 0)


def _wider_decimal(left: t.DecimalType, right: t.DecimalType) -> t.DecimalType:
    scale = max(left.scale, right.scale)
    whole = max(left.precision - left.scale, right.precision - right.scale)
    return t.DecimalType(min(whole + scale, 38), scale)


def _in_shape(frame: DataFrame, kinds: dict[str, t.DataType]) -> DataFrame:
    there = set(frame.columns)
    columns = [
        (F.col(backticked(name)).cast(kind) if name in there else F.lit(None).cast(kind)).alias(name)
        for name, kind in kinds.items()
    ]
    return frame.select(columns)
