"""Which parts of the business move together: correlations of changes from period to period.

Changes, not levels: two series that merely both grow are correlated in levels for no other reason (Granger and
Newbold, 1974). Spearman's ρ with p from Fisher's z, (n - 3) ÷ 1.06 its weight (Fieller, Hartley and Pearson, 1957),
corrected for the number of pairs after Holm (1979).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pyarrow as pa

from services.market_intel.analytics.columns import Floats
from services.market_intel.analytics.significance import ranks
from shared.tables import Column

MOST = 30
"""Values of a dimension that are compared: the largest."""
LEAST = 8
"""Fewest changes that a correlation is told of."""
ALPHA = 0.05


@dataclass(frozen=True)
class Series:
    """The values of one dimension by period."""

    dimension: str
    names: tuple[str, ...]
    values: Floats
    """names × periods."""

    def largest(self, most: int = MOST) -> Series:
        """Return the series of the largest sums."""
        order = np.argsort(-self.values.sum(axis=1), kind="stable")[:most]
        return Series(self.dimension, tuple(self.names[place] for place in order), self.values[order])


@dataclass(frozen=True, slots=True)
class Pair:
    """Two values and how their changes are correlated."""

    a: tuple[str, str]
    b: tuple[str, str]
    pearson: float
    spearman: float
    p_value: float


COLUMNS = (
    Column("dimension_a", "VARCHAR", False, "Dimension of the first value"),
    Column("value_a", "VARCHAR", False, "The first value"),
    Column("value_a_name", "VARCHAR", False, "Its name; the value itself where it has none"),
    Column("dimension_b", "VARCHAR", False, "Dimension of the second value"),
    Column("value_b", "VARCHAR", False, "The second value"),
    Column("value_b_name", "VARCHAR", False, "Its name; the value itself where it has none"),
    Column("pearson", "DOUBLE", False, "Pearson's r of the changes, -1 to 1"),
    Column("spearman", "DOUBLE", False, "Spearman's ρ of the changes, -1 to 1"),
    Column("periods", "BIGINT", False, "Changes compared", "periods"),
    Column("p_value", "DOUBLE", False, "Of Spearman's ρ, two-sided, corrected for the number of pairs after Holm"),
    Column("is_significant", "BOOLEAN", False, "Whether that is below 0.05"),
)


def correlations(sides: Sequence[Series], names: Mapping[str, Mapping[str, str]]) -> pa.Table:
    """Return each pair of series, of one side with itself or of two with each other, strongest first.

    Args:
        sides: one, or two.
        names: by dimension, the names of values that are ids.
    """
    pairs = [pair for pair in compared([side.largest() for side in sides]) if pair is not None]
    adjusted = zip(pairs, holm([pair.p_value for pair in pairs]), strict=True)
    strongest = sorted(adjusted, key=lambda each: (-abs(each[0].spearman), each[0].a, each[0].b))
    periods = sides[0].values.shape[1] - 1

    def named(dimension: str, value: str) -> tuple[str, str, str]:
        return dimension, value, names.get(dimension, {}).get(value, value)

    rows = [
        (*named(*pair.a), *named(*pair.b), pair.pearson, pair.spearman, periods, p, p < ALPHA) for pair, p in strongest
    ]
    kinds = (pa.string(),) * 6 + (pa.float64(),) * 2 + (pa.int64(), pa.float64(), pa.bool_())
    values = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    return pa.table(
        {column.name: pa.array(value, kind) for column, value, kind in zip(COLUMNS, values, kinds, strict=True)}
    )


def compared(sides: Sequence[Series]) -> Iterator[Pair | None]:
    """Yield each pair; None where one of the two does not move."""
    members = [
        [((side.dimension, name), np.diff(values)) for name, values in zip(side.names, side.values, strict=True)]
        for side in sides
    ]
    for one, other in combinations(members[0], 2) if len(members) == 1 else product(*members):
        yield pair_of(one, other)


def pair_of(one: tuple[tuple[str, str], Floats], other: tuple[tuple[str, str], Floats]) -> Pair | None:
    """Return how two series of changes are correlated; None where they are too short or one does not move."""
    (a, x), (b, y) = one, other
    if len(x) < LEAST or not np.ptp(x) or not np.ptp(y):
        return None
    spearman = correlation(ranks(x), ranks(y))
    z = math.atanh(min(max(spearman, -1 + 1e-12), 1 - 1e-12)) * math.sqrt((len(x) - 3) / 1.06)
    return Pair(a, b, correlation(x, y), spearman, math.erfc(abs(z) / math.sqrt(2)))


def correlation(x: Floats, y: Floats) -> float:
    """Return Pearson's r."""
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / math.sqrt(float((x**2).sum()) * float((y**2).sum())))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number: each bounds the chance of one false finding among all."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted[place] = highest
    return adjusted
