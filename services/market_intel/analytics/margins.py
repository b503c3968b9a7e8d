"""What is left of sales after costs, each cost attributed as its `CostAttribution` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.market_intel.analytics.columns import Floats, Ints, cents, money
from services.market_intel.analytics.revenue import COLUMN_OF, period_column
from services.market_intel.analytics.selection import Filters, Period, SourceTableMissing, within
from shared.tables import Column

PLACES = ("channel", "region", "country")
COGS = (
    "quantity × the product's unit cost, on the lines whose product has one in the line's currency; the others are in"
    " no gross profit"
)
METHODS = {
    "shipping_cost": "what carriers charge for the parcels of an order, at the order's own day, channel and place",
    "payment_fees": "what providers took of the payments of an order, at the order's own day, channel and place",
    "marketing": "each day's spend shared out alike over that day's valid orders, whichever channel of marketing",
}
TABLES = {"shipping_cost": "shipping_daily", "payment_fees": "payments_daily", "marketing": "marketing_daily"}
VALUES = {"shipping_cost": "cost", "payment_fees": "fees", "marketing": "spend"}
SOURCES = {"shipping_cost": "shipments", "payment_fees": "payments", "marketing": "marketing_spend"}


@dataclass(frozen=True, slots=True)
class Attribution:
    """How a cost came to stand at the rows, or why it does not."""

    cost: str
    method: str
    is_included: bool = True


@dataclass(frozen=True)
class Margins:
    """The rows with their columns, and how each cost was attributed."""

    rows: pa.Table
    columns: tuple[Column, ...]
    attributions: tuple[Attribution, ...]
    cost_unknown_pct: float | None


@dataclass(frozen=True)
class Asked:
    """Of what margins are asked."""

    by: str
    grain: str
    period: Period
    filters: Filters

    def keys(self, rows: pa.Table) -> list[tuple[object, ...]]:
        """Return period and value of each row."""
        periods = period_column(rows["ds"], self.grain, self.period).to_pylist()
        if not self.by:
            return [(each,) for each in periods]
        return list(zip(periods, rows[COLUMN_OF.get(self.by, self.by)].to_pylist(), strict=True))


def margins(lines: pa.Table, orders: pa.Table, costs: Mapping[str, pa.Table], asked: Asked) -> Margins:
    """Return sales, costs and what is left by period and value, oldest first, then largest sales first.

    Args:
        lines: rows of sales_daily or sales_monthly in the selection.
        orders: rows of revenue_daily in the selection, for the fees that customers paid.
        costs: cost → rows in the selection, of those tables that are there; only for the whole and by place.
        asked: what is asked.
    """
    known = cents(lines["sales_with_cost"])
    if len(known) and not known.any():
        raise SourceTableMissing(
            "products: no unit cost of anything that was sold is known (curated.products.unit_cost);"
            " import a source that has unit costs"
        )
    of_orders = asked.by in ("", *PLACES)
    beside = [rows for rows in (orders, *costs.values()) if of_orders and rows is not None]
    # Costs may stand where nothing was sold: spend of a day without an order.
    own = asked.keys(lines)
    keys = list(dict.fromkeys([*own, *(key for rows in beside for key in asked.keys(rows))]))
    at = {key: number for number, key in enumerate(keys)}
    place = np.array([at[key] for key in own], np.int64)
    sums = {name: added(place, cents(lines[name]), len(keys)) for name in ("sales", "sales_with_cost", "cost")}
    sums["gross_profit"] = sums["sales_with_cost"] - sums["cost"]
    attributions = [Attribution("cogs", COGS)]
    if of_orders:
        sums["shipping_fees"] = of(keys, asked, orders, "shipping_fees")
        for cost in METHODS:
            attribution, rows = usable(cost, costs.get(cost), currencies(lines))
            attributions.append(attribution)
            if rows is not None:
                sums[cost] = of(keys, asked, rows, VALUES[cost])
        spent = sum((sums[cost] for cost in METHODS if cost in sums), np.zeros(len(keys), np.int64))
        sums["contribution"] = sums["gross_profit"] + sums["shipping_fees"] - spent
    else:
        attributions += [
            Attribution(cost, f"an order's, which cannot be told apart by {asked.by}", is_included=False)
            for cost in METHODS
        ]
    whole, there = int(sums["sales"].sum()), int(sums["sales_with_cost"].sum())
    return Margins(*told(keys, sums, asked.by), tuple(attributions), (whole - there) / whole * 100 if whole else None)


def usable(cost: str, rows: pa.Table | None, currency: set[str]) -> tuple[Attribution, pa.Table | None]:
    """Return how a cost is attributed, and its rows where there are some in the currency of sales."""
    if rows is None:
        table = SOURCES[cost]
        return Attribution(cost, f"{table}: no such table in the lake; import a source that has it", False), None
    if cost == "marketing" and not currencies(rows) <= currency:
        told_in = ", ".join(sorted(currencies(rows)))
        return Attribution(cost, f"spent in {told_in}, sales are in {', '.join(sorted(currency))}", False), None
    return Attribution(cost, METHODS[cost]), rows


def currencies(rows: pa.Table) -> set[str]:
    """Return the currencies of rows."""
    return set(rows["currency_code"].unique().to_pylist())


def of(keys: Sequence[tuple[object, ...]], asked: Asked, rows: pa.Table, column: str) -> Ints:
    """Return the sums of a column by key."""
    at = {key: number for number, key in enumerate(keys)}
    place = np.array([at[key] for key in asked.keys(rows)], np.int64)
    return added(place, cents(rows[column]), len(keys))


def added(place: Ints, values: Ints, count: int) -> Ints:
    """Return sums of whole cents by place."""
    sums = np.zeros(count, np.int64)
    np.add.at(sums, place, values)
    return sums


def selected(rows: pa.Table, asked: Asked) -> pa.Table:
    """Return the rows that period and filters leave, of a table that may lack some of the values asked for."""
    rows = within(rows, asked.period)
    for name, value in asked.filters.values.items():
        if value:
            rows = rows.filter(pc.equal(rows[name], value))
    return rows


WORDS = {
    "sales": "Sales of lines of valid orders",
    "sales_with_cost": "Those whose unit cost is known",
    "cost": "Cost of goods of those",
    "gross_profit": "Sales with a known cost - their cost",
    "shipping_fees": "Shipping fees that customers paid",
    "shipping_cost": "What carriers charge",
    "payment_fees": "What payment providers took",
    "marketing": "Marketing attributed",
    "contribution": "Gross profit + shipping fees - shipping cost - payment fees - marketing, of those that are known",
}


def told(keys: Sequence[tuple[object, ...]], sums: Mapping[str, Ints], by: str) -> tuple[pa.Table, tuple[Column, ...]]:
    """Return the rows in order, and what their columns are."""
    made = {"period_on": pa.array([key[0] for key in keys], pa.date32())}
    columns = [Column("period_on", "DATE", False, "First day of the period")]
    if by:
        made[by] = pa.array([key[1] for key in keys], pa.string())
        columns.append(Column(by, "VARCHAR", False, f"The {by}"))
    for name, values in sums.items():
        shown = "cogs" if name == "cost" else name
        made[shown] = money(values)
        columns.append(Column(shown, "DECIMAL(18,2)", False, WORDS[name], "currency_code"))
    shares = [("gross_margin_pct", "gross_profit", "sales_with_cost", "Gross profit in % of the same lines' sales")]
    if "contribution" in sums:
        shares.append(("contribution_margin_pct", "contribution", "sales", "Contribution in % of sales"))
    for name, part, whole, words in shares:
        made[name] = percent(sums[part], sums[whole])
        columns.append(Column(name, "DOUBLE", True, words, "%"))
    made["cost_unknown_pct"] = percent(sums["sales"] - sums["sales_with_cost"], sums["sales"])
    columns.append(Column("cost_unknown_pct", "DOUBLE", True, "Share of sales whose cost is unknown", "%"))
    order = [("period_on", "ascending"), ("sales", "descending"), *([(by, "ascending")] if by else [])]
    return pa.table(made).sort_by(order), tuple(columns)


def percent(part: Ints, whole: Ints) -> pa.Array:
    """Return part ÷ whole in percent, null where whole is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(whole != 0, part / whole * 100, np.nan)
    return pa.array(found, pa.float64(), from_pandas=True)
