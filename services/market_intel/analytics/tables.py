"""Questions that one table answers as it is: trends, competitors' prices, price wars, products and brands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.market_intel.analytics.columns import Floats, cents, money, places, real, whole
from services.market_intel.analytics.selection import (
    Filters,
    SourceTableMissing,
    period_of,
    required,
    spanned,
    unknown,
    within,
)
from services.market_intel.analytics.significance import Trend, trend_of
from shared.errors import FieldError
from shared.system_query import UnknownColumn
from shared.tables import CONTRACT, Column
from shared.tables.market_analytics import EVERYWHERE

STRETCH = {"day": 90, "week": 52, "month": 24}
"""Latest periods that the direction is judged by."""
NO_PRICES = "competitor_prices: no price of a product of ours has been seen; import a source that has competitor_prices"


@dataclass(frozen=True)
class Trends:
    """Rows of one series with where it is heading."""

    rows: pa.Table
    region: str
    regions: tuple[str, ...]
    direction: Trend | None
    slope_pct: float | None


def trends(data: pa.Table, metric: str, frequency: str, region: str, days: tuple[str, str]) -> Trends:
    """Return a series by period, oldest first. Raises UnknownFilter, InvalidPeriod, EmptySelection."""
    rows = data.filter(pc.and_(pc.equal(data["metric"], metric), pc.equal(data["frequency"], frequency)))
    regions = sorted(required(rows, f"{metric} by {frequency}: no period is complete")["region"].unique().to_pylist())
    chosen = region or (EVERYWHERE if EVERYWHERE in regions else regions[0])
    rows = Filters({"region": chosen}).apply(rows).sort_by("ds")
    rows = required(within(rows, period_of(*days, spanned(rows))), "these days")
    direction, slope_pct = heading(rows, frequency)
    return Trends(rows, chosen, tuple(regions), direction, slope_pct)


def heading(rows: pa.Table, frequency: str) -> tuple[Trend, float | None]:
    """Return where a series is heading, its season taken out, and the slope in percent of the median level."""
    values = (real(rows["value"]) - np.nan_to_num(real(rows["seasonal"])))[-STRETCH[frequency] :]
    known = np.isfinite(values)
    found = trend_of(values[known], np.flatnonzero(known).astype(np.float64))
    level = float(np.median(values[known])) if known.any() else 0.0
    return found, found.slope / level * 100 if level else None


def ordered(rows: pa.Table, sort: str, key: tuple[str, ...], columns: tuple[str, ...]) -> pa.Table:
    """Return the rows by a column, a leading `-` for descending, then by key. Raises UnknownColumn."""
    name = sort.removeprefix("-")
    if name not in columns:
        detail = f"no column {name!r} to sort by; there are {', '.join(columns)}"
        raise UnknownColumn(detail, metadata={"column": name}, errors=[FieldError("sort", detail)])
    way = "descending" if sort.startswith("-") else "ascending"
    return rows.sort_by([(name, way), *((each, "ascending") for each in key if each != name)])


def prices(data: pa.Table, filters: Filters, sort: str, *, category: str = "", below: Collection[str] = ()) -> pa.Table:
    """Return rows of competitive_pricing.

    Args:
        data: the table.
        filters: values that columns must have.
        sort: column, a leading `-` for descending.
        category: the category asked for; empty: all products.
        below: that and all categories below it.

    Raises SourceTableMissing, UnknownFilter, EmptySelection, UnknownColumn.
    """
    if not data.num_rows:
        raise SourceTableMissing(NO_PRICES)
    rows = filters.apply(data)
    if category:
        known = set(data["category_id"].unique().to_pylist())
        if known.isdisjoint(below):
            raise unknown("category_id", category, known)
        rows = rows.filter(pc.is_in(rows["category_id"], value_set=pa.array(sorted(below), pa.string())))
    table = CONTRACT["market_intel.competitive_pricing"]
    return ordered(required(rows, "these filters"), sort or "-gap_pct", table.key, table.column_names)


CATEGORY_COLUMNS = (
    Column("category_id", "VARCHAR", False, "Category of the products"),
    Column("category_name", "VARCHAR", False, "Its name"),
    Column("competitor", "VARCHAR", False, "Who sells them too"),
    Column("products", "BIGINT", False, "Products compared", "products"),
    Column("price_index", "DOUBLE", False, "Our price ÷ theirs × 100, geometric mean over products"),
    Column("gap_pct", "DOUBLE", False, "That less 100: how much dearer we are", "%"),
    Column("undercuts_pct", "DOUBLE", False, "Share of the products that they sell for less", "%"),
    Column("mean_price_rank", "DOUBLE", False, "Mean place of our price among the sellers of a product, 1 is lowest"),
)


def by_category(rows: pa.Table, names: dict[str, str], sort: str) -> pa.Table:
    """Return a row for each category and competitor over the prices that can be compared."""
    known = rows.filter(pc.is_valid(rows["price_index"]))
    logs = known.append_column("log_index", pc.ln(known["price_index"]))
    logs = logs.append_column("lower", logs["undercuts"].cast(pa.int64()))
    made = logs.group_by(["category_id", "competitor"], use_threads=False).aggregate(
        [("product_id", "count"), ("log_index", "mean"), ("lower", "mean"), ("price_rank", "mean")]
    )
    index = pc.exp(made["log_index_mean"])
    ids = made["category_id"].to_pylist()
    found = pa.table(
        {
            "category_id": made["category_id"],
            "category_name": pa.array([names.get(each, each) for each in ids], pa.string()),
            "competitor": made["competitor"],
            "products": made["product_id_count"],
            "price_index": index,
            "gap_pct": pc.subtract(index, 100.0),
            "undercuts_pct": pc.multiply(made["lower_mean"], 100.0),
            "mean_price_rank": made["price_rank_mean"],
        }
    )
    return ordered(found, sort or "-gap_pct", ("category_id", "competitor"), tuple(c.name for c in CATEGORY_COLUMNS))


@dataclass(frozen=True, slots=True)
class Position:
    """How one competitor's prices stand against ours."""

    competitor: str
    products: int
    price_index: float
    undercuts_pct: float


def positions(rows: pa.Table) -> tuple[list[Position], float | None]:
    """Return each competitor's position, by name, and the index over all pairs."""
    known = rows.filter(pc.is_valid(rows["price_index"]))
    if not known.num_rows:
        return [], None
    logs, lower = np.log(real(known["price_index"])), known["undercuts"].to_numpy().astype(bool)
    names, place = places(known["competitor"])
    found = [
        Position(
            name,
            int((place == n).sum()),
            float(np.exp(logs[place == n].mean())),
            float(lower[place == n].mean() * 100),
        )
        for n, name in enumerate(names)
    ]
    return found, float(np.exp(logs.mean()))


NAMED = {"category_id": "category_name", "department_id": "department_name"}


def with_names(
    rows: pa.Table, columns: Sequence[Column], names: Mapping[str, str]
) -> tuple[pa.Table, tuple[Column, ...]]:
    """Return the rows with the name of each category and department after its id, and what their columns are.

    An id without a name is its own.
    """
    made, found = {}, []
    for column in columns:
        made[column.name] = rows[column.name]
        found.append(column)
        if column.name in NAMED and column.name in rows.column_names:
            name = NAMED[column.name]
            place = pc.index_in(rows[column.name], value_set=pa.array(names, pa.string()))
            known = pa.chunked_array([pa.array(names.values(), pa.string())]).take(place)
            made[name] = pc.coalesce(known, rows[column.name])
            found.append(Column(name, "VARCHAR", False, f"Name of the {name.removesuffix('_name')}"))
    return pa.table(made), tuple(found)


def wars(
    data: pa.Table, filters: Filters, seen: pa.Table | None, departments: Collection[str], *, ongoing: bool
) -> pa.Table:
    """Return rows of price_wars, latest first; none where a competitor or department was in no war.

    Args:
        data: the table.
        filters: competitor and category_id.
        seen: rows of competitive_pricing; None: it cannot be read.
        departments: ids of those there are.
        ongoing: only wars that go on.

    Raises SourceTableMissing where no price was ever seen, UnknownFilter.
    """
    if seen is not None and not seen.num_rows:
        raise SourceTableMissing(NO_PRICES)
    known = {name: set(data[name].unique().to_pylist()) for name in ("competitor", "category_id")}
    known["competitor"] |= set(seen["competitor"].unique().to_pylist()) if seen is not None else set()
    known["category_id"] |= set(departments)
    for name, value in filters.values.items():
        if value and value not in known[name]:
            raise unknown(name, value, known[name])
    rows = filters.matching(data)
    rows = rows.filter(rows["is_ongoing"]) if ongoing else rows
    return rows.sort_by([("starts_on", "descending"), ("category_id", "ascending"), ("competitor", "ascending")])


def of_region(data: pa.Table, region: str) -> tuple[pa.Table, str, tuple[str, ...]]:
    """Return the rows of a region, which, and those there are. Raises UnknownFilter, EmptySelection."""
    regions = sorted(required(data, "the last 180 days")["region"].unique().to_pylist())
    chosen = region or (EVERYWHERE if EVERYWHERE in regions else regions[0])
    return Filters({"region": chosen}).apply(data), chosen, tuple(regions)


def products(rows: pa.Table, filters: Filters, category: str, name: str, sort: str, *, at_risk: bool) -> pa.Table:
    """Return rows of product_performance. Raises UnknownFilter, EmptySelection, UnknownColumn."""
    rows = of_category(filters.apply(rows), category)
    if name:
        rows = rows.filter(pc.match_substring(rows["name"], name, ignore_case=True))
    if at_risk:
        rows = rows.filter(rows["is_at_risk"])
    table = CONTRACT["market_intel.product_performance"]
    return ordered(rows, sort or "-sales", table.key, table.column_names)


def of_category(rows: pa.Table, category: str) -> pa.Table:
    """Return the rows of a category or department. Raises UnknownFilter."""
    if not category:
        return rows
    column = "category_id" if pc.any(pc.equal(rows["category_id"], category)).as_py() else "department_id"
    if column == "department_id" and not pc.any(pc.equal(rows[column], category)).as_py():
        there = [*rows["department_id"].unique().to_pylist(), *rows["category_id"].unique().to_pylist()]
        raise unknown("category_id", category, there)
    return rows.filter(pc.or_(pc.equal(rows["category_id"], category), pc.equal(rows["department_id"], category)))


BRAND_COLUMNS = (
    Column("brand", "VARCHAR", False, "The brand; `unknown` where it is"),
    Column("category_id", "VARCHAR", False, "The category; `all` for all of them"),
    Column("currency_code", "VARCHAR", False, "Currency of the amounts, ISO 4217"),
    Column("products", "BIGINT", False, "Products sold in the last 180 days", "products"),
    Column("units", "BIGINT", False, "Units sold in the last 90 days", "units"),
    Column("sales", "DECIMAL(18,2)", False, "Sales in the last 90 days", "currency_code"),
    Column("sales_before", "DECIMAL(18,2)", False, "Sales in the 90 days before", "currency_code"),
    Column("growth_pct", "DOUBLE", True, "Change of sales", "%"),
    Column("share_pct", "DOUBLE", True, "Share of the sales of the category, or of all", "%"),
    Column("category_growth_pct", "DOUBLE", True, "Change of the sales of the category, or of all", "%"),
    Column("price_index", "DOUBLE", True, "Its mean unit price in % of the category's, or of all"),
    Column("margin_pct", "DOUBLE", True, "Gross profit in % of the sales of products whose cost is known", "%"),
    Column("velocity", "DOUBLE", False, "Mean units a day and product", "units/day"),
    Column("velocity_index", "DOUBLE", True, "That in % of the mean of the category's products, or of all"),
)


def brands(rows: pa.Table, *, by_category: bool) -> pa.Table:
    """Return a row for each brand, or brand and category, held against the category or the whole; largest first."""
    if not by_category:
        everything = pa.repeat(pa.scalar(EVERYWHERE), rows.num_rows)
        rows = rows.set_column(rows.schema.get_field_index("category_id"), "category_id", everything)
    own, mine = grouped(rows, ("brand", "category_id", "currency_code"))
    peers, theirs = grouped(rows, ("category_id", "currency_code"))
    at = {key: number for number, key in enumerate(peers)}
    of = np.array([at[key[1:]] for key in own], np.int64)
    peer = {name: values[of] if len(of) else values[:0] for name, values in theirs.items()}
    with np.errstate(divide="ignore", invalid="ignore"):
        figures = {
            "growth_pct": (mine["sales"] / mine["sales_before"] - 1) * 100,
            "share_pct": mine["sales"] / peer["sales"] * 100,
            "category_growth_pct": (peer["sales"] / peer["sales_before"] - 1) * 100,
            "price_index": mine["sales"] / mine["units"] / (peer["sales"] / peer["units"]) * 100,
            "margin_pct": mine["profit"] / mine["costed"] * 100,
            "velocity": mine["velocity"] / mine["products"],
            "velocity_index": mine["velocity"] / mine["products"] / (peer["velocity"] / peer["products"]) * 100,
        }
    made = {
        **{name: pa.array([key[n] for key in own], pa.string()) for n, name in enumerate(KEYS)},
        "products": pa.array(mine["products"].astype(np.int64)),
        "units": pa.array(mine["units"].astype(np.int64)),
        "sales": money(np.rint(mine["sales"]).astype(np.int64)),
        "sales_before": money(np.rint(mine["sales_before"]).astype(np.int64)),
        **{name: finite(values) for name, values in figures.items()},
    }
    table = pa.table({column.name: made[column.name] for column in BRAND_COLUMNS})
    return table.sort_by([("sales", "descending"), ("brand", "ascending"), ("category_id", "ascending")])


KEYS = ("brand", "category_id", "currency_code")
SUMMED = ("products", "units", "sales", "sales_before", "profit", "costed", "velocity")


def grouped(rows: pa.Table, keys: tuple[str, ...]) -> tuple[list[tuple[str, ...]], dict[str, Floats]]:
    """Return the different keys and the sums of each; money in cents, which floats hold exactly up to 2⁵³."""
    at: dict[tuple[str, ...], int] = {}
    place = np.array(
        [at.setdefault(key, len(at)) for key in zip(*(rows[k].to_pylist() for k in keys), strict=True)], np.int64
    )
    has_cost = pc.is_valid(rows["gross_profit"]).to_numpy().astype(np.float64)
    sales = cents(rows["sales"])
    values = {
        "products": np.ones(rows.num_rows),
        "units": whole(rows["units"]),
        "sales": sales,
        "sales_before": cents(rows["sales_before"]),
        "profit": cents(rows["gross_profit"]),
        "costed": sales * has_cost,
        "velocity": real(rows["velocity"]),
    }
    return list(at), {
        name: np.bincount(place, weights=values[name], minlength=len(at)).astype(np.float64) for name in SUMMED
    }


def finite(values: Floats) -> pa.Array:
    """Return numbers, empty where there is none."""
    return pa.array(np.where(np.isfinite(values), values, np.nan), pa.float64(), from_pandas=True)
